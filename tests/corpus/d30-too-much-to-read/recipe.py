import struct

from tests.makers import workbooks, xlm

NAME = xlm.lbl("\x01", flags=0x20)


def _sheets(kind: int) -> bytes:
    """Two thousand entries of the list of sheets that name the first byte of the stream."""
    return xlm.record(0x85, struct.pack("<IBBB", 0, 0, kind, 1) + b"\0x") * 2_000


FILES = {
    "armed-long-formula.xlsm": lambda: workbooks.macro_formulas("(" * 40_000, "RETURN()"),
    "armed-sheets.xls": lambda: xlm.xls(xlm.stream(_sheets(1), NAME)),
    "armed-nesting.xls": lambda: xlm.xls(xlm.stream(NAME, formulas=(xlm.number(1) + b"\x15" * 8000,) * 2)),
    "clean-sheets.xls": lambda: xlm.xls(xlm.stream(_sheets(0), kind=0x10)),
}
