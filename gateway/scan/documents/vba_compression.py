"""The compression of VBA source (MS-OVBA 2.4.1), read for inspection.

Contract: ``unpack`` pays the budget before it produces and raises ``Corrupt`` where the container does not follow
the format, unless something readable came before: a module that breaks off is inspected as far as it goes.
``find_containers`` looks for module source wherever it may lie, for projects whose own directory cannot be believed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.scan.budget import Budget
from gateway.scan.look import Corrupt
from gateway.scan.search import holds_any

SIGNATURE = 0x01
_CHUNK_SIGNATURE = 0b011
_CHUNK_SIZE = 4096
_CHUNKS_BETWEEN_CLOCKS = 64

_FIRST_WORDS = (b"Attribut", b"attribut", b"ATTRIBUT")
"""What every module begins with. No eight letters of it can be written as a copy of earlier ones."""
_IN_FIRST_WORDS = (b"ttribut", b"TTRIBUT")
_CONTENT = re.compile(rb"[^\0]")
_TEXT = frozenset([9, 10, 13, *range(32, 127)])
_MAX_GUESSES = 256
_BELIEVABLE = 0.9


class Unpacked(NamedTuple):
    """What a CompressedContainer holds. ``sound``: no chunk breaks the rules or ends in blanks; ``whole``: and the
    container goes on to the end of the bytes it was read from, zero bytes left out."""

    text: bytes
    sound: bool
    whole: bool


def decompress(data: bytes, budget: Budget) -> bytes:
    """A CompressedContainer (2.4.1.3.1), decompressed; what follows it is not looked at. Raises as ``unpack``."""
    return unpack(data, budget).text


def unpack(data: bytes, budget: Budget, start: int = 0) -> Unpacked:
    """The container that begins at ``start`` of ``data``, which is not copied: there may be one every few bytes.

    Raises ``Corrupt`` when not a single chunk can be read, ``OverLimit`` out of the budget.
    """
    if start >= len(data) or data[start] != SIGNATURE:
        raise Corrupt("does not begin with the signature of compressed VBA source")
    out = bytearray()
    position, end, sound = start + 1, len(data), True
    while position + 2 < end:
        header = data[position] | data[position + 1] << 8
        if (header >> 12) & 7 != _CHUNK_SIGNATURE:
            break
        stop = min(end, position + (header & 0x0FFF) + 3)
        budget.spend_bytes(_CHUNK_SIZE)
        if not len(out) % (_CHUNK_SIZE * _CHUNKS_BETWEEN_CLOCKS):
            budget.check_time()
        if header & 0x8000:
            sound = _chunk(data, position + 2, stop, out)
        else:
            out += data[position + 2 : position + 2 + _CHUNK_SIZE]
        if not sound:
            break
        position = stop
    if not out:
        raise Corrupt("holds compressed VBA source that cannot be read")
    # a sector of zeros in place of the source reads as literal zeros, which no source has
    sound = sound and out[-1] != 0
    return Unpacked(bytes(out), sound, sound and (position + 2 >= end or not _CONTENT.search(data, position)))


def find_containers(data: bytes) -> list[int]:
    """Offsets where the source of a module begins: a container that starts with ``Attribut``, packed or not."""
    found = list[int]()
    if SIGNATURE not in data or not holds_any(data, _IN_FIRST_WORDS):
        return found
    for word in _FIRST_WORDS:
        # a chunk that is not compressed has no token flags before the word
        at = data.find(word, 3)
        while at >= 0:
            if not data[at - 1] and 0xB0 <= data[at - 2] <= 0xBF and at > 3 and data[at - 4] == SIGNATURE:
                found.append(at - 4)
            elif data[at - 3] == SIGNATURE and 0x30 <= data[at - 1] <= 0x3F:
                found.append(at - 3)
            at = data.find(word, at + 1)
    return sorted(found)


def guess_containers(data: bytes, budget: Budget) -> tuple[list[int], bool]:
    """Offsets where text seems to be compressed, for a stream whose source begins as no module does; and whether all
    places were tried. No stream of a real document compared had more than one."""
    found: list[int] = []
    tried, at = 0, data.find(b"\x01")
    while at >= 0:
        if len(data) - at > 8 and data[at + 2] >> 4 in {0x3, 0xB}:
            tried += 1
            if tried > _MAX_GUESSES:
                return found, False
            budget.check_time()
            try:
                text = decompress(data[at : at + _CHUNK_SIZE], budget)
            except Corrupt:
                text = b""
            if len(text) >= 16 and sum(map(_TEXT.__contains__, text)) >= len(text) * _BELIEVABLE:
                found.append(at)
                at += 8
        at = data.find(b"\x01", at + 1)
    return found, True


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
