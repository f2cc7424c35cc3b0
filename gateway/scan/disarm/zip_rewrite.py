"""The records of a zip file as they stand, taken apart and put together again (PKWARE APPNOTE 6.3.10, §4.3 to §4.5).

Contract: ``read`` takes only a file about which all programs agree, one record behind the other from its first byte to
its last, and raises ``CannotDisarm`` for any other; ``written`` of what it gave is such a file again, in which every
member that was not replaced is as it was, its header, its data and what stands behind them. Raises ``OverLimit``.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.scan.budget import Budget
from gateway.scan.containers import zip as zip_container
from gateway.scan.containers import zip_content, zip_crypto, zip_records
from gateway.scan.containers.zip import Member
from gateway.scan.containers.zip_records import Entry
from gateway.scan.disarm import renaming
from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.look import Corrupt

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END_64_RECORDS = 76
"""§4.3.14 and §4.3.15 together."""
_DESCRIPTORS = (0, 12, 16, 20, 24)
"""Lengths of the sizes behind the data (§4.3.9): with or without a signature, of 32 or 64 bits."""
_STORED, _DEFLATED = zip_content.STORED, zip_content.DEFLATED
_SIZES_FOLLOW = 8
_WITHOUT_CRC = 2
"""AE-2."""
_MOST_COMMENT = 0xFFFF
_LATER = 0xFFFFFFFF
_ZIP64, _UNICODE_PATH = 1, 0x7075


@dataclass(frozen=True, slots=True)
class Record:
    """One member: its two headers, its data, and what stands behind them."""

    member: Member
    local: bytes
    central: bytes
    packed: bytes | memoryview
    behind: bytes

    @property
    def at(self) -> int:
        """Where it begins in the file it was read from."""
        return self.member.entry.at


@dataclass(frozen=True, slots=True)
class Archive:
    """``records`` are in the order of the directory."""

    records: tuple[Record, ...]
    comment: bytes


def read(data: bytes, budget: Budget) -> Archive:
    """The records of ``data``. Raises ``CannotDisarm`` and ``OverLimit``."""
    doubts: list[str] = []
    members = {(one.entry.at, one.entry.raw_name): one for one in zip_container.members(data, budget, doubts.append)}
    if doubts:
        raise CannotDisarm(f"programs may read this zip file in different ways: {doubts[0]}")
    end = data.rfind(zip_records.END, max(0, len(data) - zip_records.END_SIZE - _MOST_COMMENT))
    directories = zip_records.directories_at(data, end)
    comment = data[end + zip_records.END_SIZE :]
    if len(directories) != 1 or directories[0].base or len(comment) != _END.unpack_from(data, end)[7]:
        raise CannotDisarm("there is something before or behind this zip file")
    directory = directories[0]
    start, listed = directory.start, []
    for entry in zip_records.central_entries(data, directory):
        listed.append((entry, data[start : entry.end]))
        start = entry.end
    if start != directory.end or end - start not in (0, _END_64_RECORDS) or len(listed) != len(members):
        raise CannotDisarm("the directory of this zip file holds more than its members")
    following = {}
    position = directory.start
    for at in sorted((entry.at for entry, _ in listed), reverse=True):
        following[at], position = position, at
    if position != 0 or len(following) != len(listed):
        raise CannotDisarm("not all bytes of this zip file belong to a member")
    return Archive(
        tuple(
            _record(data, members[entry.at, entry.raw_name], central, following[entry.at]) for entry, central in listed
        ),
        comment,
    )


def _record(data: bytes, member: Member, central: bytes, following: int) -> Record:
    entry = member.entry
    local = zip_records.local_entry(data, entry.at)
    end = local.end + entry.packed if local else -1
    if local is None or following - end not in (_DESCRIPTORS if entry.sizes_follow else (0,)):
        raise CannotDisarm("not all bytes of this zip file belong to a member")
    if _CENTRAL.unpack_from(central)[16] == _LATER:
        raise CannotDisarm("the zip file keeps the places of its members in a form for very large files")
    return Record(member, data[entry.at : local.end], central, member.packed, data[end:following])


def plain(record: Record) -> bytes:
    """The content of a member that is not encrypted. Raises ``CannotDisarm`` and ``OverLimit``."""
    doubts: list[str] = []
    member = replace(record.member, doubt=doubts.append)
    try:
        content, rest = member.read_all()
    except Corrupt as trouble:
        raise CannotDisarm(f"{member.name} {trouble}") from trouble
    if rest or doubts:
        raise CannotDisarm(doubts[0] if doubts else f"{member.name} holds more than its content")
    return content


def replaced(record: Record, raw_name: bytes, content: bytes, password: bytes | None, budget: Budget) -> Record:
    """``record`` with another name and content, encrypted in the way it was if there is a ``password``.

    Raises ``OverLimit``, and ``CannotDisarm`` when the name cannot be written.
    """
    entry = record.member.entry
    crc = shown_crc = zlib.crc32(content)
    method = shown_method = _STORED if _method_of(entry) == _STORED else _DEFLATED
    packed = content if method == _STORED else _deflated(content)
    if password is not None:
        packed = zip_crypto.encrypted(packed, entry, password, crc, budget)
        if entry.method == zip_crypto.AES:
            shown_method = zip_crypto.AES
            shown_crc = 0 if zip_records.extra_field(entry.extra, zip_crypto.AES_FIELD)[0] == _WITHOUT_CRC else crc
    values = (shown_method, shown_crc, len(packed), len(content))
    change = _Change(entry.raw_name, raw_name, method, values)
    return replace(
        record, local=change.local(record.local), central=change.central(record.central), packed=packed, behind=b""
    )


def written(archive: Archive) -> bytes:
    """The zip file: the members in the order they were in, and their directory."""
    pieces: list[bytes | memoryview] = []
    places: dict[int, int] = {}
    position = 0
    for record in sorted(archive.records, key=lambda record: record.at):
        places[record.at] = position
        pieces += (record.local, record.packed, record.behind)
        position += len(record.local) + len(record.packed) + len(record.behind)
    directory = b"".join(_placed(record.central, places[record.at]) for record in archive.records)
    count = len(archive.records)
    values = (0, 0, count, count, len(directory), position, len(archive.comment))
    return b"".join((*pieces, directory, _END.pack(zip_records.END, *values), archive.comment))


@dataclass(frozen=True, slots=True)
class _Change:
    """What is other in the headers of a member that was replaced. ``values``: method, checksum, packed size, size."""

    old_name: bytes
    name: bytes
    method: int
    values: tuple[int, int, int, int]

    def local(self, header: bytes) -> bytes:
        signature, version, flags, _, time, date, *_, name_length, _ = _LOCAL.unpack_from(header)
        extra = self._extra(header[_LOCAL.size + name_length :])
        method, *sizes = self.values
        fixed = (signature, version, flags & ~_SIZES_FOLLOW, method, time, date, *sizes, len(self.name), len(extra))
        return _LOCAL.pack(*fixed) + self.name + extra

    def central(self, header: bytes) -> bytes:
        signature, made, version, flags, _, time, date, *_, name_length, extra_length, _, disk, inner, outer, at = (
            _CENTRAL.unpack_from(header)
        )
        extra_at = _CENTRAL.size + name_length
        extra = self._extra(header[extra_at : extra_at + extra_length])
        comment = header[extra_at + extra_length :]
        method, *sizes = self.values
        fixed = (signature, made, version, flags & ~_SIZES_FOLLOW, method, time, date, *sizes)
        lengths = (len(self.name), len(extra), len(comment))
        return _CENTRAL.pack(*fixed, *lengths, disk, inner, outer, at) + self.name + extra + comment

    def _extra(self, extra: bytes) -> bytes:
        """The extra fields without the sizes, and with the new name and method where they tell them."""
        pieces = []
        for kind, field in _fields(extra):
            if kind == _UNICODE_PATH:
                old, new = (name.decode("utf-8", "surrogateescape") for name in (self.old_name, self.name))
                name = renaming.bytes_of(field[5:], old, new)
                field = field[:1] + struct.pack("<I", zlib.crc32(self.name)) + name  # noqa: PLW2901
            elif kind == zip_crypto.AES_FIELD:
                field = field[:5] + struct.pack("<H", self.method) + field[7:]  # noqa: PLW2901
            if kind != _ZIP64:
                pieces.append(struct.pack("<HH", kind, len(field)) + field)
        return b"".join(pieces)


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Every extra field (§4.5.1). What is too short to be one is padding and goes with the member it was for."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        yield kind, extra[position + 4 : position + 4 + length]
        position += 4 + length


def _method_of(entry: Entry) -> int:
    """The compression, also where the header says that it is behind the encryption."""
    if entry.method != zip_crypto.AES:
        return entry.method
    field = zip_records.extra_field(entry.extra, zip_crypto.AES_FIELD)
    return int.from_bytes(field[5:7], "little")


def _deflated(content: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(content) + deflater.flush()


def _placed(central: bytes, at: int) -> bytes:
    """The record with another offset, its last fixed field."""
    return central[: _CENTRAL.size - 4] + struct.pack("<I", at) + central[_CENTRAL.size :]
