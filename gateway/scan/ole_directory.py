"""The names in the directory of a compound file (MS-CFB §2.6), and nothing more.

Contract: cheap enough to be asked of every OLE file, so that a library is loaded only for files that need it. Follows
the sector chain with a bound on its length. A directory that cannot be followed gives the names that could be read;
the reader that opens the file in earnest says what is wrong with it.
"""

from __future__ import annotations

import struct

MAGIC = bytes.fromhex("D0CF11E0A1B11AE1")
MAX_SECTORS = 4096
"""Directory sectors followed: 16 384 entries of a version 3 file, many times what Office writes."""

_ENTRY_SIZE = 128
_LAST_REGULAR = 0xFFFFFFFA


def names(data: bytes | memoryview) -> frozenset[str]:
    """The names of all storages and streams wherever they stand in the tree, root excluded."""
    if len(data) < 512 or data[:8] != MAGIC:
        return frozenset()
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in (9, 12):
        return frozenset()
    found = set()
    for sector in _chain(data, struct.unpack_from("<I", data, 48)[0], shift):
        at = (sector + 1) << shift
        for entry in range(at, min(at + (1 << shift), len(data)) - _ENTRY_SIZE + 1, _ENTRY_SIZE):
            length, kind = struct.unpack_from("<HB", data, entry + 64)
            if kind in (1, 2) and 2 <= length <= 64:
                found.add(bytes(data[entry : entry + length - 2]).decode("utf-16-le", "replace"))
    return frozenset(found)


def _chain(data: bytes | memoryview, sector: int, shift: int) -> list[int]:
    """Sector numbers from ``sector`` on, up to the end of the chain, a loop or ``MAX_SECTORS``."""
    chain: list[int] = []
    seen = set()
    while sector < _LAST_REGULAR and sector not in seen and len(chain) < MAX_SECTORS:
        chain.append(sector)
        seen.add(sector)
        sector = _next(data, sector, shift)
    return chain


def _next(data: bytes | memoryview, sector: int, shift: int) -> int:
    """The FAT entry of ``sector`` (§2.3). The FAT sectors themselves are listed in the header and the DIFAT (§2.5)."""
    fat_index, slot = divmod(sector, 1 << (shift - 2))
    fat_sector = _fat_sector(data, fat_index, shift)
    at = ((fat_sector + 1) << shift) + 4 * slot
    return int(struct.unpack_from("<I", data, at)[0]) if at + 4 <= len(data) else _LAST_REGULAR


def _fat_sector(data: bytes | memoryview, index: int, shift: int) -> int:
    if index < 109:
        return int(struct.unpack_from("<I", data, 76 + 4 * index)[0])
    hops, slot = divmod(index - 109, (1 << (shift - 2)) - 1)
    difat: int = struct.unpack_from("<I", data, 68)[0]
    for _ in range(min(hops, MAX_SECTORS)):
        at = ((difat + 2) << shift) - 4
        if difat >= _LAST_REGULAR or at + 4 > len(data):
            return _LAST_REGULAR
        difat = struct.unpack_from("<I", data, at)[0]
    at = ((difat + 1) << shift) + 4 * slot
    return int(struct.unpack_from("<I", data, at)[0]) if at + 4 <= len(data) else _LAST_REGULAR
