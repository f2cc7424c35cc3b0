"""Uuencode (IEEE Std 1003.1) and its base64 form: blocks in a text, or a whole body.

Contract: decoders take any bytes and never raise. A block ends at ``end``, at an empty line, or at a line that is no
uuencode.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from gateway.scan.encodings.base64_text import simple_base64

_BEGIN = re.compile(rb"^begin[ \t]+[0-7]{1,6}[ \t]+([^\r\n]{1,255})\r?$", re.MULTILINE)
_BEGIN_BASE64 = re.compile(rb"^begin-base64[ \t]+[0-7]{1,6}[ \t]+([^\r\n]{1,255})\r?$", re.MULTILINE)


def blocks(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Every uuencoded or ``begin-base64`` block in ``text``: its name and its content."""
    position = 0
    while found := _BEGIN.search(text, position):
        content, position = _lines(text, found.end() + 1)
        yield _name(found), content
    position = 0
    while found := _BEGIN_BASE64.search(text, position):
        end = text.find(b"\n====", found.end())
        position = end if end >= 0 else len(text)
        yield _name(found), simple_base64(text[found.end() : position])


def body(encoded: bytes) -> Iterator[tuple[str, bytes]]:
    """A body whose transfer encoding is uuencode: its blocks or, without any ``begin``, all of it as lines."""
    found = False
    for name, content in blocks(encoded):
        found = True
        yield name, content
    if not found:
        yield "", _lines(encoded, 0)[0]


def _lines(text: bytes, position: int) -> tuple[bytes, int]:
    """Decode lines from ``position`` on until ``end`` or a line that is none; return where that is."""
    pieces: list[bytes] = []
    while position < len(text):
        end = text.find(b"\n", position)
        stop = end if end >= 0 else len(text)
        line = text[position:stop].rstrip(b"\r")
        if line in (b"end", b""):
            return b"".join(pieces), stop if line else position + 1
        content = _line(line)
        if content is None:
            return b"".join(pieces), position
        pieces.append(content)
        position = stop + 1
    return b"".join(pieces), len(text)


def _line(line: bytes) -> bytes | None:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        pass
    # Some encoders write more than the length byte says; the standard library's own decoder does the same.
    length = ((line[0] - 32) & 63) * 4 // 3 + 5 if line else 0
    try:
        return binascii.a2b_uu(line[:length])
    except binascii.Error:
        return None


def _name(found: re.Match[bytes]) -> str:
    return found.group(1).decode("utf-8", "replace").strip()
