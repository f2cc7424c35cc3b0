import struct
import zlib

from gateway import samples
from gateway.samples.package import parts_of
from tests.makers.hidings import ARMED, CLEAN, NOTE, files
from tests.makers.zips import Item, build, extra


def unicode_path(raw: str, other: str) -> bytes:
    return extra(0x7075, struct.pack("<BI", 1, zlib.crc32(raw.encode())) + other.encode())


def other_name(content: bytes) -> bytes:
    return build([Item("a.txt", content, extra=unicode_path("a.txt", "a.doc"))])


def package_with_other_name() -> bytes:
    """Only the Unicode field calls the part by the name that the relationships have."""
    items = []
    for name, content in parts_of(samples.docm_autoopen()).items():
        hidden = name.endswith("vbaProject.bin")
        field = unicode_path("word/x.xml", name) if hidden else b""
        items.append(Item("word/x.xml" if hidden else name, content, extra=field))
    return build(items)


AMBIGUOUS = {
    "other-name-in-header.zip": lambda content: build([Item("a.txt", content, local={"name": b"a.doc"})]),
    "other-name-in-unicode-field.zip": other_name,
    "nul.zip": lambda content: build([Item(b"a.txt\x00.doc", content)]),
}
STRANGE = {
    "directory.zip": lambda content: build([Item("a.doc/", content)]),
    "windows-directory.zip": lambda content: build([Item("a.doc\\", content)]),
    "backslash.zip": lambda content: build([Item("folder\\a.doc", content)]),
    "dots.zip": lambda content: build([Item("./folder//../../a.doc", content)]),
    "control.zip": lambda content: build([Item(b"a\x1b[2J\r\n.doc", content)]),
    "no-name.zip": lambda content: build([Item("", content)]),
    "case.zip": lambda content: build([Item("A.TXT", NOTE), Item("a.txt", content)]),
    "bytes.zip": lambda content: build([Item(b"\xff\xfe\x80.doc", content)]),
}

FILES = (
    files(AMBIGUOUS, armed=ARMED, held=CLEAN, noted=NOTE)
    | files(STRANGE, armed=ARMED, clean=CLEAN)
    | {
        "armed-part-by-unicode-field.docm": package_with_other_name,
        "clean-accent-in-unicode-field.zip": lambda: build(
            [Item("R_sum_.doc", CLEAN, extra=unicode_path("R_sum_.doc", "Résumé.doc"))]
        ),
    }
)
