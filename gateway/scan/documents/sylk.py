"""Symbolic link files, ``.slk``: text that Excel reads as a workbook, Excel 4.0 macros included.

Contract: ``inspect`` looks at texts that begin with the record ``ID`` and at nothing else. Records are those of the
Microsoft SYLK description: ``O;E`` makes it a macro sheet, ``NN`` defines a name, ``C`` a cell with its formula in
``E``. The order of fields, the case of names and the kind of line end do not matter. Raises ``OverLimit``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.closed_sets import FileType, Kind
from gateway.scan.budget import Budget
from gateway.scan.documents import cell_dde, xlm
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.TEXT, FileType.HTML, FileType.BINARY})

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_STEPS_BETWEEN_CLOCKS = 4096


@dataclass(slots=True)
class _Sheet:
    """What the records say; the fields of a cell record go on where those of the last one ended."""

    macro: bool = False
    book: xlm.Workbook = field(default_factory=xlm.Workbook)
    dde: str = ""
    row: int = 1
    column: int = 1


def inspect(blob: Blob, look: Look) -> None:
    """Report the macros and the DDE links of one SYLK file."""
    if not _begins_as_sylk(bytes(blob.data[:64])):
        return
    sheet = _read(bytes(blob.data), look.budget)
    if sheet.macro:
        sheet.book.macro_sheets.append(("SYLK", "visible"))
        xlm.tell(sheet.book, blob.where, look)
    if sheet.dde:
        look.find(Kind.DDE, blob.where, f"A cell asks another program for data by DDE: {sheet.dde}")


def _begins_as_sylk(head: bytes) -> bool:
    if b";" not in head:
        return False  # so ends the look at most texts
    for mark in _MARKS:
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"").lstrip().startswith(b"ID;")


def _read(data: bytes, budget: Budget) -> _Sheet:
    sheet = _Sheet()
    lines = data.replace(b"\0", b"").replace(b"\r", b"\n").split(b"\n")
    for number, line in enumerate(lines):
        if not number % _STEPS_BETWEEN_CLOCKS:
            budget.check_time()
        record = line.lstrip()
        if record.startswith(b"O;"):
            sheet.macro = sheet.macro or any(part == b"E" for part in _fields(record))
        elif record.startswith((b"NN;", b"NE;", b"NU;")):
            _read_name(record, sheet)
        elif record.startswith((b"C;", b"F;")):
            _read_cell(record, sheet)
    return sheet


def _fields(record: bytes) -> list[bytes]:
    """The fields behind the record type; a semicolon that is meant is written twice."""
    return [part.replace(b"\x01", b";").strip() for part in record.replace(b";;", b"\x01").split(b";")[1:]]


def _read_name(record: bytes, sheet: _Sheet) -> None:
    name, refers = "", ""
    for part in _fields(record):
        if part[:1] == b"N":
            name = part[1:].decode("utf-8", "replace")
        elif part[:1] == b"E":
            refers = part[1:].decode("utf-8", "replace")
            sheet.dde = sheet.dde or cell_dde.in_formula(part[1:])
    if name:
        sheet.book.define(name, refers)


def _read_cell(record: bytes, sheet: _Sheet) -> None:
    formula = None
    for part in _fields(record):
        if part[:1] == b"X":
            sheet.column = _number(part[1:])
        elif part[:1] == b"Y":
            sheet.row = _number(part[1:])
        elif part[:1] == b"E":
            formula = part[1:]
    if formula is not None:
        sheet.dde = sheet.dde or cell_dde.in_formula(formula)
        sheet.book.add("", sheet.row, sheet.column, formula.decode("utf-8", "replace"))


def _number(digits: bytes) -> int:
    return int(digits) if digits.isdigit() and len(digits) < 8 else 1
