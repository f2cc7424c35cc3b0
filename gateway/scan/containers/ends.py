"""Where an archive ends, by its own words: what lies behind that, the programs that read it do not look at.

Contract: ``end_of`` walks over headers and decodes nothing. Where the format has no end, or something in it cannot be
followed, it is the end of the data; a wrong answer therefore costs at most a look that was not needed. Never raises.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

_TAR_BLOCK = 512
_MANY = 100_000
"""Headers that are followed."""


def end_of(data: bytes, kind: str) -> int:
    """Where the archive of that ``kind``, as libarchive calls it, ends; never beyond the end of ``data``."""
    find = _ENDS.get(kind)
    try:
        return min(find(data), len(data)) if find else len(data)
    except (IndexError, struct.error):
        return len(data)


def _seven_zip(data: bytes) -> int:
    """The start header says where the directory is, which comes last."""
    offset, size = struct.unpack_from("<2Q", data, 12)
    return 32 + int(offset) + int(size)


def _cab(data: bytes) -> int:
    """MS-CAB §2.1: cbCabinet."""
    return int.from_bytes(data[8:12], "little")


def _tar(data: bytes) -> int:
    """The first block of zeros that is no content; a tar file may go on behind it (``tar --ignore-zeros``)."""
    position = 0
    for _ in range(_MANY):
        head = data[position : position + _TAR_BLOCK]
        size = head[124:136].strip(b" \x00")
        if not any(head):
            return position
        if size.strip(b"01234567"):
            break
        position += _TAR_BLOCK + -(-int(size or b"0", 8) // _TAR_BLOCK) * _TAR_BLOCK
    return len(data)


def _rar5(data: bytes) -> int:
    """RAR 5: checksum, size, kind, flags, then the sizes that the flags promise; the last header is of kind 5."""
    position = 8
    for _ in range(_MANY):
        size, at = _number(data, position + 4)
        kind, next_at = _number(data, at)
        flags, next_at = _number(data, next_at)
        if flags & 1:
            _, next_at = _number(data, next_at)
        content = _number(data, next_at)[0] if flags & 2 else 0
        position = at + size + content
        if kind == 5:
            return position
        if kind == 4:  # all that follows is encrypted
            break
    return len(data)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first, as long as the high bit is set; and where the next one begins."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    return value, at


def _rar4(data: bytes) -> int:
    """RAR 1.5 to 4: checksum, kind, flags, size; the last header is of kind 0x7B."""
    position = 7
    for _ in range(_MANY):
        kind, flags, size = struct.unpack_from("<BHH", data, position + 2)
        more = int.from_bytes(data[position + 7 : position + 11], "little") if flags & 0x8000 else 0
        position += int(size) + more
        if kind == 0x7B:
            return position
        if size < 7 or (kind == 0x73 and flags & 0x80):
            break
    return len(data)


def _zstd(data: bytes) -> int:
    """RFC 8878 §3.1: frames one behind the other, each of blocks that say how long they are."""
    position, flags, in_frame = 0, 0, False
    for _ in range(_MANY):
        if not in_frame:
            if data[position : position + 4] != b"\x28\xb5\x2f\xfd":
                return position
            flags = data[position + 4]
            single = flags >> 5 & 1
            position += 6 - single + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]
        block = data[position] | data[position + 1] << 8 | data[position + 2] << 16
        position += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
        in_frame = not block & 1
        position += 0 if in_frame else 4 * (flags >> 2 & 1)
    return len(data)


_ENDS: dict[str, Callable[[bytes], int]] = {
    "7zip": _seven_zip,
    "cab": _cab,
    "tar": _tar,
    "rar": _rar4,
    "rar5": _rar5,
    "zstd": _zstd,
}
