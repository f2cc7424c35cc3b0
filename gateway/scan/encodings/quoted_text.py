"""Quoted-printable (RFC 2045 §6.7), as written and as bent.

Contract: ``quoted_views`` gives the usual reading first, which takes any bytes: what is no valid escape stays as it is
(note 3), blanks behind a soft line break do not count, a carriage return alone ends a line. Readings that pass over
what is broken follow only when they bring a document to light. Never raises.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from gateway.scan.encodings.base64_text import BEGINNINGS, promising

_BLANK_SOFT_BREAK = re.compile(rb"=[ \t]{1,1000}(?=\r?\n)")
_BARE_SOFT_BREAK = re.compile(rb"=\r(?!\r{0,9}\n)")
_DOUBLED = re.compile(rb"=(?==)")

_SOFT_BREAK = re.compile(rb"=[ \t]{0,1000}[\r\n]+")
_NO_CONTENT = bytes([*range(33), *range(127, 256)])
"""Bytes that must be escaped; line ends and blanks among them."""
_ODD = re.compile(
    rb"=(?![0-9A-Fa-f]{2}|[ \t]{0,1000}\r?\n)|=[ \t]{0,1000}\r?\n[\r\n]|\r(?!\n)|[\x00-\x08\x0b-\x0c\x0e-\x1f\x80-\xff]"
)
_ESCAPE = re.compile(rb"=[0-9A-Fa-f]{2}")

# What each reading passes over once the text is in one line.
_PASSED_OVER = (
    re.compile(rb"=(?![0-9A-Fa-f]{2})"),
    re.compile(rb"=(?![0-9A-Fa-f]{2})[0-9A-Fa-f]?"),
    re.compile(rb"=(?![0-9A-F]{2})[0-9A-Fa-f]?"),
)


def quoted_views(encoded: bytes) -> Iterator[bytes]:
    """What the text decodes to: at least one reading, all of them different."""
    usual = quoted_printable(encoded)
    yield usual
    # A document is full of zero bytes, and text has none, so almost everything ends here.
    if b"=00" not in encoded and b"\0" not in usual and not (b"rt" in encoded[:64] and b"{" in encoded[:64]):
        return
    if _is_sound(encoded, usual):
        return
    seen = {hash(usual)}
    for content in _lenient(encoded):
        if promising(content) and hash(content) not in seen:
            seen.add(hash(content))
            yield content


def quoted_printable(encoded: bytes | memoryview) -> bytes:
    """The usual reading."""
    text = bytes(encoded)
    if b"= " in text or b"=\t" in text:
        text = _BLANK_SOFT_BREAK.sub(b"=", text)
    # the standard library skips up to the next line feed, and one character behind a doubled sign
    if b"=\r" in text:
        text = _BARE_SOFT_BREAK.sub(b"=\n", text)
    if b"==" in text:
        text = _DOUBLED.sub(b"=3D", text)
    return binascii.a2b_qp(text)


def _is_sound(encoded: bytes, usual: bytes) -> bool:
    """A document as a program would write it: nothing odd, and no line ends that came in by the way."""
    if not usual.startswith(BEGINNINGS) or _ODD.search(encoded):
        return False
    return b"\r\n" not in usual or usual.count(b"\n") > usual.count(b"\r\n")


def _lenient(encoded: bytes) -> Iterator[bytes]:
    line = _SOFT_BREAK.sub(b"", encoded)
    for text in (line.translate(None, _NO_CONTENT), line):
        for pattern in _PASSED_OVER:
            yield binascii.a2b_qp(pattern.sub(b"", text))
        yield binascii.a2b_qp(b"".join(_ESCAPE.findall(text)))
