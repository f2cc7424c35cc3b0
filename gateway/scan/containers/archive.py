"""Archives read by libarchive: tar, 7z, RAR, cab, ISO images, zstd and the older ones.

Contract: reads from memory and opens no file. Members are taken one after another, each under the budget. What
libarchive cannot read, or says is encrypted, is ``Corrupt`` or a finding, named by its type; members before the trouble
have been handed on by then. Raises ``OverLimit`` and ``Corrupt``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gateway.message import FileType, Kind
from gateway.scan.look import Blob, Corrupt, Look

if TYPE_CHECKING:
    from gateway.scan.budget import Budget

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

# What the file begins with, and the format and the filter of libarchive that read it. Never "all": that includes
# filters which start programs. Not xar: libarchive 3.6 puts the wrong bytes before all members but the first.
_READERS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"7z\xbc\xaf\x27\x1c", "7zip", "none"),
    (0, b"Rar!\x1a\x07\x00", "rar", "none"),
    (0, b"Rar!\x1a\x07\x01", "rar5", "none"),
    (0, b"MSCF", "cab", "none"),
    (0, b"\x28\xb5\x2f\xfd", "raw", "zstd"),
    (0, b"LZIP", "raw", "lzip"),
    (0, b"\x1f\x9d", "raw", "compress"),
    (257, b"ustar", "tar", "none"),
    (32769, b"CD001", "iso9660", "none"),
    (0, b"07070", "cpio", "none"),
    (0, b"!<arch>\n", "ar", "none"),
    (2, b"-lh", "lha", "none"),
)

SEARCHED = ((b"7z\xbc\xaf\x27\x1c", FileType.SEVEN_ZIP), (b"Rar!\x1a\x07", FileType.RAR))
"""Archives that are found behind whatever stands before them."""

_BLOCK = 1 << 16
_TAR_HEADER = 512
_ENCRYPTED_WORDS = ("encrypt", "passphrase", "password", "crypto codec")


def unpack(blob: Blob, look: Look) -> None:
    """Hand on every member of the archive. Encrypted ones are a finding."""
    from libarchive.exception import ArchiveError

    data = _from_its_start(bytes(blob.data))
    locked: list[str] = []
    count = 0
    try:
        for name, content in _members(data, look.budget):
            count += 1
            if content is None:
                locked.append(name)
            else:
                look.descend(blob, content, name)
    except ArchiveError as error:
        said = str(error).lower()
        if not any(word in said for word in _ENCRYPTED_WORDS):
            raise Corrupt(f"cannot be unpacked completely ({error.msg})") from error
        look.find(Kind.ENCRYPTED, blob.where, "is encrypted, the names of its members included")
        return
    if locked:
        look.find(Kind.ENCRYPTED, blob.where, f"{len(locked)} encrypted members: {', '.join(locked[:20])}")
    if not count:
        raise Corrupt("looks like an archive but no member can be read")


def _members(data: bytes, budget: Budget) -> Iterator[tuple[str, bytes | None]]:
    """Name and content of each member that is a file; None for the content of an encrypted one."""
    import libarchive

    format_name, filter_name = _reader(data)
    with libarchive.memory_reader(data, format_name=format_name, filter_name=filter_name) as archive:
        for entry in archive:
            budget.check_time()
            if format_name != "raw" and (entry.isdir or not (entry.isreg or entry.size)):
                continue
            name = str(entry.pathname or "member")
            yield name, None if _is_encrypted(entry) else _content(entry, budget)


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


def _reader(data: bytes) -> tuple[str, str]:
    for offset, magic, format_name, filter_name in _READERS:
        if data[offset : offset + len(magic)] == magic:
            return format_name, filter_name
    if is_old_tar(data[:_TAR_HEADER]):
        return "tar", "none"
    raise Corrupt("is an archive or disk image of a kind that is not looked into")


def _is_encrypted(entry: Any) -> bool:
    """libarchive's ``archive_entry_is_encrypted``, which the binding does not name."""
    from libarchive import ffi

    ask = ffi.libarchive.archive_entry_is_encrypted
    ask.argtypes, ask.restype = [ctypes.c_void_p], ctypes.c_int
    return bool(ask(entry._entry_p))


def _content(entry: Any, budget: Budget) -> bytes:
    pieces = []
    for block in entry.get_blocks(_BLOCK):
        budget.spend_bytes(len(block))
        budget.check_time()
        pieces.append(bytes(block))
    return b"".join(pieces)
