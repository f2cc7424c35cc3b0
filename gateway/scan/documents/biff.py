"""The workbook stream of Excel before 2007 (MS-XLS; BIFF2 to BIFF8): what of it can act.

Contract: ``read_globals`` walks the workbook's global records and says what of it can act: macro sheets and their
formulas, names Excel calls by itself, DDE links, encryption. A sheet is a macro sheet if either the list of sheets or
its own first record says so, listed or not. Raises ``Corrupt`` when the stream does not begin as a workbook,
``OverLimit`` when walking takes too long.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.closed_sets import Kind, Verdict
from gateway.scan.budget import Budget
from gateway.scan.documents import biff_macros, xlm
from gateway.scan.documents.biff_records import records
from gateway.scan.documents.cell_dde import starts_program
from gateway.scan.documents.parsed_formula import Reader
from gateway.scan.documents.xlm import HIDDEN, Workbook
from gateway.scan.look import Corrupt, Look

_BOF_OLD = {0x0009: 2, 0x0209: 3, 0x0409: 4}
_BOF, _EOF, _FILEPASS, _BOUNDSHEET = 0x0809, 0x000A, 0x002F, 0x0085
_SUPBOOK, _EXTERNSHEET = 0x01AE, 0x0017
_EXTERNNAMES = frozenset({0x0023, 0x0223})
_LINKS = frozenset({_SUPBOOK, _EXTERNSHEET, *_EXTERNNAMES})
_LBL = frozenset({0x0018, 0x0218})
_JOINED = frozenset({_BOUNDSHEET, *_LBL, *_LINKS})
_BIFF8 = 0x0600
_MACRO_SHEET = 0x0040
_MODULE_SHEET = 6
_LISTED_MACRO = 1
_OLE_LINK = 0x0010
_NAME_AT = {2: 5, 3: 6, 4: 6, 5: 14, 8: 14}
"""Where a name begins in the record that defines it."""
_AUTO_NAME = re.compile(rb"auto_(?:open|close|activate|deactivate)\w*", re.IGNORECASE)
_MACRO_BOF = re.compile(rb"\x09\x08[\x04-\xff]\x00\x00[\x00-\x08]\x40\x00", re.DOTALL)
_MACRO_BOF_OLD = re.compile(rb"\x09[\x00\x02\x04][\x04\x06]\x00..\x40\x00", re.DOTALL)
"""BOF of a macro sheet, of BIFF5 and later and of those before. Its version means little before BIFF5."""


@dataclass(slots=True)
class Globals:
    """What the global records say."""

    version: int = 8
    workbook: Workbook = field(default_factory=Workbook)
    encrypted: bool = False
    dde: list[str] = field(default_factory=list)
    module_sheets: list[str] = field(default_factory=list)
    """VBA modules of Excel 5 and 95, which were sheets."""
    sheets: list[str] = field(default_factory=list)
    macros_at: list[tuple[str, int]] = field(default_factory=list)
    """Name of each macro sheet, and where in the stream it begins."""
    expressions: list[tuple[str, bytes]] = field(default_factory=list)
    """Defined names in the order of their numbers, and what each refers to."""
    sheet_numbers: list[int] = field(default_factory=list)
    """ExternSheet (2.4.106): the sheet behind each number in a formula."""


def read_globals(stream: bytes, budget: Budget) -> Globals:
    """Walk the stream of a workbook up to the end of its globals, and its macro sheets if it has any."""
    if len(stream) < 8:
        raise Corrupt("is too short for a workbook")
    kind, _, version, _ = struct.unpack_from("<HHHH", stream)
    if kind != _BOF and kind not in _BOF_OLD:
        raise Corrupt("does not begin as a workbook")
    found = Globals(_BOF_OLD.get(kind) or (8 if version == _BIFF8 else 5))
    links: list[tuple[int, bytes]] = []
    for record, body in records(stream, budget, _JOINED):
        if record == _FILEPASS:
            found.encrypted = True
            break
        if record == _EOF and found.version == 8:
            break  # before BIFF8 every sheet has links and names of its own
        if record == _BOUNDSHEET and len(body) > 6:
            _read_sheet(stream, body, found)
        elif record in _LBL:
            _read_name(body, found)
        elif record in _LINKS:
            links.append((record, body))
            if record == _EXTERNSHEET and found.version == 8:
                found.sheet_numbers += _sheet_numbers(body)
    found.dde += dict.fromkeys(dde_sources(links, wide=found.version == 8))
    if not found.encrypted:
        _read_macros(stream, found, budget)
    return found


def tell(found: Globals, where: str, look: Look) -> None:
    """Report what the globals of one workbook say."""
    xlm.tell(found.workbook, where, look)
    for source in found.dde:
        look.find(Kind.DDE, where, f"Asks another program for data by DDE: {source}", indicators=[source])
    if found.module_sheets:
        sentence = f"Holds the macro module {found.module_sheets[0]} of Excel 5, whose code is not read"
        look.find(Kind.VBA_MACRO, where, sentence, verdict=Verdict.UNSCANNABLE)


def _read_sheet(stream: bytes, body: bytes, found: Globals) -> None:
    """BoundSheet8 (MS-XLS 2.4.28) and the BOF it points to (2.4.21)."""
    at, state, listed, length = struct.unpack_from("<IBBB", body)
    name = text(body[7:], length, found.version == 8)
    actual = 0
    if at + 8 <= len(stream):
        record, _, _, actual = struct.unpack_from("<HHHH", stream, at)
        actual = actual if record == _BOF else 0
    found.sheets.append(name)
    if listed == _LISTED_MACRO or actual == _MACRO_SHEET:
        found.workbook.macro_sheets.append((name, HIDDEN[state & 3]))
        found.macros_at.append((name, at))
    elif _MODULE_SHEET in {listed, actual}:
        found.module_sheets.append(name)


def _read_name(body: bytes, found: Globals) -> None:
    """Lbl (MS-XLS 2.4.150), shorter before BIFF5."""
    at, wide = _NAME_AT[found.version], found.version == 8
    if found.version < 5 and (match := _AUTO_NAME.search(body)):
        found.workbook.define(match[0].decode("ascii", "replace"))  # whatever the lengths before it say
    if len(body) <= at:
        return
    length = body[3]
    name = text(body[at:], length, wide)
    size = int.from_bytes(body[4:6], "little") if found.version > 2 else body[4]
    formula_at = at + length + (1 + length * (body[at] & 1) if wide else 0)
    found.expressions.append((name, body[formula_at : formula_at + size]))
    found.workbook.define(name)


def _read_macros(stream: bytes, found: Globals, budget: Budget) -> None:
    """Macro sheets nobody lists, and the formulas of all of them."""
    known = {at for _, at in found.macros_at}
    for match in (_MACRO_BOF if found.version >= 5 else _MACRO_BOF_OLD).finditer(stream):
        if match.start() not in known:
            # in BIFF2 to BIFF4 there is no list and nothing can hide
            visible = HIDDEN[0] if found.version < 5 else "unlisted"
            found.workbook.macro_sheets.append(("", visible))
            found.macros_at.append(("", match.start()))
            budget.check_time()
    if not found.macros_at:
        return
    names, numbers, sheets = found.expressions, found.sheet_numbers, found.sheets

    def name_of(number: int) -> str:
        return xlm.plain_name(names[number - 1][0]) if 0 < number <= len(names) else ""

    def sheet_of(number: int) -> str:
        if found.version == 8:
            number = numbers[number] if number < len(numbers) else len(sheets)
        return sheets[number] if number < len(sheets) else ""

    reader = Reader(found.version, name_of, sheet_of)
    for name, expression in names:
        if xlm.may_run(name) and (refers := reader.text(expression)):
            found.workbook.refers[name] = refers
    for at, name in {at: name for name, at in reversed(found.macros_at)}.items():
        biff_macros.read_sheet(stream, at, name, reader, found.workbook, budget)


def _sheet_numbers(body: bytes) -> list[int]:
    """The first sheet of each XTI (MS-XLS 2.5.300)."""
    return [first for _, first, _ in struct.iter_unpack("<HHH", body[2 : 2 + max(0, len(body) - 2) // 6 * 6])]


def books(body: bytes) -> list[int]:
    """The SupBook of each XTI (MS-XLS 2.5.300)."""
    return [book for book, _, _ in struct.iter_unpack("<HHH", body[2 : 2 + max(0, len(body) - 2) // 6 * 6])]


def dde_sources(links: list[tuple[int, bytes]], *, wide: bool) -> Iterator[str]:
    """The data sources with items that are no OLE links: a DDE server and its topic (MS-XLS 2.4.105). A server that
    starts programs is one whatever its items are called."""
    source = ""
    for record, body in links:
        if record in _EXTERNNAMES:
            if source and len(body) >= 2 and not struct.unpack_from("<H", body)[0] & _OLE_LINK:
                yield source
        elif record == _SUPBOOK and len(body) > 5:
            source = _source(text(body[4:], struct.unpack_from("<H", body, 2)[0], wide=True))
        elif record == _EXTERNSHEET and not wide and len(body) > 2:
            source = _source(text(body[1:], body[0], wide=False))
        if record not in _EXTERNNAMES and starts_program(source.partition("|")[0]):
            yield source


def _source(path: str) -> str:
    """A DDE or OLE data source as ``server|topic``, or "" for a path, which begins with a control character
    (MS-XLS 2.5.277 VirtualPath)."""
    server, mark, topic = path.replace("\0", "").partition("\x03")
    return f"{server}|{topic}" if mark and server.isprintable() and "\x03" not in topic else ""


def text(raw: bytes, length: int, wide: bool) -> str:
    """XLUnicodeStringNoCch (MS-XLS 2.5.296), or plain bytes before BIFF8. ``length`` in characters."""
    if not wide:
        return raw[:length].decode("cp1252", "replace")
    if raw and raw[0] & 1:
        return raw[1 : 1 + 2 * length].decode("utf-16-le", "replace")
    return raw[1 : 1 + length].decode("latin-1")
