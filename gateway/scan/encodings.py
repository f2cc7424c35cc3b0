"""Content-Transfer-Encodings: what a body decodes to, in every reading a mail program may have.

Contract: decoders take any bytes and never raise. On valid input each gives exactly what the standard says (RFC 2045
§6.7 and §6.8, IEEE Std 1003.1 for uuencode); on invalid input as much as any known mail program would show, because
stopping where the standard stops is how a document hides (a padded chunk followed by another).
"""

from __future__ import annotations

import binascii
import contextlib
import mmap
import re
from collections.abc import Iterator

import pybase64

MAX_SEGMENTS = 8
"""Padded segments that are looked at one by one besides their concatenation."""

_MAX_TAIL = 4096
"""Padding and blank lines at the end of a body."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_JUNK = bytes(set(range(256)) - set(_ALPHABET + b"-_="))
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_RUN = re.compile(rb"[^=]+")

_BLANK_SOFT_BREAK = re.compile(rb"=[ \t]{1,1000}(?=\r?\n)")
_UU_BEGIN = re.compile(rb"^begin[ \t]+[0-7]{1,6}[ \t]+([^\r\n]{1,255})\r?$", re.MULTILINE)
_UU64_BEGIN = re.compile(rb"^begin-base64[ \t]+[0-7]{1,6}[ \t]+([^\r\n]{1,255})\r?$", re.MULTILINE)


def base64_views(data: bytes | mmap.mmap, start: int = 0, end: int | None = None) -> tuple[bytes, ...]:
    """What the text from ``start`` to ``end`` decodes to, without copying it.

    More than one value when padding stands inside the text: the joined segments, then each.
    """
    stop = len(data) if end is None else end
    padding = data.find(b"=", start, stop)
    # pybase64 skips padding inside the text as it skips other junk, and everything behind it comes out wrong.
    if padding < 0 or (stop - padding < _MAX_TAIL and not data[padding:stop].strip(b"= \t\r\n")):
        with memoryview(data) as whole, whole[start:stop] as encoded, contextlib.suppress(binascii.Error, ValueError):
            return (pybase64.b64decode(encoded),)
    return _tolerant_base64(data[start:stop])


def _tolerant_base64(encoded: bytes) -> tuple[bytes, ...]:
    letters = encoded.translate(None, _JUNK)
    url_safe = b"+" not in letters and b"/" not in letters
    letters = letters.translate(_URL_SAFE) if url_safe else letters.translate(None, b"-_")
    joined = bytearray()
    segments: list[bytes] = []
    for run in _RUN.finditer(letters):
        segment = _segment(run.group())
        joined += segment
        if segment and len(segments) <= MAX_SEGMENTS:
            segments.append(segment)
    return (bytes(joined), *(segments if 1 < len(segments) <= MAX_SEGMENTS else ()))


def _segment(letters: bytes) -> bytes:
    """One run without padding. A single letter left over carries no whole byte and is dropped."""
    over = len(letters) % 4
    if over == 1:
        letters = letters[:-1]
    return pybase64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)


def quoted_printable(encoded: bytes | memoryview) -> bytes:
    """RFC 2045 §6.7. What is no valid escape stays as it is (note 3), blanks behind a soft line break do not count."""
    text = bytes(encoded)
    return binascii.a2b_qp(_BLANK_SOFT_BREAK.sub(b"=", text) if b"= " in text or b"=\t" in text else text)


def uuencoded(text: bytes) -> Iterator[tuple[str, bytes, int, int]]:
    """Every uuencoded or ``begin-base64`` block in ``text``: its name, its content, and where it starts and ends."""
    position = 0
    while found := _UU_BEGIN.search(text, position):
        content, position = _uu_lines(text, found.end() + 1)
        yield _name(found), content, found.start(), position
    position = 0
    while found := _UU64_BEGIN.search(text, position):
        end = text.find(b"\n====", found.end())
        position = end if end >= 0 else len(text)
        for view in base64_views(text[found.end() : position]):
            yield _name(found), view, found.start(), position


def uu_body(encoded: bytes) -> Iterator[tuple[str, bytes]]:
    """A body whose transfer encoding is uuencode: its blocks or, without any ``begin``, all of it as lines."""
    found = False
    for name, content, _, _ in uuencoded(encoded):
        found = True
        yield name, content
    if not found:
        yield "", _uu_lines(encoded, 0)[0]


def _uu_lines(text: bytes, position: int) -> tuple[bytes, int]:
    """Decode lines from ``position`` on until ``end`` or a line that is none; return where that is."""
    pieces: list[bytes] = []
    while position < len(text):
        end = text.find(b"\n", position)
        stop = end if end >= 0 else len(text)
        line = text[position:stop].rstrip(b"\r")
        if line in (b"end", b""):
            return b"".join(pieces), stop if line else position + 1
        content = _uu_line(line)
        if content is None:
            return b"".join(pieces), position
        pieces.append(content)
        position = stop + 1
    return b"".join(pieces), len(text)


def _uu_line(line: bytes) -> bytes | None:
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
