"""The compression of VBA source (MS-OVBA 2.4.1), read for inspection.

Contract: ``decompress`` pays the budget before it produces and raises ``Corrupt`` where the container does not follow
the format, unless something readable came before: a module that breaks off is inspected as far as it goes.
``find_containers`` looks for module source wherever it may lie, for projects whose own directory cannot be believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.scan.budget import Budget
from gateway.scan.look import Corrupt

SIGNATURE = 0x01
_CHUNK_SIGNATURE = 0b011
_CHUNK_SIZE = 4096
_CHUNKS_BETWEEN_CLOCKS = 64

_MODULE_START = re.compile(rb"\x01.[\xb0-\xbf]\x00Attribut", re.DOTALL)
"""A container whose first eight tokens are the literals every module begins with: ``Attribute VB_Name``."""


def decompress(data: bytes, budget: Budget) -> bytes:
    """A CompressedContainer (2.4.1.3.1), decompressed; what follows it is not looked at. Raises as below."""
    return decompress_whole(data, budget)[0]


def decompress_whole(data: bytes, budget: Budget) -> tuple[bytes, bool]:
    """The same, and whether the container goes on to the end of ``data``, zero bytes left out.

    Raises ``Corrupt`` when not a single chunk can be read, ``OverLimit`` out of the budget.
    """
    if not data or data[0] != SIGNATURE:
        raise Corrupt("does not begin with the signature of compressed VBA source")
    out = bytearray()
    position, end = 1, len(data)
    while position + 2 < end:
        header = data[position] | data[position + 1] << 8
        if (header >> 12) & 7 != _CHUNK_SIGNATURE:
            break
        stop = min(end, position + (header & 0x0FFF) + 3)
        budget.spend_bytes(_CHUNK_SIZE)
        if not len(out) % (_CHUNK_SIZE * _CHUNKS_BETWEEN_CLOCKS):
            budget.check_time()
        if header & 0x8000:
            if not _chunk(data, position + 2, stop, out):
                break  # short of the end, so this container is not whole
        else:
            out += data[position + 2 : position + 2 + _CHUNK_SIZE]
        position = stop
    if not out:
        raise Corrupt("holds compressed VBA source that cannot be read")
    return bytes(out), position + 2 >= end or not any(data[position:])


def find_containers(data: bytes) -> Iterator[int]:
    """Offsets where the source of a module seems to begin."""
    return (match.start() for match in _MODULE_START.finditer(data))


def _chunk(data: bytes, position: int, stop: int, out: bytearray) -> bool:
    """One compressed chunk (2.4.1.3.2), added to ``out``. False when it does not follow the format."""
    start = len(out)
    while position < stop:
        flags = data[position]
        position += 1
        if not flags:
            out += data[position : min(position + 8, stop)]
            position += 8
            continue
        for bit in range(8):
            if position >= stop:
                break
            if not flags >> bit & 1:
                out.append(data[position])
                position += 1
                continue
            if position + 1 >= stop:
                return False
            token = data[position] | data[position + 1] << 8
            position += 2
            written = len(out) - start
            # 2.4.1.3.19.1: how many bits tell the offset depends on how much of the chunk there is
            bits = max(4, (written - 1).bit_length())
            offset = (token >> (16 - bits)) + 1
            length = (token & (0xFFFF >> bits)) + 3
            if offset > written or written + length > _CHUNK_SIZE:
                return False
            source = len(out) - offset
            if offset >= length:
                out += out[source : source + length]
            else:
                out += (out[source:] * (length // offset + 1))[:length]
    return True
