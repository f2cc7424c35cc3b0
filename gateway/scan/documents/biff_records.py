"""The records an Excel workbook before 2007 is made of (MS-XLS 2.1.4): number, length, content.

Contract: ``records`` walks them to the end of the stream or the first one that breaks off. A record that goes on in
CONTINUE records (2.4.58) is given joined, for the kinds asked for; because a string that is split has one more byte
at the beginning of each piece, it is then given in that reading as well. Raises ``OverLimit`` when it takes too long.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gateway.scan.budget import Budget

CONTINUE = 0x003C
_HEAD = struct.Struct("<HH")
_STEPS_BETWEEN_CLOCKS = 4096
_MOST_PIECES = 64
"""Of one record; Excel needs more than two only for texts and pictures."""


def records(
    stream: bytes, budget: Budget, wanted: frozenset[int] = frozenset(), start: int = 0
) -> Iterator[tuple[int, bytes]]:
    """Number and content of each record from ``start`` on; those ``wanted`` are joined with what continues them."""
    position, steps, end = start, 0, len(stream) - 4
    while position <= end:
        kind, size = _HEAD.unpack_from(stream, position)
        position += 4
        body = stream[position : position + size]
        position += size
        steps += 1
        if not steps % _STEPS_BETWEEN_CLOCKS:
            budget.check_time()
        if kind in wanted and stream[position : position + 2] == b"\x3c\x00":
            pieces = _continued(stream, position)
            yield kind, b"".join((body, *pieces))
            yield kind, b"".join((body, *(piece[1:] for piece in pieces)))
        else:
            yield kind, body


def _continued(stream: bytes, position: int) -> list[bytes]:
    pieces: list[bytes] = []
    while len(pieces) < _MOST_PIECES and position <= len(stream) - 4:
        kind, size = _HEAD.unpack_from(stream, position)
        if kind != CONTINUE:
            break
        pieces.append(stream[position + 4 : position + 4 + size])
        position += 4 + size
    return pieces
