"""Excel 4.0 macros for tests: parsed expressions, and the records of the workbooks they lie in. Nothing in them runs:
what sounds dangerous stands behind ``IF(FALSE, ...)``."""

from __future__ import annotations

import struct

from gateway.samples.biff import MACRO_SHEET, WORKSHEET, Sheet, workbook_stream
from gateway.samples.compound import compound_file

EXCEL = bytes.fromhex("2008020000000000C000000000000046")
IF, EXEC, CALL, CHAR, GOTO, HALT, RETURN, REGISTER = 1, 110, 150, 111, 53, 54, 55, 149
RUN, ON_TIME, FORMULA, ALERT = 17, 148, 96, 118


def record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def text(value: str, *, xlsb: bool = False) -> bytes:
    """PtgStr."""
    if xlsb:
        return b"\x17" + struct.pack("<H", len(value)) + value.encode("utf-16-le")
    return bytes([0x17, len(value), 0]) + value.encode("latin-1")


def function(number: int, *arguments: bytes) -> bytes:
    """PtgFuncVar."""
    return b"".join(arguments) + struct.pack("<BBH", 0x42, len(arguments), number)


def command(number: int, *arguments: bytes) -> bytes:
    return function(number | 0x8000, *arguments)


def number(value: int) -> bytes:
    """PtgInt."""
    return struct.pack("<BH", 0x1E, value)


def char(value: int) -> bytes:
    """PtgFunc CHAR."""
    return number(value) + struct.pack("<BH", 0x41, CHAR)


def joined(*parts: bytes) -> bytes:
    """PtgConcat."""
    return parts[0] + b"".join(part + b"\x08" for part in parts[1:])


def never(expression: bytes) -> bytes:
    """``IF(FALSE, expression)``."""
    return function(IF, b"\x1d\x00", expression)


def dangerous(*, xlsb: bool = False) -> tuple[bytes, ...]:
    """Formulas that would start a program put together from pieces, and fetch a file, if anything let them."""

    def string(value: str) -> bytes:
        return text(value, xlsb=xlsb)

    program = joined(string("in"), char(101), string("rt.exe"))
    fetch = (string("urlmon"), string("inert"), string("JJ"), string("http://example.com/inert.bin"))
    return never(function(EXEC, program)), never(function(CALL, *fetch)), function(RETURN)


def lbl(name: str, *, wide: bool = False, flags: int = 0, split: int | None = None, mark: bool = False) -> bytes:
    """A defined name that refers to A1 of the first macro sheet; ``split`` puts the rest behind that many bytes into a
    CONTINUE record, with the byte a continued string begins with if ``mark``."""
    characters = b"\x01" + name.encode("utf-16-le") if wide else b"\x00" + name.encode("latin-1")
    formula = struct.pack("<BHHH", 0x3A, 0, 0, 0)
    body = struct.pack("<HBBHHH4x", flags, 0, len(name), len(formula), 0, 0) + characters + formula
    if split is None:
        return record(0x18, body)
    return record(0x18, body[:split]) + record(0x3C, (b"\x00" if mark else b"") + body[split:])


def links(sheets: int, sheet: int) -> bytes:
    """What a name needs to refer to a sheet of its own workbook: SupBook and ExternSheet."""
    return record(0x1AE, struct.pack("<HH", sheets, 0x0401)) + record(0x17, struct.pack("<HHHH", 1, 0, sheet, sheet))


def stream(
    *names: bytes, hidden: int = 1, title: str = "Macro1", formulas: tuple[bytes, ...] = (), kind: int = MACRO_SHEET
) -> bytes:
    """A workbook stream with a worksheet, a macro sheet and these names."""
    sheets = [Sheet("Sheet1", WORKSHEET), Sheet(title, kind, hidden, formulas)]
    return workbook_stream(sheets, more=links(2, 1) + b"".join(names))


def xls(content: bytes, *path: str) -> bytes:
    """A compound file around a workbook stream."""
    return compound_file({path or ("Workbook",): content}, EXCEL)


def excel5(*, name: bytes = b"\x01", built_in: bool = True, kind: int = MACRO_SHEET) -> bytes:
    """The stream of an Excel 5 workbook with one sheet and one name."""
    formula = struct.pack("<Bh8xHHHB", 0x3A, -1, 0, 0, 0, 0)
    defined = struct.pack("<HBBHHH4x", 0x20 if built_in else 0, 0, len(name), len(formula), 0, 0) + name + formula
    head = record(0x809, struct.pack("<HHHH", 0x0500, 5, 0x0DBB, 0x07CC))
    tail = record(0x18, defined) + record(0x0A)
    listed = record(0x85, struct.pack("<IBBB", 0, 0, 1 if kind == MACRO_SHEET else 0, 6) + b"Macro1")
    at = len(head) + len(listed) + len(tail)
    listed = record(0x85, struct.pack("<IBBB", at, 0, 1 if kind == MACRO_SHEET else 0, 6) + b"Macro1")
    cell = record(6, struct.pack("<HHHdHIH", 0, 0, 15, 0.0, 0, 0, 4) + function(RETURN))
    return (
        head + listed + tail + record(0x809, struct.pack("<HHHH", 0x0500, kind, 0x0DBB, 0x07CC)) + cell + record(0x0A)
    )


def excel4(version: int, *, kind: int = MACRO_SHEET, name: bytes = b"Auto_Open") -> bytes:
    """A sheet of Excel 2, 3 or 4 with one name."""
    bof = {2: 0x0009, 3: 0x0209, 4: 0x0409}[version]
    begin = record(bof, struct.pack("<HHH", version << 8 if version > 2 else 2, kind, 0)[: 4 if version == 2 else 6])
    defined = (
        record(0x18, struct.pack("<BBBBB", 0, 0, 0, len(name), 0) + name)
        if version == 2
        else record(0x218, struct.pack("<HBBH", 0, 0, len(name), 0) + name)
    )
    return begin + defined + record(0x0A)
