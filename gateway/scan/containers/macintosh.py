"""Macintosh files with two forks in one: AppleSingle and AppleDouble (RFC 1740), MacBinary.

Contract: every fork that holds anything is handed on, the data fork under the name the file says it has. Raises
``OverLimit`` and ``Corrupt``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gateway.closed_sets import FileType
from gateway.scan.look import Blob, Corrupt, Look

TYPES = frozenset({FileType.MACINTOSH})

APPLE_SINGLE, APPLE_DOUBLE = b"\x00\x05\x16\x00", b"\x00\x05\x16\x07"
_DATA_FORK, _RESOURCE_FORK, _REAL_NAME = 1, 2, 3
_ENTRY = struct.Struct(">III")
_ENTRIES_AT = 26
_HEADER = 128
_MAX_FORK = 0x7FFFFF


def is_macbinary(head: bytes, size: int) -> bool:
    """A header of 128 bytes that fits the file behind it: nothing but its fields tells."""
    if len(head) < _HEADER or head[0] or head[74] or head[82] or not 1 <= head[1] <= 63:
        return False
    data, resource = struct.unpack_from(">II", head, 83)
    if not data + resource or max(data, resource) > _MAX_FORK or b"\0" in head[2 : 2 + head[1]]:
        return False
    return bool(_HEADER + data + resource <= size <= _HEADER + _padded(data) + _padded(resource) + _HEADER)


def unpack(blob: Blob, look: Look) -> None:
    """Hand on both forks."""
    data = bytes(blob.data)
    forks = _entries(data) if data.startswith((APPLE_SINGLE, APPLE_DOUBLE)) else _macbinary(data)
    for name, content in forks:
        look.budget.spend_bytes(len(content))
        look.descend(blob, content, name)


def _entries(data: bytes) -> Iterator[tuple[str, bytes]]:
    """AppleSingle and AppleDouble: a table of entries, each with its kind, place and length (RFC 1740 appendix A)."""
    count = int.from_bytes(data[_ENTRIES_AT - 2 : _ENTRIES_AT])
    if _ENTRIES_AT + count * _ENTRY.size > len(data):
        raise Corrupt("is an AppleSingle file that ends in the middle")
    entries = [_ENTRY.unpack_from(data, _ENTRIES_AT + number * _ENTRY.size) for number in range(count)]
    names = [data[at : at + length] for kind, at, length in entries if kind == _REAL_NAME]
    name = names[0].decode("utf-8", "replace") if names else "data fork"
    for kind, at, length in entries:
        if kind in {_DATA_FORK, _RESOURCE_FORK} and length:
            if at + length > len(data):
                raise Corrupt("is an AppleSingle file that ends in the middle")
            yield name if kind == _DATA_FORK else f"{name}/resource fork", data[at : at + length]


def _macbinary(data: bytes) -> Iterator[tuple[str, bytes]]:
    if not is_macbinary(data[:_HEADER], len(data)):
        yield "data fork", data[_HEADER:]
        return
    name = data[2 : 2 + data[1]].decode("mac-roman", "replace")
    size, resource_size = struct.unpack_from(">II", data, 83)
    yield name, data[_HEADER : _HEADER + size]
    start = _HEADER + _padded(size)
    if resource_size:
        yield f"{name}/resource fork", data[start : start + resource_size]


def _padded(size: int) -> int:
    return -(-size // _HEADER) * _HEADER
