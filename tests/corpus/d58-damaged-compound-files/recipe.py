import struct

from gateway import samples
from gateway.samples import vba

SECTOR = 512


def changed(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def sector_table(data: bytes) -> int:
    return (struct.unpack_from("<I", data, 76)[0] + 1) * SECTOR


def entry(data: bytes, name: str) -> int:
    """Where in the file the directory entry of this name is."""
    return data.index(name.encode("utf-16-le") + b"\0\0")


def table_with(value: int) -> bytes:
    data = samples.doc_autoopen()
    return changed(data, sector_table(data), struct.pack("<I", value) * (SECTOR // 4))


ARMED = samples.doc_autoopen
FILES = {
    "armed-cut.doc": lambda: ARMED()[: len(ARMED()) * 3 // 4],
    "armed-cut-to-the-header.doc": lambda: ARMED()[:1024],
    "armed-not-a-multiple.doc": lambda: ARMED() + b"inert" * 7,
    "armed-table-of-free-sectors.doc": lambda: table_with(0xFFFFFFFF),
    "armed-table-that-loops.doc": lambda: table_with(1),
    "armed-sector-size.doc": lambda: changed(ARMED(), 30, b"\x0c\x00"),
    "armed-sector-size-of-nobody.doc": lambda: changed(ARMED(), 30, b"\x03\x00"),
    "armed-mini-sector-size.doc": lambda: changed(ARMED(), 32, b"\x07\x00"),
    "armed-mini-table.doc": lambda: changed(ARMED(), 60, b"\xfe\xff\xff\xff"),
    "armed-directory-start.doc": lambda: changed(ARMED(), 48, b"\x7f\x00\x00\x00"),
    "armed-entry-without-a-parent.doc": lambda: changed(ARMED(), entry(ARMED(), "VBA") + 76, b"\xff\xff\xff\xff"),
    "armed-entry-of-no-kind.doc": lambda: changed(ARMED(), entry(ARMED(), "VBA") + 66, b"\x03"),
    "armed-stream-of-no-length.doc": lambda: changed(ARMED(), entry(ARMED(), "Module1") + 120, bytes(4)),
    "armed-first-bytes.doc": lambda: b"nonsense" + ARMED()[8:],
    "armed-first-bytes.bin": lambda: b"nonsense" + vba.project(samples.docm_autoopen())[8:],
    "armed-cut-in-front.xls": lambda: samples.xls_workbook_open()[SECTOR:],
    "clean.doc": samples.doc,
    "clean-not-a-multiple.doc": lambda: samples.doc() + b"inert" * 7,
    "clean-minor-version.xls": lambda: changed(samples.xls(), 24, b"\x3b\x00"),
}
