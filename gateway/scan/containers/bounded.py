"""Decompression that never produces a byte nobody paid for.

Contract: each function returns what the stream decodes to and how many bytes lie behind it, paying the budget for
every piece before the next one is made. A long run of one value at the end is looked at and left out (``Kept``), so
that padding costs no memory. Raises ``OverLimit`` out of the budget and ``Corrupt`` when the stream is damaged or ends
early; both carry in ``before`` what was decoded until then.
"""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from gateway.scan.budget import Budget, OverLimit
from gateway.scan.look import Corrupt

PIECE = 1 << 20
FEED = 1 << 18
LONG_RUN = 16 << 20
"""A longer run of one value at the end of a content is left out but for its first ``PIECE``."""
_FIRST_OF_RUN = 1 << 16
_HEAD = 32 << 20
"""How much of a content that is too large is looked into."""
_SMALL = 1 << 10
_AT_ONCE = 1 << 16

RAW_DEFLATE = -15
ZLIB = 15
GZIP = 31

Bytes = bytes | memoryview


class StreamDecoder(Protocol):
    """What ``bz2.BZ2Decompressor`` and ``lzma.LZMADecompressor`` have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Kept:
    """The content of one member, piece by piece.

    Emotet's documents of March 2023 ended in half a gigabyte of zeros, so a run of one value is only counted until
    something else follows. A content larger than ``budget.room_for_one`` is a local ``OverLimit`` with its beginning.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._only = b""  # most contents are one piece, which needs no copy
        self._kept = io.BytesIO()  # gives its bytes away without a copy, unlike a list of pieces that is joined
        self._run = 0
        self._value = b""

    def add(self, piece: Bytes) -> None:
        """The next bytes. Raises ``OverLimit``."""
        self._budget.check_time()
        if self._is_run(piece):
            self._run += len(piece)
            if self._budget.is_too_much_padding(len(piece)):
                self._run = 0
                raise OverLimit("unpacks to too much padding of one value", local=True, before=self._given())
            return
        self._keep_run()
        self._keep(piece)

    def value(self) -> bytes:
        """All that was added; of a long run at the end only the beginning. Nothing may be added after it."""
        if self._run > LONG_RUN:
            self._budget.left_out += self._run - PIECE
            self._run = PIECE
        self._keep_run()
        return self._given()

    def _given(self) -> bytes:
        """What is kept, given away: the frames of an exception must not hold it any longer."""
        content = self._only or self._kept.getvalue()
        self._only, self._kept = b"", io.BytesIO()
        return content

    def _is_run(self, piece: Bytes) -> bool:
        if self._run:
            return bytes(piece[:1]) == self._value and piece == self._value * len(piece)
        if len(piece) < _FIRST_OF_RUN or piece[:16] != bytes(piece[:1]) * 16:
            return False
        self._value = bytes(piece[:1])
        return piece == self._value * len(piece)

    def _keep_run(self) -> None:
        while self._run:
            part = min(self._run, PIECE)
            self._run -= part
            self._keep(self._value * part)

    def _keep(self, piece: Bytes) -> None:
        limit = self._budget.room_for_one
        kept = len(self._only) or self._kept.tell()
        if kept + len(piece) > limit:
            raise OverLimit(f"unpacks to more than {limit} bytes", local=True, before=self._given()[:_HEAD])
        self._budget.spend_bytes(len(piece))
        if not kept:
            self._only = bytes(piece)
            return
        if self._only:
            self._kept.write(self._only)
            self._only = b""
        self._kept.write(piece)


class Inflater:
    """``zlib.decompressobj`` as a ``StreamDecoder``."""

    def __init__(self, window: int) -> None:
        self._decoder = zlib.decompressobj(window)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: Bytes, max_length: int = -1) -> bytes:
        piece = self._decoder.decompress(self._decoder.unconsumed_tail or data, max_length)
        self.needs_input = not self._decoder.unconsumed_tail and len(piece) < max_length
        return piece


def inflate(data: Bytes, budget: Budget, window: int = RAW_DEFLATE) -> tuple[bytes, int]:
    """One deflate stream (RFC 1951; zlib RFC 1950 or gzip RFC 1952 by ``window``)."""
    if len(data) <= _AT_ONCE and (whole := _inflated_at_once(data, window, budget)) is not None:
        return whole
    kept = Kept(budget)
    rest = drain(kept, data, lambda: Inflater(window))
    return kept.value(), rest


def _inflated_at_once(data: Bytes, window: int, budget: Budget) -> tuple[bytes, int] | None:
    """A small stream that ends within one piece, as nearly all do; None for any other."""
    decoder = zlib.decompressobj(window)
    try:
        content = decoder.decompress(data, PIECE)
    except zlib.error:
        return None
    if not decoder.eof:
        return None
    if len(content) < _FIRST_OF_RUN and len(content) <= budget.room_for_one:
        budget.check_time()
        budget.spend_bytes(len(content))
        return content, len(decoder.unused_data)
    kept = Kept(budget)
    kept.add(content)
    return kept.value(), len(decoder.unused_data)


def gunzip(data: Bytes, budget: Budget) -> tuple[bytes, int]:
    """A gzip file: every member (RFC 1952 §2.2)."""
    return _streams(data, budget, lambda: Inflater(GZIP), b"\x1f\x8b")


def bunzip2(data: Bytes, budget: Budget) -> tuple[bytes, int]:
    """A bzip2 file: one stream or several, one behind the other."""
    return _streams(data, budget, bz2.BZ2Decompressor, b"BZh")


def unxz(data: Bytes, budget: Budget) -> tuple[bytes, int]:
    """An .xz file: one stream or several, with padding between them (xz format 1.1 §2)."""
    return _streams(data, budget, lambda: lzma.LZMADecompressor(memlimit=_memory(budget)), b"\xfd7zXZ")


def unlzma(data: Bytes, budget: Budget, *, may_end: bool = False) -> tuple[bytes, int]:
    """A legacy .lzma file, the form of zip method 14 once its header is rewritten.

    ``may_end``: no mark at the end of the stream is needed.
    """
    kept = Kept(budget)
    rest = drain(kept, data, lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, _memory(budget)), may_end=may_end)
    return kept.value(), rest


def _memory(budget: Budget) -> int:
    """A dictionary larger than all we would unpack serves only to exhaust memory."""
    return max(budget.limits.max_unpacked_size, 1 << 24)


def _streams(data: Bytes, budget: Budget, start: Callable[[], StreamDecoder], magic: bytes) -> tuple[bytes, int]:
    kept = Kept(budget)
    view = memoryview(data)
    position = 0
    while True:
        position = len(data) - drain(kept, view[position:], start)
        behind = bytes(view[position : position + FEED])
        padding = len(behind) - len(behind.lstrip(b"\0"))
        if not behind.startswith(magic, padding):
            return kept.value(), len(data) - position
        position += padding


def drain(kept: Kept, data: Bytes, start: Callable[[], StreamDecoder], *, may_end: bool = False) -> int:
    """Add what one stream decodes to; the number of bytes behind it. Raises ``Corrupt`` and ``OverLimit``."""
    made = [0]
    try:
        return _drain(kept.add, data, start(), PIECE, FEED, made)
    except EOFError as error:
        if may_end:
            return 0
        raise Corrupt("compressed data end too early", kept.value()) from error
    except _ERRORS as error:
        _recover(kept, data, start(), made[0])
        raise Corrupt(f"compressed data are damaged ({error})", kept.value()) from error


_ERRORS = (zlib.error, OSError, ValueError, lzma.LZMAError)


def _drain(
    add: Callable[[bytes], None], data: Bytes, decoder: StreamDecoder, size: int, step: int, made: list[int]
) -> int:
    """Raises ``EOFError`` where the data end before the stream does. ``made`` counts, for whoever catches an error."""
    fed = 0
    while not decoder.eof:
        # In slices, because what was not used is copied at every step.
        feed = bytes(data[fed : fed + step]) if decoder.needs_input else b""
        fed += len(feed)
        piece = decoder.decompress(feed, size)
        if not feed and not piece and not decoder.eof:
            raise EOFError
        add(piece)
        made[0] += len(piece)
    return len(decoder.unused_data) + len(data) - fed


def _recover(kept: Kept, data: Bytes, decoder: StreamDecoder, made: int) -> None:
    """Decode again in small steps what was lost with the step that failed; ``made`` bytes of it are kept already."""
    again = [0]

    def add(piece: bytes) -> None:
        kept.add(piece[max(0, made - again[0]) :])

    with contextlib.suppress(EOFError, *_ERRORS):
        _drain(add, data, decoder, _SMALL, _SMALL // 16, again)
