"""The members of a tar file as they stand, taken apart and put together again (POSIX.1-2017 pax, GNU tar manual).

Contract: ``read`` takes only a file whose every block is understood, and raises ``CannotDisarm`` for any other.
A member that was not replaced keeps every block. ``replaced`` raises ``CannotDisarm``, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.scan.budget import Budget
from gateway.scan.disarm import renaming
from gateway.scan.disarm.parts import CannotDisarm

BLOCK = 512
_FILES = b"0\x007"
_WITHOUT_CONTENT = b"123456"
"""Links, devices, folders and pipes."""
_LINKS = b"12"
_LONG_NAME, _LONG_LINK, _PAX, _PAX_FOR_ALL = b"L", b"K", b"x", b"g"
_EXTENDED = _LONG_NAME + _LONG_LINK + _PAX + _PAX_FOR_ALL
_NAME, _SIZE, _SUM, _TYPE, _LINK, _PREFIX = (
    *(slice(0, 100), slice(124, 136), slice(148, 156), slice(156, 157), slice(157, 257), slice(345, 500)),
)
_MOST_RECORDS = 1 << 16
_ABOUT_CONTENT = (b"size", b"GNU.")
"""Records of pax that say how the content is to be read."""


@dataclass(frozen=True, slots=True)
class Member:
    """``before`` are the extended headers of the member and their content, ``behind`` the zeros up to a whole block."""

    before: bytes
    header: bytes
    content: bytes
    behind: bytes
    raw_name: bytes
    link: bytes

    @property
    def is_file(self) -> bool:
        return self.header[_TYPE] in _FILES

    @property
    def name(self) -> str:
        """For people."""
        try:
            return self.raw_name.decode("utf-8")
        except UnicodeDecodeError:
            return self.raw_name.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Archive:
    """``end`` is the zeros a tar file ends in."""

    members: tuple[Member, ...]
    end: bytes


def read(data: bytes, budget: Budget) -> Archive:
    """The members of ``data``. Raises ``CannotDisarm`` and ``OverLimit``."""
    members: list[Member] = []
    position = 0
    while data[position : position + BLOCK].strip(b"\0"):
        budget.spend_file()
        member, position = _member(data, position)
        members.append(member)
    end = data[position:]
    if end.strip(b"\0"):
        raise CannotDisarm("the tar file holds something behind its end")
    return Archive(tuple(members), end)


def written(archive: Archive) -> bytes:
    """The tar file."""
    pieces = ((member.before, member.header, member.content, member.behind) for member in archive.members)
    return b"".join((*(piece for four in pieces for piece in four), archive.end))


def replaced(member: Member, name: str, content: bytes) -> Member:
    """``member`` with another name and content."""
    raw_name = renaming.bytes_of(member.raw_name, member.name, name)
    header, before = bytearray(member.header), member.before
    if raw_name != member.raw_name:
        if before.count(member.raw_name) == 1 and len(raw_name) == len(member.raw_name):
            before = before.replace(member.raw_name, raw_name)
        elif before:
            raise CannotDisarm(f"{member.name} cannot be given another name inside the tar file")
        else:
            header[_NAME] = _short(header, raw_name)
    header[_SIZE] = b"%011o\0" % len(content)
    header[_SUM] = b"%06o\0 " % _sum(header)
    behind = bytes(-len(content) % BLOCK)
    return replace(member, before=before, header=bytes(header), content=content, behind=behind, raw_name=raw_name)


def _short(header: bytearray, raw_name: bytes) -> bytes:
    """What the name field has to hold, behind the folder in the prefix field."""
    prefix = _prefix(bytes(header))
    name = raw_name[len(prefix) + 1 :] if prefix else raw_name
    if len(name) > _NAME.stop:
        raise CannotDisarm("a new name is too long for the tar file")
    return name.ljust(_NAME.stop, b"\0")


def _member(data: bytes, start: int) -> tuple[Member, int]:
    """The member that begins at ``start``, and where the next one does."""
    position, name = start, b""
    while True:
        header = data[position : position + BLOCK]
        size = _size(header)
        content_at = position + BLOCK
        kind = header[_TYPE]
        following = content_at + size + -size % BLOCK
        if following > len(data):
            raise CannotDisarm("the tar file is cut off")
        if kind not in _EXTENDED:
            break
        name = _told_name(kind, data[content_at : content_at + size]) or name
        position = following
    if kind not in _FILES and (kind not in _WITHOUT_CONTENT or size):
        raise CannotDisarm("the tar file holds a member of an unusual kind")
    behind = data[content_at + size : following]
    if behind.strip(b"\0"):
        raise CannotDisarm("the tar file holds something between its members")
    link = header[_LINK].rstrip(b"\0") if kind in _LINKS else b""
    own = b"/".join(part for part in (_prefix(header), header[_NAME].split(b"\0")[0]) if part)
    content = data[content_at : content_at + size]
    return Member(data[start:position], header, content, behind, name or own, link), following


def _size(header: bytes) -> int:
    """The size of what follows a header whose checksum is right."""
    said, size = header[_SUM].strip(b" \0"), header[_SIZE].strip(b" \0")
    if len(header) < BLOCK or not said.isdigit() or not size.isdigit() or b"8" in size or b"9" in size:
        raise CannotDisarm("the tar file is damaged, or in an unusual form")
    if said.lstrip(b"0") != b"%o" % _sum(header):
        raise CannotDisarm("a checksum of the tar file is wrong")
    return int(size, 8)


def _sum(header: bytes | bytearray) -> int:
    """The checksum is of a header with blanks in its place."""
    return sum(header) - sum(header[_SUM]) + 8 * 0x20


def _prefix(header: bytes) -> bytes:
    """The folder in front of the name. Where GNU tar keeps something else, its magic is another one."""
    return header[_PREFIX].split(b"\0")[0] if header[257:263] == b"ustar\0" else b""


def _told_name(kind: bytes, content: bytes) -> bytes:
    """The name an extended header tells, or nothing."""
    if kind == _LONG_NAME:
        return content.rstrip(b"\0")
    if kind == _LONG_LINK:
        return b""
    found = b""
    for key, value in _records(content):
        if key.startswith(_ABOUT_CONTENT) or (kind == _PAX_FOR_ALL and key == b"path"):
            raise CannotDisarm("the tar file holds a member in an unusual form")
        found = value if key == b"path" else found
    return found


def _records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """``length key=value`` and a line feed, one behind the other; the length is of all that."""
    if len(content) > _MOST_RECORDS:
        raise CannotDisarm("the tar file holds a member in an unusual form")
    position = 0
    while position < len(content):
        length, blank, _ = content[position : position + 20].partition(b" ")
        if not blank or not length.isdigit() or int(length) <= len(length) + 1:
            raise CannotDisarm("the tar file is damaged, or in an unusual form")
        record = content[position + len(length) + 1 : position + int(length)]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise CannotDisarm("the tar file is damaged, or in an unusual form")
        yield key, value[:-1]
        position += int(length)
