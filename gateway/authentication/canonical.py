"""Canonical forms of header and body, "simple" and "relaxed" (RFC 6376 §3.4).

Contract: pure, linear in time, and of the body never more in memory than a piece and its longest line. ``BodyHash``
takes the body in pieces of any size; ``tests`` hold it against dkimpy, which has the same result after ten times the
time and several copies of the message. dkimpy canonicalises the header.
"""

from __future__ import annotations

import hashlib
from typing import Final

from dkim.canonicalization import Relaxed, Simple

from gateway.authentication.fields import Bytes, RawField

PIECE: Final = 256 << 10
_BLANK_LINES: Final = b"\r\n" * (PIECE // 2)


class BodyHash:
    """SHA-256 of a canonical body, or of its first ``limit`` bytes. ``length`` is that of the whole canonical body."""

    def __init__(self, *, relaxed: bool, limit: int | None = None) -> None:
        self.length = 0
        self._relaxed = relaxed
        self._left = limit
        self._hash = hashlib.sha256()
        self._rest: list[bytes] = []
        self._pending = 0
        """Empty lines, and the end of the last line, that count only if something follows."""

    def update(self, data: bytes) -> None:
        """The next piece of the body."""
        end = data.rfind(b"\n") + 1
        if end:
            self._lines(b"".join((*self._rest, data[:end])))
            self._rest = []
        if end < len(data):
            self._rest.append(data[end:])

    def digest(self) -> bytes:
        """Ends the body."""
        rest = b"".join(self._rest)
        self._rest = []
        if rest:
            self._emit(_squeezed(rest) if self._relaxed else rest)
            self._pending = 1
        if self.length or not self._relaxed:
            self._take(b"\r\n")
        return self._hash.digest()

    def _lines(self, lines: bytes) -> None:
        if self._relaxed:
            lines = _squeezed(lines)
        tail = lines[len(lines.rstrip(b"\r\n")) :]
        # in what is left of it, a zero stands for an empty line
        marked = tail.replace(b"\r\n", b"\0")
        empty = len(marked) - len(marked.rstrip(b"\0"))
        text = lines[: len(lines) - 2 * empty]
        if text:
            self._emit(text)
            self._pending = 0
        self._pending += empty

    def _emit(self, text: bytes) -> None:
        while self._pending:
            count = min(self._pending, PIECE // 2)
            self._take(_BLANK_LINES[: 2 * count])
            self._pending -= count
        self._take(text)

    def _take(self, text: bytes) -> None:
        self.length += len(text)
        if self._left is not None:
            text = text[: self._left]
            self._left -= len(text)
        if text:
            self._hash.update(text)


def _squeezed(lines: bytes) -> bytes:
    """White space at the ends of lines removed, elsewhere one space for each run of it."""
    lines = lines.replace(b"\t", b" ")
    while b"  " in lines:  # halves the longest run each time
        lines = lines.replace(b"  ", b" ")
    return lines.replace(b" \r\n", b"\r\n")


def body_hash(data: Bytes, start: int, *, relaxed: bool, limit: int | None = None) -> tuple[bytes, int]:
    """Digest of the canonical body that begins at ``start``, and the length of all of it."""
    body = BodyHash(relaxed=relaxed, limit=limit)
    for position in range(start, len(data), PIECE):
        body.update(data[position : position + PIECE])
    return body.digest(), body.length


def header(fields: list[RawField], *, relaxed: bool) -> bytes:
    """Fields as they are signed, each with its line end."""
    form = Relaxed if relaxed else Simple
    pairs = form.canonicalize_headers([(field.name, field.value) for field in fields])
    return b"".join(name + b":" + value for name, value in pairs)
