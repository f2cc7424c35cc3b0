"""The records of a zip file as they stand, central and local (PKWARE APPNOTE 6.3.10, §4.3 and §4.4).

Contract: reads what is there and judges nothing; ``gateway.scan.containers.zip`` compares the two sides. Every offset
is checked against the data, so a record that does not fit is ``None`` or the end of a list, never an exception.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

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
_ZIP_64 = 1
UTF8_NAME = 0x800


@dataclass(frozen=True, slots=True)
class Entry:
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


@dataclass(frozen=True, slots=True)
class Directory:
    """One end record and the central directory it points to. ``base`` is what all its offsets are short of."""

    start: int
    end: int
    end_record: int
    base: int
    count: int


def local_entry(data: bytes | memoryview, at: int) -> Entry | None:
    """The local header at ``at`` (§4.3.7), or None when there is none."""
    if at < 0 or at + _LOCAL.size > len(data) or data[at : at + 4] != LOCAL:
        return None
    _, _, flags, method, time, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(data, at)
    name_end = at + _LOCAL.size + name_length
    end = name_end + extra_length
    if end > len(data):
        return None
    extra = bytes(data[name_end:end])
    if _LATER_64 in (packed, size):
        size, packed, _ = _extra_64(extra, size, packed, 0)
    return Entry(bytes(data[at + _LOCAL.size : name_end]), flags, method, crc, packed, size, at, end, extra, time)


def central_entries(data: bytes | memoryview, directory: Directory) -> Iterator[Entry]:
    """The records of one central directory (§4.3.12), as long as they go on. ``at`` is in terms of ``data``."""
    position = directory.start
    while position + _CENTRAL.size <= directory.end:
        record = _CENTRAL.unpack_from(data, position)
        if record[0] != CENTRAL:
            return
        _, _, _, flags, method, time, _, crc, packed, size, name_length, extra_length, comment_length, *_ = record
        at = record[16]
        name_at = position + _CENTRAL.size
        extra_at = name_at + name_length
        end = extra_at + extra_length + comment_length
        if end > len(data):
            return
        extra = bytes(data[extra_at : extra_at + extra_length])
        if _LATER_64 in (packed, size, at):
            size, packed, at = _extra_64(extra, size, packed, at)
        raw_name = bytes(data[name_at:extra_at])
        yield Entry(raw_name, flags, method, crc, packed, size, directory.base + at, end, extra, time)
        position = end


def directory_at(data: bytes | memoryview, end_record: int) -> Directory | None:
    """The central directory that the end record at ``end_record`` speaks of (§4.3.16, §4.3.14 for zip64)."""
    if end_record + END_SIZE > len(data):
        return None
    _, _, _, _, count, size, offset, _ = _END.unpack_from(data, end_record)
    stop = end_record
    if count == 0xFFFF or _LATER_64 in (size, offset):
        stop, count, size, offset = _end_64(data, end_record, count, size, offset)
    # The directory stands right before its end record; then all offsets are short by what was put in front of the
    # archive. Where nothing is there, the offset is taken at its word.
    for start in (stop - size, offset):
        if start >= 0 and data[start : start + 4] == CENTRAL:
            return Directory(start, stop, end_record, start - offset, count)
    return Directory(stop, stop, end_record, 0, count)


def _end_64(data: bytes | memoryview, end_record: int, count: int, size: int, offset: int) -> tuple[int, int, int, int]:
    """Where the directory stops, then the zip64 values of the other three, or what was given when there are none."""
    unchanged = end_record, count, size, offset
    locator_at = end_record - _LOCATOR.size
    if locator_at < 0 or data[locator_at : locator_at + 4] != b"PK\x06\x07":
        return unchanged
    said = _LOCATOR.unpack_from(data, locator_at)[2]
    for at in (said, locator_at - _END64.size):
        if 0 <= at <= len(data) - _END64.size and data[at : at + 4] == b"PK\x06\x06":
            *_, count, size, offset = _END64.unpack_from(data, at)
            return at, count, size, offset
    return unchanged


def _extra_64(extra: bytes, size: int, packed: int, at: int) -> tuple[int, int, int]:
    """Replace each value that is all ones by the next one of the zip64 extra field (§4.5.3)."""
    field = extra_field(extra, _ZIP_64)
    values = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
    size, packed, at = (next(values, v) if v == _LATER_64 else v for v in (size, packed, at))
    return size, packed, at


def extra_field(extra: bytes, wanted: int) -> bytes:
    """The content of the first extra field with that id (§4.5.1), or nothing."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        if kind == wanted:
            return extra[position + 4 : position + 4 + length]
        position += 4 + length
    return b""
