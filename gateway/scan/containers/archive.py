"""Archives read by libarchive: tar, 7z, RAR, cab, ISO images, zstd and the older ones.

Contract: reads from memory and opens no file. Members are taken one after another, each under the budget. What
libarchive cannot read, or says is encrypted, is ``Corrupt`` or a finding, named by its type; members before the trouble
have been handed on by then. What is encrypted in a 7z archive is tried with passwords first. Members that may be locked
themselves wait for the others, among which a note may say the password. Raises ``OverLimit`` and ``Corrupt``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from gateway.closed_sets import FileType, Kind
from gateway.scan.budget import Budget
from gateway.scan.containers import by_libarchive, carve, ends, leftovers, seven_zip, unread
from gateway.scan.look import Blob, Corrupt, Look
from gateway.scan.ole_directory import MAGIC

TYPES = frozenset(
    {
        FileType.TAR,
        FileType.SEVEN_ZIP,
        FileType.RAR,
        FileType.CAB,
        FileType.ZSTD,
        FileType.DISK_IMAGE,
        FileType.ARCHIVE,
    }
)

# What the file begins with, and the format and the filter of libarchive that read it. Not xar: libarchive 3.6 puts the
# wrong bytes before all members but the first.
_READERS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"7z\xbc\xaf\x27\x1c", "7zip", "none"),
    (0, b"Rar!\x1a\x07\x00", "rar", "none"),
    (0, b"Rar!\x1a\x07\x01", "rar5", "none"),
    (0, b"MSCF", "cab", "none"),
    (0, b"\x28\xb5\x2f\xfd", "raw", "zstd"),
    (0, b"\x04\x22\x4d\x18", "raw", "lz4"),
    (0, b"LZIP", "raw", "lzip"),
    (0, b"\x1f\x9d", "raw", "compress"),
    (257, b"ustar", "tar", "none"),
    (32769, b"CD001", "iso9660", "none"),
    (0, b"07070", "cpio", "none"),
    (0, b"\xc7\x71", "cpio", "none"),
    (0, b"\x71\xc7", "cpio", "none"),
    (0, b"!<arch>\n", "ar", "none"),
    (2, b"-lh", "lha", "none"),
    (2, b"-lz", "lha", "none"),
)

SEARCHED = ((b"7z\xbc\xaf\x27\x1c", FileType.SEVEN_ZIP), (b"Rar!\x1a\x07", FileType.RAR))
"""Archives that are found behind whatever stands before them."""

_LOCKABLE = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", MAGIC)
MAX_WAITING = 32 << 20
"""Bytes of members that are kept until the others were looked at."""

_TAR_HEADER = 512
_UDF = (b"\x00NSR02", b"\x00NSR03")
"""ECMA-167 2/9.1: the volume is read by another directory too."""


def unpack(blob: Blob, look: Look) -> None:
    """Hand on every member of the archive. Encrypted ones are a finding."""
    data = _from_its_start(bytes(blob.data))
    reader = _reader(data)
    if reader is None:
        carve.carve(blob, look)
        raise Corrupt(f"is an archive or disk image of a kind that is not looked into ({unread.name_of(data)})")
    archive = Blob(data, blob.where, depth=blob.depth)
    if reader[0] == "7zip" and seven_zip.is_locked(archive, look):
        files = seven_zip.files(archive, look)
    else:
        files = _files(data, *reader, look.budget)
    try:
        count = _take_all(files, blob, look)
    except Corrupt:
        carve.carve(blob, look, len(blob.data) - len(data) + 1)  # behind its own beginning, or it is found again
        raise
    end = ends.end_of(data, reader[1] if reader[0] == "raw" else reader[0])
    leftovers.hand_on(archive, end, look)
    if reader[0] == "iso9660" and any(magic in data[32768:65536] for magic in _UDF):
        carve.carve(blob, look)
        raise Corrupt("has a second directory in the form of UDF, which is not looked into")
    if not count:
        raise Corrupt("looks like an archive but no member can be read")


def _files(data: bytes, format_name: str, filter_name: str, budget: Budget) -> Iterator[by_libarchive.File]:
    """The members. An ISO image has up to three directories, and they need not be the same: each is read."""
    if format_name != "iso9660":
        yield from by_libarchive.files(data, format_name, filter_name, budget)
        return
    seen: set[bytes] = set()
    for switched_off in ((), ("joliet",), ("rockridge", "joliet"), ("rockridge",)):
        for file in by_libarchive.files(data, format_name, filter_name, budget, switched_off):
            digest = hashlib.sha256(file.content).digest()
            if digest in seen:
                budget.give_back(len(file.content))
                continue
            seen.add(digest)
            yield file


def _take_all(files: Iterable[by_libarchive.File], blob: Blob, look: Look) -> int:
    """Hand on the members and tell of those that are encrypted. How much there is to tell."""
    locked: list[by_libarchive.File] = []
    count = 0
    try:
        for file in _notes_first(files):
            count += 1
            if file.encrypted:
                locked.append(file)
            else:
                _take(file, blob, look)
    except by_libarchive.Locked as error:
        look.find(Kind.ENCRYPTED, blob.where, str(error))
        return count + 1
    _tell_locked(locked, blob, look)
    return count


def _notes_first(files: Iterable[by_libarchive.File]) -> Iterator[by_libarchive.File]:
    """``files``, those last that may need a password; also when trouble ends them."""
    waiting: list[by_libarchive.File] = []
    room = MAX_WAITING
    try:
        for file in files:
            if file.content.startswith(_LOCKABLE) and len(file.content) <= room:
                waiting.append(file)
                room -= len(file.content)
            else:
                yield file
    except Corrupt:
        yield from waiting
        raise
    yield from waiting


def _tell_locked(locked: list[by_libarchive.File], blob: Blob, look: Look) -> None:
    """The members that stay encrypted, those with the same reason together."""
    reasons: dict[str, list[str]] = {}
    for file in locked:
        reasons.setdefault(str(file.trouble or "no password is known"), []).append(file.name)
    for reason, names in reasons.items():
        sentence = f"{len(names)} encrypted members, not opened ({reason}): {', '.join(names[:20])}"
        look.find(Kind.ENCRYPTED, blob.where, sentence)


def _take(file: by_libarchive.File, blob: Blob, look: Look) -> None:
    where = f"{blob.where}/{file.name}"
    leftovers.tell_padding(where, file.left_out, look)
    if file.content or file.trouble is None:
        look.descend(blob, file.content, file.name)
    if file.trouble is not None:
        leftovers.tell_trouble(file.trouble, where, look)


def _from_its_start(data: bytes) -> bytes:
    """``data`` without what stands before a 7z or RAR file; unchanged when it begins as something that is read."""
    if is_old_tar(data[:_TAR_HEADER]) or any(data.startswith(magic, at) for at, magic, _, _ in _READERS):
        return data
    starts = [at for magic, _ in SEARCHED if (at := data.find(magic)) > 0]
    return data[min(starts) :] if starts else data


def is_old_tar(head: bytes) -> bool:
    """A tar file from before POSIX 1988: nothing but the checksum of its first header tells."""
    said = head[148:156].strip(b" \x00")
    if len(head) < _TAR_HEADER or not head[0] or not said.isdigit():
        return False
    return said.lstrip(b"0") == b"%o" % (sum(head[:148]) + 8 * 0x20 + sum(head[156:_TAR_HEADER]))


def _reader(data: bytes) -> tuple[str, str] | None:
    for offset, magic, format_name, filter_name in _READERS:
        if data[offset : offset + len(magic)] == magic:
            return format_name, filter_name
    if is_old_tar(data[:_TAR_HEADER]):
        return "tar", "none"
    return None
