"""Small compound files for tests (MS-CFB, version 3), written with the names and contents that are asked for."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping

SECTOR = 512
END, FREE, FAT, DIFAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFC
IN_HEADER, IN_DIFAT = 109, 127
MINIMUM = 4096
"""Streams are padded to this size, so that no mini stream is needed; the padding is zeros."""


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file with these streams. ``a/b`` puts ``b`` into the storage ``a``."""
    names = sorted({path.rpartition("/")[0] for path in streams} - {""}) + list(streams)
    directory_sectors = (len(names) + 1 + 3) // 4
    table = [*range(1, directory_sectors), END]
    contents, starts = b"", {}
    for path, content in streams.items():
        padded = content.ljust(max(MINIMUM, -(-len(content) // SECTOR) * SECTOR), b"\0")
        starts[path] = (len(table), len(padded))
        sectors = len(padded) // SECTOR
        table += [*range(len(table) + 1, len(table) + sectors), END]
        contents += padded
    fat_sectors = more = 0
    while (len(table) + fat_sectors + more) * 4 > fat_sectors * SECTOR:
        fat_sectors += 1
        more = max(0, -(-(fat_sectors - IN_HEADER) // IN_DIFAT))
    first_fat = len(table)
    table += [FAT] * fat_sectors + [DIFAT] * more
    fat = b"".join(struct.pack("<I", number) for number in table).ljust(fat_sectors * SECTOR, b"\xff")
    listed = [*range(first_fat, first_fat + fat_sectors)]
    difat = b"".join(
        struct.pack("<128I", *(listed[at : at + IN_DIFAT] + [FREE] * IN_DIFAT)[:IN_DIFAT], first_fat + fat_sectors + n)
        for n, at in enumerate(range(IN_HEADER, fat_sectors, IN_DIFAT), 1)
    )
    first_difat = first_fat + fat_sectors if more else END
    listed = listed[:IN_HEADER]
    header = struct.pack("<8s16xHHHHH6xIIIIIIIII", bytes.fromhex("D0CF11E0A1B11AE1"), 0x3E, 3, 0xFFFE, 9, 6, 0,
                         fat_sectors, 0, 0, MINIMUM, END, 0, first_difat, more)  # fmt: skip
    header += b"".join(struct.pack("<I", number) for number in (*listed, *[FREE] * (109 - len(listed))))
    return header + _directory(names, starts).ljust(directory_sectors * SECTOR, b"\0") + contents + fat + difat


def _directory(names: list[str], starts: Mapping[str, tuple[int, int]]) -> bytes:
    """Each storage's entries hang on one another to the right: a legal, if unbalanced, tree."""
    number = {name: index for index, name in enumerate(names, 1)}
    children: dict[str, list[str]] = {}
    for name in names:
        children.setdefault(name.rpartition("/")[0], []).append(name)
    after = {left: right for listed in children.values() for left, right in itertools.pairwise(listed)}

    def entry(name: str, kind: int) -> bytes:
        title = (name.rpartition("/")[2] or "Root Entry").encode("utf-16-le") + b"\0\0"
        right = number[after[name]] if name in after else FREE
        child = number[children[name][0]] if name in children else FREE
        start, size = starts.get(name, (END, 0))
        fixed = struct.pack("<64sHBBIII16sI16xIQ", title.ljust(64, b"\0"), len(title), kind, 1, FREE, right, child, b"",
                            0, start, size)  # fmt: skip
        assert len(fixed) == 128
        return fixed

    return entry("", 5) + b"".join(entry(name, 2 if name in starts else 1) for name in names)
