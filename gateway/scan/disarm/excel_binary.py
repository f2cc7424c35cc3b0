"""What runs by itself in the workbook stream of Excel before 2007 (MS-XLS; BIFF5, BIFF8), made inert where it stands.

Contract: ``disarm`` gives a stream of the same length in which each record of a worksheet is where it was. A macro
sheet, or a module of Excel 5, becomes an empty worksheet of the same name in the same place, so that every number of a
sheet stays right; names Excel calls by itself get another name; a DDE source becomes a workbook that is not there, and
what was last fetched stays in the cells. What has to go becomes records of a kind that readers leave out. Raises
``CannotDisarm`` and ``OverLimit``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gateway.scan.budget import Budget
from gateway.scan.disarm.biff_edit import Record, leave_out, records
from gateway.scan.disarm.excel_values import Values
from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.documents import biff, xlm
from gateway.scan.triggers import ScanRules

MACRO_SHEETS = "its Excel 4.0 macros"
DDE = "a link that starts another program"
MODULES = "its macros"

_BOF, _EOF, _BOUNDSHEET, _OBPROJ, _CODENAME, _LBL = 0x0809, 0x000A, 0x0085, 0x00D3, 0x01BA, 0x0018
_EXCEL_9 = 0x01C0
"""Excel9File: an empty record that says nothing of the content; takes the place of ObProj, which is empty as well."""
_SUPBOOK, _EXTERNSHEET, _EXTERNNAME, _EXTERNNAME_OLD = 0x01AE, 0x0017, 0x0023, 0x0223
_WANTED = frozenset({_BOUNDSHEET, _LBL, _SUPBOOK, _EXTERNSHEET, _EXTERNNAME, _EXTERNNAME_OLD})
_WORKSHEET, _WORKSHEET_LISTED = 0x10, 0
_MACROS = frozenset({0x40, 0x06})
"""dt of the BOF of a macro sheet and of a module (2.4.21)."""
_MACROS_LISTED = frozenset({1, 6})
_DIMENSIONS, _WINDOW2 = 0x0200, 0x023E
_SHOWS_FORMULAS = 0x01
_KEPT = frozenset(
    {
        *(0x000C, 0x000D, 0x000F, 0x0010, 0x0011, 0x005F),  # how it is calculated
        *(0x002A, 0x002B, 0x0082, 0x0080, 0x0225, 0x0081, 0x0055, 0x007D),  # its grid
        *(0x0083, 0x0084, 0x0026, 0x0027, 0x0028, 0x0029, 0x00A1),  # its page
        *(_DIMENSIONS, _WINDOW2, 0x001D, 0x0041, 0x00A0),  # its window
    }
)
"""Records of a sheet that hold numbers only, and that an empty one has, too."""
_NAME_AT = 14
"""Where the name begins in Lbl (2.4.150), behind a byte that says how wide its letters are in BIFF8."""
_NAME_FLAGS, _HIDDEN_NAME = 0x0FEE, 0x0001
"""Of Lbl: function, macro, built-in and the group of functions it belongs to; and that it is not shown."""
_IS_FUNCTION = 0x0A
_LATER_FUNCTIONS = "_xlfn."
_REFERENCE_ERROR = b"\x02\x00\x1c\x17"
"""A parsed formula with its length: ``#REF!``."""
_LETTERS = "abdefghijklmnopqstuvwxyz"
"""Names of one letter; ``c`` and ``r`` are none."""


class Workbook:
    """A workbook stream being changed."""

    def __init__(self, stream: bytes, found: biff.Globals, rules: ScanRules, budget: Budget) -> None:
        self.stream = bytearray(stream)
        self._original, self._found, self._rules, self._budget = stream, found, rules, budget
        self._wide = found.version == 8

    def disarm(self, *, macros: bool) -> list[str]:
        """Change what acts; ``macros`` says that the macro project is gone, and what tells of it has to go."""
        if self._found.encrypted:
            raise CannotDisarm("The workbook is encrypted")
        if self._found.version < 5:
            raise CannotDisarm("The workbook is one of Excel 4 or before, which cannot be had without its macros")
        removed = [MODULES] if self._found.module_sheets else []
        removed += [MACRO_SHEETS] if self._found.workbook.macro_sheets else []
        wanted = list(self._globals())
        self._sheets(wanted)
        if self._found.dde:
            removed.append(DDE)
        if removed or macros:
            sources = self._links(wanted)
            functions = self._functions(wanted) if macros or self._found.macros_at else set()
            Values(self.stream, self._original, sources, functions, self._found.version).keep(self._budget)
            self._names(wanted)
        if macros or self._found.module_sheets:
            self._marks()
        return removed

    # --- records ------------------------------------------------------------------------------------------------------

    def _globals(self) -> Iterator[Record]:
        """Before BIFF8 every sheet has names and links of its own."""
        for record in records(self._original, self._budget):
            if record.kind == _EOF and self._wide:
                return
            if record.kind in _WANTED:
                yield record

    def _body(self, record: Record) -> bytes:
        return self._original[record.body : record.end]

    # --- sheets -------------------------------------------------------------------------------------------------------

    def _sheets(self, wanted: list[Record]) -> None:
        begins: dict[int, None] = {at: None for _, at in self._found.macros_at}
        for record in wanted:
            if record.kind == _BOUNDSHEET and record.size > 6:
                at, listed = struct.unpack_from("<IxB", self._original, record.body)
                if listed in _MACROS_LISTED or self._type_at(at) in _MACROS:
                    self.stream[record.body + 5] = _WORKSHEET_LISTED
                    begins[at] = None
        for at in begins:
            self._budget.check_time()
            if self._original[at : at + 2] == _BOF.to_bytes(2, "little"):
                self._empty_sheet(at)

    def _type_at(self, at: int) -> int:
        if self._original[at : at + 2] != _BOF.to_bytes(2, "little") or at + 8 > len(self._original):
            return 0
        return int(struct.unpack_from("<H", self._original, at + 6)[0])

    def _empty_sheet(self, at: int) -> None:
        """Make an empty worksheet of the sheet that begins at ``at``."""
        depth, start = 0, -1
        for record in records(self._original, self._budget, at):
            if record.kind == _BOF:
                depth += 1
            outside = depth == 1 and record.kind != _BOF
            if record.kind == _EOF:
                depth -= 1
            if record.at == at:
                struct.pack_into("<H", self.stream, record.body + 2, _WORKSHEET)
            elif outside and (record.kind in _KEPT or record.kind == _EOF):
                if start >= 0:
                    leave_out(self.stream, start, record.at)
                start = -1
                self._clear(record)
            elif start < 0:
                start = record.at
            if depth <= 0:
                return
        raise CannotDisarm("A macro sheet of the workbook does not end")

    def _clear(self, record: Record) -> None:
        if record.kind == _DIMENSIONS:
            self.stream[record.body : record.end] = bytes(record.size)
        elif record.kind == _WINDOW2 and record.size:
            self.stream[record.body] &= ~_SHOWS_FORMULAS & 0xFF

    # --- names --------------------------------------------------------------------------------------------------------

    def _names(self, wanted: list[Record]) -> None:
        """Give another name to what Excel calls by its name. Formulas name it by its number, which stays."""
        labels = [record for record in wanted if record.kind == _LBL]
        names = [self._name(record) for record in labels]
        taken = {name.casefold() for name in names}
        for record, name in zip(labels, names, strict=True):
            plain = xlm.plain_name(name)
            if xlm.may_run(name) and self._rules.match(plain, language="xlm", applications=frozenset({"excel"})):
                self._budget.check_time()
                self._rename(record, taken)

    def _functions(self, wanted: list[Record]) -> set[int]:
        """The numbers of names that are functions of a macro (2.4.150 fFunc, fProc), and none of a later Excel."""
        labels = [record for record in wanted if record.kind == _LBL]
        return {
            number
            for number, record in enumerate(labels, 1)
            if record.size
            and self._original[record.body] & _IS_FUNCTION
            and not self._name(record).casefold().startswith(_LATER_FUNCTIONS)
        }

    def _letters(self, record: Record) -> tuple[int, int, bool]:
        """Where the letters of a name are, how many, and whether they are of two bytes."""
        if record.size <= _NAME_AT:
            return record.end, 0, False
        at, length = record.body + _NAME_AT + self._wide, self._original[record.body + 3]
        doubled = self._wide and bool(self._original[at - 1] & 1)
        if at + length * (1 + doubled) > record.end:
            raise CannotDisarm("A name in the workbook is spread over several records")
        return at, length, doubled

    def _name(self, record: Record) -> str:
        at, length, doubled = self._letters(record)
        raw = self._original[at : at + length * (1 + doubled)]
        return raw.decode("utf-16-le" if doubled else "latin-1", "replace")

    def _rename(self, record: Record, taken: set[str]) -> None:
        at, length, doubled = self._letters(record)
        name = _unused(length, taken)
        taken.add(name)
        raw = name.encode("utf-16-le" if doubled else "ascii")
        self.stream[at : at + len(raw)] = raw
        flags = struct.unpack_from("<H", self._original, record.body)[0] & ~_NAME_FLAGS | _HIDDEN_NAME
        struct.pack_into("<HB", self.stream, record.body, flags, 0)

    # --- links --------------------------------------------------------------------------------------------------------

    def _links(self, wanted: list[Record]) -> set[int]:
        """Make paths of DDE sources (2.4.271 SupBook, 2.5.277 VirtualPath) and names of their items (2.4.105). Gives
        the numbers that formulas use for them."""
        links: list[list[Record]] = []
        numbers: list[int] = []
        for record in wanted:
            if record.kind == _SUPBOOK or (record.kind == _EXTERNSHEET and not self._wide):
                links.append([record])
            elif record.kind in {_EXTERNNAME, _EXTERNNAME_OLD} and links:
                links[-1].append(record)
            elif record.kind == _EXTERNSHEET:
                numbers += biff.books(self._body(record))
        gone: set[int] = set()
        for index, (source, *items) in enumerate(links):
            self._budget.check_time()
            bodies = [(record.kind, self._body(record)) for record in (source, *items)]
            if any(biff.dde_sources(bodies, wide=self._wide)):
                gone.add(index)
                self._make_path(source)
                for number, item in enumerate(items, 1):
                    self._make_name(item, number)
        if self._wide:
            return {number for number, book in enumerate(numbers) if book in gone}
        return {index + 1 for index in gone}

    def _make_path(self, record: Record) -> None:
        at = record.body + (4 if self._wide else 1)
        doubled = self._wide and bool(self._original[at] & 1)
        at += self._wide
        room = (record.end - at) // (1 + doubled)
        path = "\x01" + ("removed" * (room // 7 + 1))[: max(0, room - 1)]
        raw = path[:room].encode("utf-16-le" if doubled else "ascii")
        self.stream[at : at + len(raw)] = raw

    def _make_name(self, record: Record, number: int) -> None:
        """No flags, no sheet, a name of its own, and for what it refers to an error; the values it brought go."""
        head = 8 if self._wide else 7
        name = f"_{number}"
        room = record.size - head - len(_REFERENCE_ERROR)
        self.stream[record.body : record.body + 6] = bytes(min(6, record.size))
        if room < len(name):
            return
        if room - len(name) < 4:
            name = name.ljust(room, "_")  # what is left has to hold the head of a record
        raw = bytes([len(name), 0])[: head - 6] + name.encode("ascii") + _REFERENCE_ERROR
        end = record.body + 6 + len(raw)
        self.stream[record.body + 6 : end] = raw
        struct.pack_into("<H", self.stream, record.at + 2, end - record.body)
        leave_out(self.stream, end, record.end)

    # --- what tells of a project --------------------------------------------------------------------------------------

    def _marks(self) -> None:
        """ObProj (2.4.184) says that there is a project, CodeName (2.4.51) what its modules are called."""
        for record in records(self._original, self._budget):
            if record.kind == _OBPROJ and record.size == 0 and self._is_unchanged(record):
                struct.pack_into("<H", self.stream, record.at, _EXCEL_9)
            elif record.kind == _CODENAME and self._is_unchanged(record):
                leave_out(self.stream, record.at, record.end)

    def _is_unchanged(self, record: Record) -> bool:
        return self.stream[record.at : record.end] == self._original[record.at : record.end]


def _unused(length: int, taken: set[str]) -> str:
    """A name of ``length`` letters that no other one has."""
    if length == 1:
        found = next((letter for letter in _LETTERS if letter not in taken), "")
    else:
        numbers = (f"_{number:0{length - 1}d}" for number in range(min(len(taken) + 1, 10 ** (length - 1))))
        found = next((name for name in numbers if name not in taken), "")
    if not found:
        raise CannotDisarm("A name that Excel calls by itself cannot be given another one")
    return found
