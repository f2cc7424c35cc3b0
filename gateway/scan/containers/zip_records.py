"""The records of a zip file as they stand, central and local (PKWARE APPNOTE 6.3.10, §4.3 and §4.4).

Contract: reads what is there and judges nothing; ``gateway.scan.containers.zip`` compares the two sides. Every offset
is checked against the data, so a record that does not fit is ``None`` or the end of a list, never an exception.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

LOCAL = b"PK\x03\x04"
CENTRAL = b"PK\x01\x02"
END = b"PK\x05\x06"
END_SIZE = 22

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")

_LATER_64 = 0xFFFFFFFF
UTF8_NAME = 0x800


class Entry(NamedTuple):
    """One header record. ``at`` is where the local header is said to be, ``raw_name`` the name byte for byte."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    at: int
    end: int
    """Where this record ends; for a local header that is where the data begin."""
    extra: bytes = b""
    time: int = 0
    """When it was changed, in the form of MS-DOS; the old cipher checks passwords by it."""
    plain_sizes: bool = True
    """The sizes stand in the record itself, not in the zip64 extra field."""

    @property
    def encrypted(self) -> bool:
        """General purpose bit 0 (§4.4.4)."""
        return bool(self.flags & 1)

    @property
    def sizes_follow(self) -> bool:
        """General purpose bit 3: sizes and CRC stand behind the data (§4.3.9)."""
        return bool(self.flags & 8)

    @property
    def name(self) -> str:
        """The name for people: UTF-8 where it is that, else the IBM PC character set (§4.4.4, appendix D)."""
        try:
            return self.raw_name.decode("utf-8")
        except UnicodeDecodeError:
            return self.raw_name.decode("cp437")

    @property
    def other_name(self) -> bytes:
        """The name of the Unicode Path extra field (§4.6.9), if there is another one in it, else b""."""
        field = extra_field(self.extra, 0x7075)
        return field[5:] if field[:1] == b"\x01" and field[5:] != self.raw_name else b""

    @property
    def other_sizes(self) -> tuple[int, int] | None:
        """Size and packed size of a zip64 extra field that contradicts the record, where they belong (§4.5.3)."""
        field = extra_field(self.extra, 1)
        if not self.plain_sizes or len(field) < 16:
            return None
        sizes: tuple[int, int] = struct.unpack_from("<2Q", field)
        return sizes if sizes != (self.size, self.packed) and any(sizes) else None


def extra_field(extra: bytes, kind: int) -> bytes:
    """The content of the first extra field with that id (§4.5.1), or b""."""
    position = 0
    while position + 4 <= len(extra):
        found, length = struct.unpack_from("<HH", extra, position)
        if found == kind:
            return extra[position + 4 : position + 4 + length]
        position += 4 + length
    return b""


@dataclass(frozen=True, slots=True)
class Directory:
    """One end record and the central directory it points to. ``base`` is what all its offsets are short of."""

    start: int
    end: int
    end_record: int
    base: int
    count: int


def local_entry(data: bytes | memoryview, at: int, *, signed: bool = True) -> Entry | None:
    """The local header at ``at`` (§4.3.7), or None when there is none. Not ``signed``: its signature may be wrong."""
    if at < 0 or at + _LOCAL.size > len(data) or (signed and data[at : at + 4] != LOCAL):
        return None
    _, _, flags, method, time, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(data, at)
    name_end = at + _LOCAL.size + name_length
    end = name_end + extra_length
    if end > len(data):
        return None
    extra = bytes(data[name_end:end])
    plain = _LATER_64 not in (packed, size)
    if not plain:
        size, packed, _ = _extra_64(extra, size, packed, 0)
    return Entry(
        bytes(data[at + _LOCAL.size : name_end]), flags, method, crc, packed, size, at, end, extra, time, plain
    )


def central_entries(data: bytes | memoryview, directory: Directory) -> Iterator[Entry]:
    """The records of one central directory (§4.3.12), as long as they go on. ``at`` is in terms of ``data``."""
    position, size_of_data = directory.start, len(data)
    while position + _CENTRAL.size <= directory.end:
        record = _CENTRAL.unpack_from(data, position)
        if record[0] != CENTRAL:
            return
        _, _, _, flags, method, time, _, crc, packed, size, name_length, extra_length, comment_length, *_ = record
        at = record[16]
        name_at = position + _CENTRAL.size
        extra_at = name_at + name_length
        end = extra_at + extra_length + comment_length
        if end > size_of_data:
            return
        extra = bytes(data[extra_at : extra_at + extra_length])
        plain = _LATER_64 not in (packed, size)
        if _LATER_64 in (packed, size, at):
            size, packed, at = _extra_64(extra, size, packed, at)
        raw_name = bytes(data[name_at:extra_at])
        yield Entry(raw_name, flags, method, crc, packed, size, directory.base + at, end, extra, time, plain)
        position = end


def directory_at(data: bytes | memoryview, end_record: int) -> Directory | None:
    """The first of ``directories_at``, or an empty one where the end record points to none; None for no end record."""
    if end_record + END_SIZE > len(data):
        return None
    found = directories_at(data, end_record)
    return (
        found[0] if found else Directory(end_record, end_record, end_record, 0, _END.unpack_from(data, end_record)[4])
    )


def directories_at(data: bytes | memoryview, end_record: int) -> list[Directory]:
    """Every central directory the end record at ``end_record`` may speak of (§4.3.16; §4.3.14 for zip64).

    Programs differ in whether they count from the end record backwards or take the offset at its word, and in whether
    they prefer the zip64 values; in an honest file all that is one place.
    """
    if end_record < 0 or end_record + END_SIZE > len(data):
        return []
    _, _, _, _, count, size, offset, _ = _END.unpack_from(data, end_record)
    found: dict[int, Directory] = {}
    for stop, count_, size_, offset_ in (*_ends_64(data, end_record), (end_record, count, size, offset)):
        # The directory stands right before its end record; then all offsets are short by what was put in front of the
        # archive. Where nothing is there, the offset is taken at its word.
        for start in (stop - size_, offset_):
            if 0 <= start < stop and data[start : start + 4] == CENTRAL:
                found.setdefault(start, Directory(start, stop, end_record, start - offset_, count_))
    return list(found.values())


def _ends_64(data: bytes | memoryview, end_record: int) -> Iterator[tuple[int, int, int, int]]:
    """Where the directory stops, its count, size and offset, by the zip64 records before the end record."""
    locator_at = end_record - _LOCATOR.size
    if locator_at < 0 or data[locator_at : locator_at + 4] != b"PK\x06\x07":
        return
    said = _LOCATOR.unpack_from(data, locator_at)[2]
    for at in (said, locator_at - _END64.size):
        if 0 <= at <= len(data) - _END64.size and data[at : at + 4] == b"PK\x06\x06":
            *_, count, size, offset = _END64.unpack_from(data, at)
            yield at, count, size, offset


def _extra_64(extra: bytes, size: int, packed: int, at: int) -> tuple[int, int, int]:
    """Replace each value that is all ones by the next one of the zip64 extra field (§4.5.3)."""
    field = extra_field(extra, 1)
    values = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
    size, packed, at = (next(values, v) if v == _LATER_64 else v for v in (size, packed, at))
    return size, packed, at
