"""The records of a workbook stream (MS-XLS 2.1.4) as places in it, and how to make one say nothing.

Contract: ``records`` walks any bytes to their end and raises ``OverLimit`` only. ``leave_out`` changes no length.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.scan.budget import Budget

_HEAD = struct.Struct("<HH")
_LEFT_OUT = 0x08F0
"""A number among those of future records (2.5.134 FrtHeader) that has no meaning: what an application does not know
there it passes over."""
_FRT_HEADER = 12
_LARGEST = 8224
_STEPS_BETWEEN_CLOCKS = 4096


@dataclass(frozen=True, slots=True)
class Record:
    """Its number, where its head is, and the length of what is behind that."""

    kind: int
    at: int
    size: int

    @property
    def body(self) -> int:
        """Where its content begins."""
        return self.at + 4

    @property
    def end(self) -> int:
        """Where the next record begins."""
        return self.at + 4 + self.size


def records(stream: bytes, budget: Budget, start: int = 0) -> Iterator[Record]:
    """Each record from ``start`` on; one that breaks off is as long as the stream is."""
    position, end, steps = start, len(stream) - 4, 0
    while position <= end:
        kind, size = _HEAD.unpack_from(stream, position)
        steps += 1
        if not steps % _STEPS_BETWEEN_CLOCKS:
            budget.check_time()
        yield Record(kind, position, min(size, end - position))
        position += 4 + size


def leave_out(stream: bytearray, start: int, end: int) -> None:
    """Turn whole records from ``start`` up to ``end`` into ones that say nothing, and overwrite what they held."""
    while start < end:
        size = min(end - start - 4, _LARGEST)
        if 0 < end - start - 4 - size < 4:
            size -= 4  # what is left has to hold the head of a record
        header = struct.pack("<H", _LEFT_OUT).ljust(_FRT_HEADER, b"\0") if size >= _FRT_HEADER else b""
        stream[start : start + 4 + size] = _HEAD.pack(_LEFT_OUT, size) + header.ljust(size, b"\0")
        start += 4 + size
