import struct
from collections.abc import Callable

from gateway import samples
from gateway.samples.compound import compound_file
from tests.makers.rtf import PACKAGE, URL_LINK, embedded, native, ole1, rtf

EQUATION = struct.pack("<HIHI16x", 28, 0x20000, 0xC1D8, 20) + b"\x03\x01\x01\x03\x00\x0a\x01"
OPEN = b"{\\object\\objemb{\\*\\objdata "
ACTIVE, QUIET = ole1("Word.Document.8", samples.doc_autoopen()), ole1("Word.Document.8", samples.doc())


def cut(content: bytes, between: bytes) -> bytes:
    digits = content.hex().encode()
    return rtf(OPEN + between.join(digits[at : at + 99] for at in range(0, len(digits), 99)) + b"}}")


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "plain.rtf": lambda content: rtf(embedded(content)),
    "named.doc": lambda content: rtf(embedded(content)),
    "named.docx": lambda content: rtf(embedded(content)),
    "named.xls": lambda content: rtf(embedded(content)),
    "short-head.rtf": lambda content: rtf(embedded(content)).replace(b"{\\rtf1", b"{\\rt", 1),
    "behind-junk.rtf": lambda content: b"\r\nnothing\r\n" * 900 + rtf(embedded(content)),
    "capitals.rtf": lambda content: rtf(embedded(content)).replace(b"objdata", b"OBJDATA"),
    "lines.rtf": lambda content: cut(content, b"\r\n"),
    "junk-inside.rtf": lambda content: cut(content, b" z-_\t"),
    "groups-inside.rtf": lambda content: cut(content, b"{}{\\*\\nobody 0011}{\\b}"),
    "escapes-inside.rtf": lambda content: cut(content, b"\\'41"),
    "raw.rtf": lambda content: rtf(OPEN + b"\\bin%d " % len(content) + content + b"}}"),
    "half-a-byte.rtf": lambda content: rtf(OPEN + b"0" + content.hex().encode() + b"}}"),
    "never-ends.rtf": lambda content: rtf(OPEN + content.hex().encode()).removesuffix(b"}"),
    "two.rtf": lambda content: rtf(embedded(ole1("PBrush", b"BM" + bytes(60))) + embedded(content)),
}

TWO_READINGS = {"groups-inside.rtf", "escapes-inside.rtf"}
"""Programs differ in which digits count, so that nobody can be sure of what is in it; no honest one writes this."""

FILES = {
    f"{'held' if kind == 'clean' and name in TWO_READINGS else kind}-{name}": (
        lambda way=way, content=content: way(content)
    )
    for name, way in WAYS.items()
    for kind, content in (("armed", ACTIVE), ("clean", QUIET))
} | {
    "armed-update.rtf": lambda: rtf(embedded(QUIET, words=b"\\objemb\\objupdate")),
    "armed-control.rtf": lambda: rtf(embedded(ole1("Forms.Image.1", bytes(40)), words=b"\\objocx")),
    "armed-linked.rtf": lambda: rtf(
        embedded(ole1("Excel.Sheet.8", b"", topic="\\\\host.example\\s\\b.xls", form=1), words=b"\\objautlink")
    ),
    "armed-address.rtf": lambda: rtf(embedded(ole1("OLE2Link", compound_file({("\x01Ole",): URL_LINK})))),
    "armed-script.rtf": lambda: rtf(embedded(ole1("Package", PACKAGE))),
    "clean-packed-text.rtf": lambda: rtf(embedded(ole1("Package", native("inert.txt", b"Hello")))),
    "armed-equation.rtf": lambda: rtf(embedded(ole1("Equation.3", EQUATION + b"\x08ZZ" + b"A" * 60))),
    "armed-equation-stream.rtf": lambda: rtf(
        embedded(ole1("Equation.3", compound_file({("Equation Native",): EQUATION + b"\x08ZZ" + b"A" * 60})))
    ),
    "noted-equation.rtf": lambda: rtf(embedded(ole1("Equation.3", EQUATION + b"\x02\x83x\x00\x00\x00"))),
    "held-nobody-knows.rtf": lambda: rtf(embedded(b"\xab" * 60)),
    "clean-picture.rtf": lambda: rtf(
        b"{\\pict\\pngblip 89504e470d0a1a0a}{\\*\\datastore " + QUIET.hex().encode() + b"}"
    ),
}
