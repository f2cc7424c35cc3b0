import struct

from gateway import samples
from gateway.samples import vba
from gateway.samples.biff import WORKSHEET, Sheet, workbook_stream
from gateway.samples.compound import compound_file
from tests.makers.vba import project_streams


def word95(commands: bytes) -> bytes:
    """As much of a Word 95 document as tells whether it has commands of its own, and macros are commands."""
    stream = bytearray(2048)
    struct.pack_into("<HH", stream, 0, 0xA5DC, 0x0065)
    struct.pack_into("<II", stream, 0x0118, 1024, len(commands))
    stream[1024 : 1024 + len(commands)] = commands
    return compound_file({("WordDocument",): bytes(stream)})


def excel95() -> bytes:
    """A project where Excel 95 keeps it."""
    project = {("_VBA_PROJECT", *path): c for path, c in project_streams(vba.inert("Auto_Open")).items()}
    return compound_file({("Book",): workbook_stream([Sheet("Sheet1", WORKSHEET)]), **project})


def word2(flags: int) -> bytes:
    return (b"\xdb\xa5\x2d\x00" + bytes(6) + bytes([flags])).ljust(1024, b"\x00")


FILES = {
    "armed-word95.doc": lambda: word95(b"\xff\x01\x00\x00"),
    "armed-word2-template.doc": lambda: word2(1),
    "armed-excel95.xls": excel95,
    "armed.wcm": lambda: (b"\xffWPC" + bytes(4) + b"\x01\x01").ljust(256, b"\x00"),
    "clean-word95.doc": lambda: word95(b"\xff\x40"),
    "clean-word2.doc": lambda: word2(0),
    "clean.doc": samples.doc,
}
