"""Outlook's own wrapper, ``winmail.dat`` (MS-OXTNEF): the files in it.

Contract: the data of every attachment, and every binary property long enough to be a file, are handed on. A stream that
ends in the middle is ``Corrupt`` after what stood before has been handed on. Raises ``OverLimit`` and ``Corrupt``.
Checksums are not looked at, because Outlook shows attachments with wrong ones.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gateway.message import FileType
from gateway.scan.look import Blob, Corrupt, Look

TYPES = frozenset({FileType.TNEF})

_ATTRIBUTE = struct.Struct("<BII")
_HEADER_SIZE = 6
_CHECKSUM_SIZE = 2

# MS-OXTNEF §2.1.3.2: what begins an attachment, its name, its data, and the attributes that hold properties.
_BEGINS = 0x00069002
_TITLE = 0x00018010
_DATA = 0x0006800F
_PROPERTIES = frozenset({0x00069005, 0x00069003})

# MS-OXCDATA §2.11.1: bytes a value of each type takes, padded to four; the other types carry their length.
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_OBJECT, _BINARY = 0x0D, 0x102
_WITH_LENGTH = frozenset({_OBJECT, 0x1E, 0x1F, _BINARY})
_MULTIPLE = 0x1000
_NAMED = 0x8000
_INTERFACE_SIZE = 16
_MIN_FILE = 128


def unpack(blob: Blob, look: Look) -> None:
    """Hand on every attachment and every file among the properties."""
    title = "attachment"
    for attribute, value in _attributes(bytes(blob.data)):
        look.budget.check_time()
        contents = [value] if attribute == _DATA else []
        if attribute == _BEGINS:
            title = "attachment"
        elif attribute == _TITLE:
            title = value.rstrip(b"\x00").decode("cp1252", "replace") or title
        elif attribute in _PROPERTIES:
            contents = list(_files(value))
        for content in contents:
            look.budget.spend_bytes(len(content))
            look.descend(blob, content, title)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and value of each attribute (§2.1.3.1)."""
    position = _HEADER_SIZE
    while position + _ATTRIBUTE.size <= len(data):
        _, attribute, length = _ATTRIBUTE.unpack_from(data, position)
        start = position + _ATTRIBUTE.size
        if start + length > len(data):
            raise Corrupt("ends in the middle of an attribute")
        yield attribute, data[start : start + length]
        position = start + length + _CHECKSUM_SIZE


def _files(properties: bytes) -> Iterator[bytes]:
    """Binary values and objects that are long enough to be files (§2.1.3.4)."""
    try:
        yield from _values(properties)
    except struct.error as error:
        raise Corrupt("ends in the middle of a property") from error


def _values(data: bytes) -> Iterator[bytes]:
    count = struct.unpack_from("<I", data)[0]
    position = 4
    for _ in range(min(count, len(data))):
        kind, number = struct.unpack_from("<HH", data, position)
        position += 4
        if number >= _NAMED:
            position = _behind_name(data, position)
        several = kind & _MULTIPLE
        kind &= ~_MULTIPLE
        amount = 1
        if several or kind in _WITH_LENGTH:
            amount = struct.unpack_from("<I", data, position)[0]
            position += 4
        for _ in range(min(amount, len(data))):
            length = _FIXED.get(kind)
            if kind in _WITH_LENGTH:
                length = struct.unpack_from("<I", data, position)[0]
                position += 4
            if length is None or position + length > len(data):
                raise Corrupt(f"holds a property of type {kind:#06x} that cannot be read")
            if kind in {_OBJECT, _BINARY} and length >= _MIN_FILE:
                # An object begins with the identifier of its interface.
                yield data[position + (_INTERFACE_SIZE if kind == _OBJECT else 0) : position + length]
            position += -(-length // 4) * 4


def _behind_name(data: bytes, position: int) -> int:
    """Where a named property goes on behind its name (§2.1.3.4.1)."""
    by_string, length = struct.unpack_from("<II", data, position + 16)
    return int(position + 24 + (-(-length // 4) * 4 if by_string else 0))
