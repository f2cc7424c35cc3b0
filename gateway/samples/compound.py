"""Compound files from nothing: what ``pyopenvba.cfb`` can fill but not begin (MS-CFB 2.2).

Contract: ``compound_file`` takes streams by path and gives the file; storages come into being as paths need them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD

Streams = dict[tuple[str, ...], bytes]


def compound_file(streams: Mapping[tuple[str, ...], bytes], root_class: bytes = bytes(16)) -> bytes:
    """A compound file with these streams; ``root_class`` is the CLSID that names the application."""
    from pyopenvba.cfb import CFB

    file = CFB.from_bytes(_empty(root_class))
    made: set[tuple[str, ...]] = set()
    for path, content in streams.items():
        for length in range(1, len(path)):
            if path[:length] not in made:
                file.add_substorage_at(path[: length - 1], path[length - 1])
                made.add(path[:length])
        file.add_stream_at(path[:-1], path[-1], content)
    result: bytes = file.to_bytes()
    return result


def streams_of(content: bytes, under: tuple[str, ...] = ()) -> Streams:
    """Every stream of a compound file, its path put under another storage."""
    from pyopenvba.cfb import CFB

    file = CFB.from_bytes(content)
    found: Streams = {}

    def walk(path: tuple[str, ...]) -> None:
        for name in file.list_streams_at(path):
            found[(*under, *path, name)] = file.get_stream_at(path, name)
        for name in file.list_storages_at(path):
            walk((*path, name))

    walk(())
    return found


def _empty(root_class: bytes) -> bytes:
    """A header, one FAT sector and one directory sector with nothing but the root."""
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIIII",
        *(bytes.fromhex("D0CF11E0A1B11AE1"), bytes(16), 0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 1, 0, 4096, _END, 0, _END, 0, 0),
    )
    fat = struct.pack("<128I", _FAT, _END, *[_FREE] * 126)
    name = "Root Entry".encode("utf-16-le")
    root = struct.pack(
        "<64sHBBIII16sIQQIQ", name, len(name) + 2, 5, 1, _FREE, _FREE, _FREE, root_class, 0, 0, 0, _END, 0
    )
    unused = struct.pack("<64sHBBIII52x", b"", 0, 0, 0, _FREE, _FREE, _FREE)
    return header.ljust(512, b"\xff") + fat + root + unused * 3
