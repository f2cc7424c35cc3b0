"""Decompression that never produces a byte nobody paid for.

Contract: each function returns everything the stream decodes to, paying the budget for every piece before the next one
is made. Raises ``OverLimit`` out of the budget and ``Corrupt`` when the stream is damaged or ends early; what a
damaged stream gave before it broke is lost on purpose, the part is unscannable either way.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from gateway.scan.budget import Budget
from gateway.scan.look import Corrupt

PIECE = 1 << 20
FEED = 1 << 18

RAW_DEFLATE = -15
ZLIB = 15
GZIP = 31


class StreamDecoder(Protocol):
    """What ``bz2.BZ2Decompressor`` and ``lzma.LZMADecompressor`` have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def inflate(data: bytes | memoryview, budget: Budget, window: int = RAW_DEFLATE) -> tuple[bytes, int]:
    """One deflate stream (RFC 1951; zlib RFC 1950 or gzip RFC 1952 by ``window``) and how many bytes lie behind it."""
    decoder = zlib.decompressobj(window)
    pieces: list[bytes] = []
    fed = 0
    feed: bytes | memoryview = b""
    try:
        while not decoder.eof:
            if not feed:
                # In slices, because what was not used is copied at every step.
                feed = data[fed : fed + FEED]
                if not feed:
                    raise Corrupt("compressed data end too early")
                fed += len(feed)
            piece = decoder.decompress(feed, min(PIECE, budget.room + 1))
            budget.spend_bytes(len(piece))
            budget.check_time()
            pieces.append(piece)
            feed = decoder.unconsumed_tail
    except zlib.error as error:
        raise Corrupt(f"compressed data are damaged ({error})") from error
    return b"".join(pieces), len(decoder.unused_data) + len(data) - fed


def bunzip2(data: bytes | memoryview, budget: Budget) -> bytes:
    """A bzip2 file: one stream or several, one behind the other."""
    return _streams(bytes(data), budget, bz2.BZ2Decompressor, b"BZh")


def unxz(data: bytes | memoryview, budget: Budget) -> bytes:
    """An .xz file: one stream or several (xz format 1.1 §2)."""
    return _streams(bytes(data), budget, lambda: lzma.LZMADecompressor(memlimit=_memory(budget)), b"\xfd7zXZ")


def unlzma(data: bytes | memoryview, budget: Budget) -> bytes:
    """A legacy .lzma file, the form of zip method 14 once its header is rewritten."""
    return _streams(bytes(data), budget, lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, _memory(budget)), None)


def _memory(budget: Budget) -> int:
    """A dictionary larger than all we would unpack serves only to exhaust memory."""
    return max(budget.limits.max_unpacked_size, 1 << 24)


def _streams(data: bytes, budget: Budget, start: Callable[[], StreamDecoder], again: bytes | None) -> bytes:
    pieces: list[bytes] = []
    try:
        while True:
            decoder = start()
            _drain(decoder, data, budget, pieces)
            data = decoder.unused_data
            if again is None or not data.startswith(again):
                return b"".join(pieces)
    except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
        raise Corrupt(f"compressed data are damaged ({error})") from error


def _drain(decoder: StreamDecoder, data: bytes, budget: Budget, pieces: list[bytes]) -> None:
    feed = data
    while not decoder.eof:
        piece = decoder.decompress(feed, min(PIECE, budget.room + 1))
        feed = b""
        budget.spend_bytes(len(piece))
        budget.check_time()
        pieces.append(piece)
        if decoder.needs_input and not decoder.eof:
            raise Corrupt("compressed data end too early")
