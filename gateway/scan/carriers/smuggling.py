"""HTML smuggling: pages and SVG pictures that build a file in the reader's browser (MITRE ATT&CK T1027.006).

Contract: files written out in a script are decoded and handed on, so that what is in them is found as what it is.
Beyond that a page is told when its scripts do all of it: turn text into bytes, make a file of them and offer it for
saving or open it, and the page holds such bytes that are no picture, font or text. Any of these alone is everyday work
(a chart offers its picture, a table its CSV). Addresses that start programs of Windows are told too. A page without
script costs a few plain searches. Raises ``OverLimit`` only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.closed_sets import FileType, Kind
from gateway.scan import sniff
from gateway.scan.carriers.literals import Literal, joined, literals, unescaped
from gateway.scan.look import Blob, Look
from gateway.scan.search import holds, holds_any

TYPES = frozenset({FileType.HTML, FileType.XML, FileType.SCRIPT})

MAX_TEXT = 32 << 20
"""Bytes of a page whose scripts are looked at; larger ones are told."""
MAX_LEVEL = 3
"""Texts written out in texts that are written out in a script."""
LIBRARY = 150_000
"""Bytes of a script without its literals from which on it is a library: it can do everything and need not do it."""

DECODES = (
    *(b"atob", b"fromcharcode", b"charcodeat", b"codepointat", b"uint8array", b"int8array", b"arraybuffer"),
    *(b"unescape(", b"frombase64"),
)
DECIPHERS = (b"cryptojs", b"crypto.subtle", b"subtle.decrypt", b"aesjs", b".decrypt(", b"sjcl", b"forge.cipher")
MAKES = (b"createobjecturl", b"mssaveblob", b"mssaveoropenblob", b"saveas(", b"new file(", b"data:application/")
OFFERS = (
    *(b".download", b"'download'", b'"download"', b"[download", b"download=", b".click(", b"click()", b"'click'"),
    *(b'"click"', b"location.href", b"location=", b"location.assign", b"location.replace", b"window.open"),
    *(b"mssaveblob", b"mssaveoropenblob", b"saveas(", b".src=", b".src ="),
)
_QUIET_BEGINNINGS = (b"wOFF", b"wOF2", b"OTTO", b"ttcf", b"\0\1\0\0", b"\0asm", b"OggS", b"ID3", b"\xff\xfb", b"fLaC")
"""Fonts, web assembly and sound."""
_QUIET = frozenset({FileType.IMAGE, FileType.EMPTY, FileType.PDF})
_TEXTS = frozenset({FileType.TEXT, FileType.XML, FileType.HTML, FileType.SCRIPT})
_SHOWN = frozenset({FileType.TEXT, FileType.XML, FileType.IMAGE, FileType.EMPTY, FileType.BINARY})
"""Not worth to be handed on: none of it is a document."""
_SAMPLE, _MANY_VALUES = 4096, 150
"""So many different bytes in a sample; of 512 random ones 221 are different."""
_HINTS = (*DECODES, *DECIPHERS, *MAKES, b"\\x", b"\\u00", b"blob", b"decodeuri", b"parseint")
"""Without one of these no script turns text into bytes."""
_HANDLER_WORDS = (b"atob", b"fromcharcode", b"unescape(", b"createobjecturl")
"""What an attribute like onload has to say to do the same without a script element."""
_ADDRESS = re.compile(rb"-ms(?:dt:(?<=ms-msdt:)|:(?<=search-ms:))", re.IGNORECASE)
_ADDRESSES = {
    b"-msdt:": "leads to the support diagnostic tool of Windows, which runs commands (CVE-2022-30190)",
    b"-ms:": "leads to a search that shows files of somebody else's machine as the reader's own",
}


def inspect_smuggling(blob: Blob, look: Look) -> None:
    """Look at the scripts of one page."""
    data = bytes(blob.data)
    if _respelt(data, blob, look):
        return
    lower = data.lower()
    for address in dict.fromkeys(found.group().lower() for found in _ADDRESS.finditer(data)):
        look.find(Kind.SCRIPT_CARRIER, blob.where, _ADDRESSES[address])
    if not holds_any(lower, (b"<script", *_HANDLER_WORDS)) or not holds_any(lower, _HINTS):
        return
    if len(data) > MAX_TEXT:
        look.find(Kind.LIMIT, blob.where, f"is a page of more than {MAX_TEXT} bytes with scripts in it")
        return
    look.budget.spend_bytes(len(data))
    _Page(blob, look).run(data, lower)


def _respelt(data: bytes, blob: Blob, look: Look) -> bool:
    """Hand on a page in UTF-16 or UTF-7 as one in UTF-8; whether it was one."""
    coding = ""
    if data[:2] in (b"\xff\xfe", b"<\0"):
        coding = "utf-16-le"
    elif data[:2] in (b"\xfe\xff", b"\0<"):
        coding = "utf-16-be"
    elif (b"+" in data and holds(data, b"+ADw-")) or b"utf-7" in data[:1024].lower():
        coding = "utf-7"
    if not coding:
        return False
    look.budget.spend_bytes(len(data))
    text = data.decode(coding, "replace").lstrip("\ufeff").encode("utf-8", "replace")
    if coding == "utf-7" and not (b"<script" in text.lower() and b"<script" not in data.lower()):
        return False  # nothing in it was hidden that way; and so no text is ever respelt twice
    look.descend(blob, text, f"text out of {coding}")
    return True


class _Page:
    """One page being looked at."""

    def __init__(self, blob: Blob, look: Look) -> None:
        self.blob, self.look = blob, look
        self.raw = b""
        self.payload = 0
        """Bytes of the largest literal that is neither picture nor font nor text."""

    def run(self, raw: bytes, lower: bytes) -> None:
        self.raw = raw
        suspects = []
        for code in _scripts(raw, lower):
            sound, own = self._decoded(joined(code) if code.startswith(b"<") else code)
            if len(sound) <= LIBRARY or own:
                suspects.append(sound)
        words = b"\n".join(suspects)
        if (
            self.payload
            and holds_any(words, DECODES + DECIPHERS)
            and holds_any(words, MAKES)
            and holds_any(words, OFFERS)
        ):
            self._tell(words)

    def _decoded(self, code: bytes, level: int = 0) -> tuple[bytes, bool]:
        """A script in lower case without its literals, but with the texts they decode to; whether it has a payload."""
        pieces, position, mine = [], 0, False
        for literal in sorted(literals(code, self.look.budget), key=lambda literal: literal.start):
            kind, content = _likeliest(literal.readings)
            if kind in _TEXTS and level < MAX_LEVEL:
                text, own = self._decoded(content, level + 1)
                pieces.append(text)
                mine |= own
            elif _is_opaque(kind, content):
                self.payload, mine = max(self.payload, len(content)), True
            if kind not in _SHOWN and not self._seen(literal, code, content):
                self.look.descend(self.blob, content, "script literal")
            pieces.append(code[position : literal.start])
            position = max(position, literal.end)
        return unescaped(b"\n".join([*pieces, code[position:]])).lower(), mine

    def _seen(self, literal: Literal, code: bytes, content: bytes) -> bool:
        """Whether it is handed on already, as a block of base64 text (``gateway.scan.inline``)."""
        return literal.base64 and content is literal.readings[0] and code[literal.start : literal.end] in self.raw

    def _tell(self, words: bytes) -> None:
        means = [word.decode() for word in (*DECODES, *MAKES, *OFFERS) if word in words]
        ciphered = " after deciphering it" if holds_any(words, DECIPHERS) else ""
        sentence = (
            f"builds a file out of {self.payload} bytes written in the page{ciphered} and offers it to its reader "
            f"({', '.join(means[:6])})"
        )
        self.look.find(Kind.HTML_SMUGGLING, self.blob.where, sentence, reference="MITRE ATT&CK T1027.006")


def _likeliest(readings: tuple[bytes, ...]) -> tuple[FileType, bytes]:
    """The first reading that is of a known type, else the first."""
    kinds = [(sniff.sniff(content), content) for content in readings]
    return next((pair for pair in kinds if pair[0] not in (FileType.BINARY, FileType.TEXT)), kinds[0])


def _is_opaque(kind: FileType, content: bytes) -> bool:
    """Whether it may be a file, packed or enciphered; the numbers of a chart do not take every value."""
    if kind in _QUIET or content.startswith(_QUIET_BEGINNINGS):
        return False
    return kind is not FileType.BINARY or len(set(content[:_SAMPLE])) >= _MANY_VALUES


def _scripts(raw: bytes, lower: bytes) -> Iterator[bytes]:
    """What stands in each script element, and at the end all that stands outside of them."""
    outside, position = [], 0
    while (start := lower.find(b"<script", position)) >= 0:
        outside.append(raw[position:start])
        end = lower.find(b"</script", start)
        end = len(raw) if end < 0 else end
        yield raw[start:end]
        position = end
    yield b"\n".join([*outside, raw[position:]])
