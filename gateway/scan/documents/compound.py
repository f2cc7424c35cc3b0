"""Compound files (OLE2): the directory and the streams, read for inspection (MS-CFB).

Contract: ``CompoundFile`` reads the header, the sector table and the directory, and nothing else until a stream is
asked for. Every entry the directory tree reaches is listed, two of the same name included, because which of them an
application picks is not ours to guess. So is every entry it does not reach, which no application leaves behind, and
every one below too many storages: these stand in the storage ``LOST``, and the file is then ``damaged``. Memory is
bounded by the size of the file: no chain visits more sectors than there are, and no path is long. Raises ``Corrupt``
when there is no directory to read; a stream that breaks off is returned as far as it goes, and ``damaged`` says why.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gateway.scan.look import Corrupt

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
CARRIERS = (b"PK\x03\x04", MAGIC, b"{\\rt", b"%PDF-")
"""How what is embedded in a document begins when it is a document of its own."""

_HEADER = struct.Struct("<30xHH14xI4xIIIII")
"""MS-CFB 2.2: sector shift, mini sector shift, first directory sector, mini stream cutoff, first mini FAT sector and
their number, first DIFAT sector and their number. The numbers of the first 109 FAT sectors follow."""
_ENTRY = struct.Struct("<64sHBBIII16sIQQIQ")
"""MS-CFB 2.6.1."""
_MAX_REGULAR_SECTOR = 0xFFFFFFFA
_NO_STREAM = 0xFFFFFFFF
_HEADER_DIFAT = 109
_MINI_SHIFT, _CUTOFF = 6, 4096
_MINI_SECTOR = 1 << _MINI_SHIFT
STORAGE, STREAM, ROOT = 1, 2, 5
_UNUSED = 0
_MAX_DEPTH = 100
"""Storages inside storages; each has a path to keep. Office nests some three for each document in a document."""
LOST = ("(lost)",)


@dataclass(frozen=True, slots=True)
class Entry:
    """One storage or stream. ``path`` are the names from the root, as written; ``parent`` the path of its storage;
    ``number`` its place in the directory."""

    path: tuple[str, ...]
    kind: int
    start: int
    size: int
    clsid: bytes
    number: int = 0

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def parent(self) -> tuple[str, ...]:
        return self.path[:-1]

    @property
    def key(self) -> str:
        """The name as Windows compares it: without case."""
        return self.path[-1].casefold()


class CompoundFile:
    """A compound file in memory; ``data`` is kept, not copied."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self.damaged = ""
        if len(self._data) < 512 or self._data[:8] != MAGIC:
            raise Corrupt("is too short for a compound file, or does not begin as one")
        header = _HEADER.unpack_from(self._data)
        shift, mini_shift, directory_start, cutoff, mini_fat_start, mini_fat_count, difat, difat_count = header
        self._cutoff, self._mini_fat_start, self._mini_fat_count = cutoff, mini_fat_start, mini_fat_count
        if shift not in {9, 12}:
            raise Corrupt(f"is a compound file with sectors of 2^{shift} bytes, which no application writes")
        if (mini_shift, self._cutoff) != (_MINI_SHIFT, _CUTOFF):
            raise Corrupt("is a compound file that divides its small streams as no application does")
        self.size_of_sector: int = 1 << shift
        self._sectors = max(0, len(self._data) - 1) // self.size_of_sector
        self._fat = self._read_fat(difat, difat_count)
        self._directory_start = directory_start
        directory = self._chain(directory_start, None)
        if len(directory) < _ENTRY.size:
            raise Corrupt("is a compound file without a directory")
        self._table = list(_ENTRY.iter_unpack(directory[: len(directory) // _ENTRY.size * _ENTRY.size]))
        self._mini_fat: array[int] | None = None
        self._mini_stream = b""
        self.root_clsid: bytes = self._table[0][7]
        self.entries: tuple[Entry, ...] = tuple(self._walk())

    def streams(self, *names: str) -> list[Entry]:
        """Every stream of one of these names, in any storage; case does not matter."""
        if len(names) == 1:
            return list(self._streams_of.get(names[0].casefold(), ()))
        wanted = {name.casefold() for name in names}
        return [entry for entry in self.entries if entry.kind == STREAM and entry.key in wanted]

    def inside(self, storage: tuple[str, ...]) -> list[Entry]:
        """What lies directly in a storage. The path is compared as it was listed."""
        return list(self._inside.get(storage, ()))

    @cached_property
    def _streams_of(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            if entry.kind == STREAM:
                found.setdefault(entry.key, []).append(entry)
        return found

    @cached_property
    def _inside(self) -> dict[tuple[str, ...], list[Entry]]:
        found: dict[tuple[str, ...], list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.parent, []).append(entry)
        return found

    def read(self, entry: Entry, limit: int | None = None) -> bytes:
        """The stream's bytes, or its first ``limit``. Shorter than ``entry.size`` says only when it is damaged."""
        wanted = entry.size if limit is None else min(entry.size, limit)
        if entry.size < self._cutoff:
            content = self._mini_chain(entry.start, wanted)
        else:
            content = self._chain(entry.start, wanted)
        if len(content) < wanted:
            self._damage(f"its stream {entry.name!r} breaks off")
        return content

    def is_finite(self) -> bool:
        """Whether a reader that trusts the file comes to an end: no chain runs in a circle, no two lead through the
        same sectors, and the tables are no longer than the file. Libraries that follow chains blindly hang on the rest.
        """
        starts = [self._directory_start]
        starts += [self._mini_fat_start] if self._mini_fat_count else []
        starts += [self._table[0][11]] if self._table[0][12] else []
        large = [entry.start for entry in self.entries if entry.kind == STREAM and entry.size >= self._cutoff]
        small = [entry.start for entry in self.entries if entry.kind == STREAM and 0 < entry.size < self._cutoff]
        if self._mini_fat is None:
            self._read_mini_fat()
        assert self._mini_fat is not None
        return (
            self._tables_fit
            and _all_end([*starts, *large], self._fat[: self._sectors])
            and _all_end(small, self._mini_fat[: len(self._mini_stream) // _MINI_SECTOR + 1])
        )

    def _sector(self, number: int) -> memoryview:
        start = (number + 1) * self.size_of_sector
        return self._data[start : start + self.size_of_sector]

    def _read_fat(self, difat: int, difat_count: int) -> array[int]:
        """The sector table, from the sectors the header and the DIFAT chain name (MS-CFB 2.3, 2.5)."""
        numbers = [n for n in struct.unpack_from(f"<{_HEADER_DIFAT}I", self._data, 76) if n < _MAX_REGULAR_SECTOR]
        per_sector = self.size_of_sector // 4 - 1
        self._difat_sectors: list[int] = []
        for _ in range(min(difat_count, self._sectors)):
            raw = self._sector(difat)
            if difat >= _MAX_REGULAR_SECTOR or len(raw) < self.size_of_sector:
                break
            self._difat_sectors.append(difat)
            *listed, difat = struct.unpack(f"<{per_sector + 1}I", raw)
            numbers += [n for n in listed if n < _MAX_REGULAR_SECTOR]
        needed = self._sectors * 4 // self.size_of_sector + 1
        # Office adds table sectors it does not use yet; what counts is that each is there and is named once
        self._tables_fit = difat_count <= self._sectors and len(set(numbers)) == len(numbers) <= self._sectors
        self._fat_sectors = numbers
        return _little_endian(b"".join(self._sector(n) for n in numbers[: needed + 1]))

    def _chain(self, start: int, wanted: int | None) -> bytes:
        """The sectors of a chain, joined; all of them if ``wanted`` is None."""
        runs: list[memoryview] = []
        size, fat, known = self.size_of_sector, self._fat, len(self._fat)
        most = self._sectors if wanted is None else min(self._sectors, -(-wanted // size))
        first = number = start  # sectors that follow each other are taken together
        for _ in range(most):
            if number >= _MAX_REGULAR_SECTOR:
                break
            following = fat[number] if number < known else _NO_STREAM
            if following != number + 1:
                runs.append(self._data[(first + 1) * size : (number + 2) * size])
                first = following
            number = following
        if number > first:
            runs.append(self._data[(first + 1) * size : (number + 1) * size])
        joined = b"".join(runs)
        return joined if wanted is None else joined[:wanted]

    def _mini_chain(self, start: int, wanted: int) -> bytes:
        """MS-CFB 2.4: small streams live in 64-byte pieces of the root's own stream."""
        if self._mini_fat is None:
            self._read_mini_fat()
        assert self._mini_fat is not None
        pieces: list[bytes] = []
        number, table, stream = start, self._mini_fat, self._mini_stream
        for _ in range(min(len(table), -(-wanted // _MINI_SECTOR))):
            if number >= len(table):
                break
            pieces.append(stream[number * _MINI_SECTOR : (number + 1) * _MINI_SECTOR])
            number = table[number]
        return b"".join(pieces)[:wanted]

    def _read_mini_fat(self) -> None:
        self._mini_fat = _little_endian(self._chain(self._mini_fat_start, None))
        self._mini_stream = self._chain(self._table[0][11], self._table[0][12])

    def _walk(self) -> Iterator[Entry]:
        """The directory tree, then what hangs on no tree; each entry once. Order and colour are not relied on."""
        if self._table[0][2] != ROOT:
            self._damage("its directory does not begin with a root")
        seen = {0}
        yield from self._tree(self._table[0][6], (), seen)
        for number, raw in enumerate(self._table):
            if raw[2] != _UNUSED and number not in seen:
                self._damage("its directory does not lead to all of its entries")
                yield from self._tree(number, LOST, seen)

    def _tree(self, start: int, storage: tuple[str, ...], seen: set[int]) -> Iterator[Entry]:
        waiting: list[tuple[int, tuple[str, ...]]] = [(start, storage)]
        large = self.size_of_sector > 512
        while waiting:
            number, parent = waiting.pop()
            if number == _NO_STREAM or number in seen:
                continue
            if number >= len(self._table):
                self._damage("its directory points outside itself")
                continue
            seen.add(number)
            raw, length, kind, _, left, right, child, clsid, _, _, _, start, size = self._table[number]
            if len(parent) == _MAX_DEPTH:
                self._damage("its storages are nested deeper than any application's")
                parent = LOST
            path = (*parent, _name(raw, length))
            waiting += [(right, parent), (left, parent)]
            if kind == STORAGE:
                waiting.append((child, path))
            elif kind != STREAM:
                self._damage("its directory has an entry of no known kind")
            # MS-CFB 2.6.3: the upper half of the size means nothing in files with 512-byte sectors
            kind = STORAGE if kind == STORAGE else STREAM
            yield Entry(path, kind, start, size if large else size & 0xFFFFFFFF, clsid, number)

    def _damage(self, why: str) -> None:
        self.damaged = self.damaged or why


def _all_end(starts: list[int], table: array[int]) -> bool:
    """Whether the chains from all ``starts`` end, and share nothing."""
    seen = bytearray(len(table))
    for start in starts:
        number = start
        while number < len(table):
            if seen[number]:
                return False
            seen[number] = 1
            number = table[number]
    return True


def _name(raw: bytes, length: int) -> str:
    text = raw[: min(max(length - 2, 0), 62) & ~1] if length else raw
    return text.decode("utf-16-le", "replace").split("\0")[0]


def _little_endian(raw: bytes) -> array[int]:
    table = array("I")
    table.frombytes(raw[: len(raw) // 4 * 4])
    if sys.byteorder == "big":
        table.byteswap()
    return table
