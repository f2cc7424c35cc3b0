"""Outlook's own wrapper, ``winmail.dat`` (MS-OXTNEF): the files in it, attached messages and the RTF body.

Contract: the data of every attachment, and every binary property long enough to be a file, are handed on, attachments
under their longest name. A stream that ends in the middle is ``Corrupt`` after all that stood before, the broken
attachment included, has been handed on. Raises ``OverLimit`` and ``Corrupt``. Checksums are not looked at, because
Outlook shows attachments with wrong ones.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.closed_sets import FileType
from gateway.scan.containers import rtf_compressed
from gateway.scan.look import Blob, Corrupt, Look

TYPES = frozenset({FileType.TNEF})

_ATTRIBUTE = struct.Struct("<BII")
_HEADER_SIZE = 6
_CHECKSUM_SIZE = 2

# MS-OXTNEF §2.1.3.2: what begins an attachment, its names, its data, and the attributes that hold properties.
_BEGINS = 0x00069002
_TITLE = 0x00018010
_TRANSPORT_NAME = 0x00069001
_DATA = 0x0006800F
_PROPERTIES = frozenset({0x00069005, 0x00069003})

# MS-OXCDATA §2.11.1: bytes a value of each type takes, padded to four; the other types carry their length.
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_OBJECT, _BINARY = 0x0D, 0x102
_TEXTS = {0x1E: "cp1252", 0x1F: "utf-16-le"}
_WITH_LENGTH = frozenset({_OBJECT, _BINARY, *_TEXTS})
_MULTIPLE = 0x1000
_NAMED = 0x8000
_INTERFACE_SIZE = 16
_MIN_FILE = 128
# MS-OXPROPS: the properties of interest.
_LONG_NAME, _RTF_BODY = 0x3707, 0x1009


@dataclass(slots=True)
class _Files:
    """The message itself, or one attachment: its name and what it holds."""

    name: str
    contents: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Property:
    number: int
    kind: int
    value: bytes


def unpack(blob: Blob, look: Look) -> None:
    """Hand on every attachment and every file among the properties."""
    files = _Files("message")
    try:
        for attribute, value in _attributes(bytes(blob.data)):
            look.budget.check_time()
            if attribute == _BEGINS:
                _hand_on(files, blob, look)
                files = _Files("attachment")
            elif attribute in {_TITLE, _TRANSPORT_NAME}:
                files.name = value.rstrip(b"\x00").decode("cp1252", "replace") or files.name
            elif attribute == _DATA:
                files.contents.append(value)
            elif attribute in _PROPERTIES:
                _take(files, value, blob, look)
    finally:
        _hand_on(files, blob, look)


def _hand_on(files: _Files, blob: Blob, look: Look) -> None:
    for content in files.contents:
        look.budget.spend_bytes(len(content))
        look.descend(blob, content, files.name)


def _take(files: _Files, properties: bytes, blob: Blob, look: Look) -> None:
    """The name, the bodies and the files among the properties (§2.1.3.4)."""
    try:
        for found in _values(properties):
            if found.number == _LONG_NAME and found.kind in _TEXTS:
                files.name = found.value.decode(_TEXTS[found.kind], "replace").strip("\x00 ") or files.name
            elif found.kind == _BINARY and found.number == _RTF_BODY:
                look.descend(blob, rtf_compressed.decompress(found.value, look.budget), "body.rtf")
            elif found.kind in {_BINARY, _OBJECT} and len(found.value) >= _MIN_FILE:
                # An object begins with the identifier of its interface.
                files.contents.append(found.value[_INTERFACE_SIZE if found.kind == _OBJECT else 0 :])
    except struct.error as error:
        raise Corrupt("ends in the middle of a property") from error


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and value of each attribute (§2.1.3.1)."""
    position = _HEADER_SIZE
    while position + _ATTRIBUTE.size <= len(data):
        _, attribute, length = _ATTRIBUTE.unpack_from(data, position)
        start = position + _ATTRIBUTE.size
        yield attribute, data[start : start + length]
        if start + length > len(data):
            raise Corrupt("ends in the middle of an attribute")
        position = start + length + _CHECKSUM_SIZE


def _values(data: bytes) -> Iterator[_Property]:
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
            yield _Property(number, kind, data[position : position + length])
            position += -(-length // 4) * 4


def _behind_name(data: bytes, position: int) -> int:
    """Where a named property goes on behind its name (§2.1.3.4.1)."""
    by_string, length = struct.unpack_from("<II", data, position + 16)
    return int(position + 24 + (-(-length // 4) * 4 if by_string else 0))
