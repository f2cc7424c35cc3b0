"""Word documents: ``.docx``, ``.docm`` and the binary ``.doc`` of Word 97 to 2003, made from nothing.

Contract: see the package.
"""

from __future__ import annotations

import struct
from functools import lru_cache

from gateway.samples import vba
from gateway.samples.compound import Streams, compound_file, streams_of
from gateway.samples.package import OFFICE, content_types, package, relations, xml

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_WORD_CLASS = bytes.fromhex("0609020000000000C000000000000046")

TEXT = "This is a sample document made by Macrogate. It is harmless."


@lru_cache(maxsize=8)
def docx(text: str = TEXT, body: str = "") -> bytes:
    """A clean document of one paragraph; ``body`` is WordprocessingML put behind it."""
    document = f'<w:document xmlns:w="{_W}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p>{body}</w:body></w:document>'
    return package(
        {
            "[Content_Types].xml": content_types({"/word/document.xml": _MAIN}),
            "_rels/.rels": relations((f"{OFFICE}/officeDocument", "word/document.xml")),
            "word/document.xml": xml(document),
        }
    )


def docm(source: str, module: str = "Module1") -> bytes:
    """A macro-enabled document with any source in one module."""
    return vba.document(".docm", source, module)


def docm_autoopen() -> bytes:
    """A document whose empty macro runs when it is opened."""
    return docm(vba.inert("AutoOpen"))


def docm_macro() -> bytes:
    """A document with an empty macro that nothing starts."""
    return docm(vba.inert("FormatTable"))


@lru_cache(maxsize=8)
def doc(text: str = TEXT) -> bytes:
    """A clean binary document of one paragraph."""
    return compound_file(_word_streams(text), _WORD_CLASS)


@lru_cache(maxsize=8)
def doc_with(source: str, module: str = "Module1") -> bytes:
    """A binary document with any source in one module."""
    project = streams_of(vba.project(docm(source, module)), under=("Macros",))
    return compound_file({**_word_streams(TEXT), **project}, _WORD_CLASS)


def doc_autoopen() -> bytes:
    """A binary document whose empty macro runs when it is opened."""
    return doc_with(vba.inert("AutoOpen"))


# --- the binary format (MS-DOC), as little of it as Word and LibreOffice accept -------------------------------------

_PAGE = 512
_TEXT_AT = 1024
_STYLES, _SECTIONS, _RUNS, _PARAGRAPHS, _FONTS, _SETTINGS, _PIECES = 1, 6, 12, 13, 15, 31, 33
"""Which pair of FibRgFcLcb97 (2.5.6) says where a structure is."""


def _word_streams(text: str) -> Streams:
    content = text.encode("cp1252") + b"\r"
    first, last = _TEXT_AT, _TEXT_AT + len(content)
    run_page = -(-last // _PAGE)
    bounds = struct.pack("<II", first, last)
    # 2.9.33 ChpxFkp: one run without properties; 2.9.175 PapxFkp: one paragraph of style 0
    runs = (bounds + b"\x00").ljust(_PAGE - 1, b"\x00") + b"\x01"
    paragraphs = (bounds + b"\xf8" + bytes(12)).ljust(0xF8 * 2, b"\x00") + b"\x00\x01\x00\x00"
    paragraphs = paragraphs.ljust(_PAGE - 1, b"\x00") + b"\x01"
    table, places = _table(len(content), first, run_page)
    document = (_fib(len(content), last, places).ljust(_TEXT_AT, b"\x00") + content).ljust(run_page * _PAGE, b"\x00")
    return {("WordDocument",): document + runs + paragraphs, ("1Table",): table}


def _table(length: int, first: int, run_page: int) -> tuple[bytes, dict[int, tuple[int, int]]]:
    """The table stream, and where in it each structure is."""
    whole = struct.pack("<II", 0, length)
    bounds = struct.pack("<II", first, first + length)
    structures = {
        _STYLES: _style_sheet(),
        _SECTIONS: whole + struct.pack("<HIHI", 0, 0xFFFFFFFF, 0, 0xFFFFFFFF),
        _RUNS: bounds + struct.pack("<I", run_page),
        _PARAGRAPHS: bounds + struct.pack("<I", run_page + 1),
        _FONTS: _font_table("Times New Roman"),
        _SETTINGS: bytes(500),
        # 2.9.38 Clx: one piece of 8-bit text (bit 30 of its doubled offset)
        _PIECES: b"\x02" + struct.pack("<I", 16) + whole + struct.pack("<HIH", 0, first * 2 | 1 << 30, 0),
    }
    table, places = b"", {}
    for number, content in structures.items():
        places[number] = (len(table), len(content))
        table += content + bytes(len(content) % 2)
    return table, places


def _fib(length: int, last: int, places: dict[int, tuple[int, int]]) -> bytes:
    """2.5.1 Fib of Word 97, whose table stream is ``1Table``."""
    flags = 0x0200 | 0x1000
    base = struct.pack("<HHHHHHHIBBHHII", 0xA5EC, 0xC1, 0, 0x409, 0, flags, 0xBF, 0, 0, 0x10, 0, 0, _TEXT_AT, last)
    words = struct.pack("<H26xH", 14, 0x409)
    numbers = [0] * 22
    numbers[0], numbers[3] = last, length
    pairs = [number for index in range(93) for number in places.get(index, (0, 0))]
    return base + words + struct.pack("<H22I", 22, *numbers) + struct.pack("<H186IH", 93, *pairs, 0)


def _style_sheet() -> bytes:
    """2.9.271 STSH with the style ``Normal`` and fourteen empty places."""
    head = struct.pack("<HHHHHHHHHH", 18, 15, 10, 1, 91, 15, 0, 0, 0, 0)
    name = "Normal"
    style = struct.pack("<HHHHH", 0, 0xFFF1, 0x0002, 0, 0) + struct.pack("<H", len(name)) + name.encode("utf-16-le")
    style += b"\x00\x00" + struct.pack("<HH", 2, 0) + struct.pack("<H", 0)
    style = style[:6] + struct.pack("<H", len(style)) + style[8:]
    return head + struct.pack("<H", len(style)) + style + b"\x00\x00" * 14


def _font_table(name: str) -> bytes:
    """2.9.286 SttbfFfn with one font."""
    title = name.encode("utf-16-le") + b"\x00\x00"
    font = struct.pack("<BhBB", 0x16, 400, 0, 0) + bytes(34) + title
    return struct.pack("<HHB", 1, 0, len(font)) + font
