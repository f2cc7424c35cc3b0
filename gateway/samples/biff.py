"""The workbook stream of a binary ``.xls`` (MS-XLS), as little of it as Excel and LibreOffice accept.

Contract: ``workbook_stream`` writes BIFF8 records; the same bytes for the same sheets.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

WORKSHEET, MACRO_SHEET = 0x10, 0x40
"""BOF dt (2.4.21)."""
_GLOBALS = 0x05
_LISTED = {WORKSHEET: 0, MACRO_SHEET: 1}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. ``hidden`` is hsState: 0 visible, 1 hidden, 2 very hidden. ``formulas`` are parsed expressions
    (2.5.198) for A1, A2 ...; without them a macro sheet returns at once."""

    name: str
    kind: int
    hidden: int = 0
    formulas: tuple[bytes, ...] = ()


def workbook_stream(
    sheets: list[Sheet], *, macros: bool = False, auto_open: int | None = None, more: bytes = b""
) -> bytes:
    """The globals and every sheet. ``auto_open`` is the number of the sheet whose A1 runs on opening, ``more`` are
    further global records."""
    head = _bof(_GLOBALS) + _record(0x42, struct.pack("<H", 1200))
    head += _record(0xD3) if macros else b""
    head += _record(0x3D, struct.pack("<9H", 0, 0, 0x4000, 0x2000, 0x38, 0, 0, 1, 600)) + _look()
    tail = more
    if auto_open is not None:
        # 2.4.271 SupBook (this workbook), 2.4.106 ExternSheet, 2.4.150 Lbl with the built-in name 1
        tail += _record(0x1AE, struct.pack("<HH", len(sheets), 0x0401))
        tail += _record(0x17, struct.pack("<HHHH", 1, 0, auto_open, auto_open))
        formula = struct.pack("<BHHH", 0x3A, 0, 0, 0)
        name = struct.pack("<HBBHHH4x", 0x20, 0, 1, len(formula), 0, 0) + b"\x00\x01"
        tail += _record(0x18, name + formula)
    tail += _record(0x0A)
    listed = sum(len(_bound_sheet(0, sheet)) for sheet in sheets)
    position = len(head) + listed + len(tail)
    directory, contents = b"", b""
    for sheet in sheets:
        directory += _bound_sheet(position + len(contents), sheet)
        contents += _sheet(sheet)
    return head + directory + tail + contents


def _record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _bof(kind: int) -> bytes:
    return _record(0x809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0x41, 0x06))


def _look() -> bytes:
    """Four fonts, sixteen cell formats and the style Normal (2.4.122, 2.4.353, 2.4.269), as in every workbook."""
    font = _record(0x31, struct.pack("<HHHHHBBBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0, 5, 0) + b"Arial")
    style_format = _record(0xE0, struct.pack("<HHHBBBBIIH", 0, 0, 0xFFF5, 0x20, 0, 0, 0, 0, 0, 0x20C0))
    cell_format = _record(0xE0, struct.pack("<HHHBBBBIIH", 0, 0, 0x0001, 0x20, 0, 0, 0, 0, 0, 0x20C0))
    return font * 4 + style_format * 15 + cell_format + _record(0x293, struct.pack("<HBB", 0x8000, 0, 0xFF))


def _bound_sheet(position: int, sheet: Sheet) -> bytes:
    name = sheet.name.encode("latin-1")
    head = struct.pack("<IBBBB", position, sheet.hidden, _LISTED[sheet.kind], len(name), 0)
    return _record(0x85, head + name)


def _sheet(sheet: Sheet) -> bytes:
    size = _record(0x200, struct.pack("<IIHHH", 0, 1, 0, 1, 0))
    formulas = sheet.formulas or (() if sheet.kind == WORKSHEET else (_RETURN,))
    cell = b"".join(_formula(row, formula) for row, formula in enumerate(formulas)) or _number()
    window = _record(0x23E, struct.pack("<HHHIHHI", 0x06B6 if not sheet.hidden else 0x00B6, 0, 0, 0x40, 0, 0, 0))
    return _bof(sheet.kind) + size + cell + window + _record(0x0A)


def _number() -> bytes:
    return _record(0x203, struct.pack("<HHHd", 0, 0, 15, 42.0))


_RETURN = b"\x42\x00\x37\x00"
"""``=RETURN()``."""


def _formula(row: int, expression: bytes) -> bytes:
    """2.4.127 Formula in column A."""
    head = struct.pack("<HHHdHIH", row, 0, 15, 0.0, 0, 0, len(expression))
    return _record(0x06, head + expression)
