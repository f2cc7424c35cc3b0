"""A compound file changed in place: streams are taken out or rewritten, and all else stays where it is (MS-CFB).

Contract: ``EditedFile`` opens a file only if every reader would find the same streams in it: its chains end, share
nothing, and no two entries of a storage have one name. ``finished`` gives a file of the same length. What was taken out
is gone from the directory, free in the tables, and zeros on the disk; so is whatever no stream and no table owned
before, where an earlier save may have left the source of a macro. Each stream that stays is the same bytes at the same
place. Raises ``CannotDisarm`` and nothing else; work is linear in the size of the file.
"""

from __future__ import annotations

import re
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator

from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.documents.compound import LOST, STORAGE, STREAM, CompoundFile, Entry
from gateway.scan.look import Corrupt

_FREE, _END = 0xFFFFFFFF, 0xFFFFFFFE
_NO_STREAM = 0xFFFFFFFF
_MINI_SECTOR, _CUTOFF = 64, 4096
_ENTRY_SIZE = 128
_COLOUR, _LINKS, _CHILD, _CLASS, _START, _SIZE = 67, 68, 76, 80, 116, 120
"""Where these are in a directory entry (2.6.1); left and right sibling are the two links."""
_RED, _BLACK = 0, 1
_UNUSED_ENTRY = bytes(_LINKS) + struct.pack("<III", _NO_STREAM, _NO_STREAM, _NO_STREAM) + bytes(48)
_NOT_OWNED = re.compile(rb"\0+")


class EditedFile(CompoundFile):
    """A compound file of which parts are taken out. ``entries`` stay those it was opened with."""

    def __init__(self, content: bytes) -> None:
        try:
            super().__init__(content)
        except Corrupt as error:
            raise CannotDisarm(f"The document {error}") from error
        if not self.is_finite():
            raise CannotDisarm("The document is a compound file whose parts lie over one another")
        self._new = bytearray(content)
        self._gone: set[int] = set()
        self._shrunk: dict[int, int] = {}
        self._directory = self._numbers(self._directory_start, self._fat)
        self._mini_home = self._numbers(self._table[0][11], self._fat) if self._table[0][12] else []
        self._small = self._usable_mini_fat()
        self._in_storage: dict[tuple[str, ...], list[Entry]] = {}
        for entry in self.entries:
            self._in_storage.setdefault(entry.parent, []).append(entry)
        for entry in self.entries:
            if entry.path[0] == LOST[0]:
                self._gone.add(entry.number)  # no application reads what its directory does not lead to
        self._check()
        self.changed = bool(self._gone)
        """Whether ``finished`` differs from what was opened."""

    def _check(self) -> None:
        if len(self._directory) * self.size_of_sector < len(self._table) * _ENTRY_SIZE:
            raise CannotDisarm("The document is damaged: its directory breaks off")
        seen: set[tuple[str, ...]] = set()
        for entry in self.entries:
            path = tuple(name.casefold() for name in entry.path)
            if path in seen and entry.number not in self._gone:
                raise CannotDisarm("The document holds two parts of one name, and programs differ in which they read")
            seen.add(path)
            if entry.kind == STREAM and len(self._places(entry)) * self._unit(entry) < entry.size:
                raise CannotDisarm("The document is damaged: one of its parts breaks off")

    def read(self, entry: Entry, limit: int | None = None) -> bytes:
        """The stream as it was when the file was opened."""
        return super().read(entry, limit)

    def inside(self, storage: tuple[str, ...]) -> list[Entry]:
        """What lay directly in a storage when the file was opened."""
        return self._in_storage.get(storage, [])

    def is_gone(self, entry: Entry) -> bool:
        """Whether the entry was taken out."""
        return entry.number in self._gone

    def remove(self, entry: Entry) -> None:
        """Take a stream out, or a storage with everything in it."""
        waiting = [entry]
        while waiting:
            other = waiting.pop()
            if other.number not in self._gone:
                self._gone.add(other.number)
                waiting += self._in_storage.get(other.path, []) if other.kind == STORAGE else []
        self.changed = True

    def write(self, entry: Entry, content: bytes | bytearray) -> None:
        """Put ``content`` in the place of a stream; it is as long or shorter. A large stream stays a large one, so what
        is short for that gets zeros at its end."""
        if entry.size >= _CUTOFF and len(content) < entry.size:
            content = bytes(content).ljust(_CUTOFF, b"\0")
        if len(content) > entry.size:
            raise CannotDisarm("A part of the document would have to grow")
        view, position = memoryview(content), 0
        for start, length in self._spans(entry):
            piece = view[position : position + length]
            self._new[start : start + len(piece)] = piece
            position += length
        self._shrunk[entry.number] = len(content)
        self.changed = True

    def clear_class(self, entry: Entry) -> None:
        """Make a storage one of no class, so that no program is loaded for it."""
        self._put(entry.number, _CLASS, bytes(16))
        self.changed = True

    def finished(self) -> bytes:
        """The changed file."""
        stays = [entry for entry in self.entries if entry.number not in self._gone]
        self._link(stays)
        for entry in self.entries:
            if entry.number in self._gone:
                self._put(entry.number, 0, _UNUSED_ENTRY)
            elif entry.number in self._shrunk:
                self._put(entry.number, _SIZE, struct.pack("<I", self._shrunk[entry.number]))
        self._wipe([entry for entry in stays if entry.kind == STREAM])
        return bytes(self._new)

    # --- where things are ---------------------------------------------------------------------------------------------

    def _numbers(self, start: int, table: array[int]) -> list[int]:
        """The numbers of a chain, which is known to end."""
        found: list[int] = []
        most = min(len(table), self._sectors) if table is self._fat else len(table)
        number = start
        while number < most:
            found.append(number)
            number = table[number]
        return found

    def _unit(self, entry: Entry) -> int:
        return self.size_of_sector if entry.size >= _CUTOFF else _MINI_SECTOR

    def _size(self, entry: Entry) -> int:
        return self._shrunk.get(entry.number, entry.size)

    def _places(self, entry: Entry, size: int | None = None) -> list[int]:
        """Numbers of the sectors, or mini sectors, that hold the stream."""
        size = entry.size if size is None else size
        table = self._fat if entry.size >= _CUTOFF else self._small
        return self._numbers(entry.start, table)[: -(-size // self._unit(entry))] if size else []

    def _usable_mini_fat(self) -> array[int]:
        """As much of the table of mini sectors as there are such sectors."""
        if self._mini_fat is None:
            self._read_mini_fat()
        assert self._mini_fat is not None
        return self._mini_fat[: len(self._mini_home) * self.size_of_sector // _MINI_SECTOR]

    def _spans(self, entry: Entry) -> Iterator[tuple[int, int]]:
        """Start and length of each run of the stream in the file."""
        unit, begin, end = self._unit(entry), -1, -1
        for number in self._places(entry):
            at = self._at(number) if unit == self.size_of_sector else self._mini_at(number)
            if at != end:
                if begin >= 0:
                    yield begin, end - begin
                begin = at
            end = at + unit
        if begin >= 0:
            yield begin, end - begin

    def _at(self, sector: int) -> int:
        return (sector + 1) * self.size_of_sector

    def _mini_at(self, number: int) -> int:
        home, offset = divmod(number * _MINI_SECTOR, self.size_of_sector)
        return self._at(self._mini_home[home]) + offset

    # --- the directory ------------------------------------------------------------------------------------------------

    def _put(self, number: int, field: int, raw: bytes) -> None:
        """Write into a directory entry."""
        sector, offset = divmod(number * _ENTRY_SIZE, self.size_of_sector)
        at = self._at(self._directory[sector]) + offset + field
        self._new[at : at + len(raw)] = raw

    def _link(self, stays: list[Entry]) -> None:
        """Make new trees of what is left in the storages that lost something (2.6.4)."""
        inside: dict[tuple[str, ...], list[Entry]] = {}
        for entry in stays:
            inside.setdefault(entry.parent, []).append(entry)
        number_of = {(): 0} | {entry.path: entry.number for entry in stays if entry.kind == STORAGE}
        lost = {entry.parent for entry in self.entries if entry.number in self._gone}
        for storage in lost & number_of.keys():
            children = sorted(inside.get(storage, []), key=lambda entry: _order(entry.name))
            root = self._tree_of(children)
            self._put(number_of[storage], _CHILD, struct.pack("<I", root))

    def _tree_of(self, children: list[Entry]) -> int:
        """Balanced: every level is full but the last one, whose nodes are red. The number of its root."""
        full = (len(children) + 1).bit_length() - 1
        waiting = [(0, len(children), 0)]
        while waiting:
            first, end, level = waiting.pop()
            if first >= end:
                continue
            middle = (first + end) // 2
            halves = (first, middle), (middle + 1, end)
            links = [children[(a + b) // 2].number if a < b else _NO_STREAM for a, b in halves]
            self._put(children[middle].number, _LINKS, struct.pack("<II", *links))
            self._put(children[middle].number, _COLOUR, bytes([_RED if level == full else _BLACK]))
            waiting += [(a, b, level + 1) for a, b in halves]
        return children[len(children) // 2].number if children else _NO_STREAM

    # --- what is not owned --------------------------------------------------------------------------------------------

    def _wipe(self, streams: list[Entry]) -> None:
        """Zeros into every sector that nothing owns, and behind the end of what does not fill its last one."""
        owned, owned_small = bytearray(self._sectors), bytearray(len(self._small))
        tables = (self._fat_sectors, self._difat_sectors, self._directory, self._mini_home)
        mini_fat = self._numbers(self._mini_fat_start, self._fat) if self._mini_fat_count else []
        for numbers in (*tables, mini_fat):
            _own(owned, numbers)
        fat = array("I", self._fat)
        mini = array("I", self._mini_fat or ())
        for entry in streams:
            large = entry.size >= _CUTOFF
            places = self._places(entry, self._size(entry))
            _own(owned if large else owned_small, places)
            if places:
                (fat if large else mini)[places[-1]] = _END
                self._clear_slack(entry, places[-1])
        _free(fat, owned)
        _free(mini, owned_small)
        self._put_table(fat, self._fat_sectors)
        self._put_table(mini, mini_fat)
        for match in _NOT_OWNED.finditer(owned_small):
            for number in range(*match.span()):
                self._zero(self._mini_at(number), _MINI_SECTOR)
        for match in _NOT_OWNED.finditer(owned):
            self._zero(self._at(match.start()), (match.end() - match.start()) * self.size_of_sector)

    def _clear_slack(self, entry: Entry, last: int) -> None:
        unit = self._unit(entry)
        used = self._size(entry) % unit
        if used:
            at = self._at(last) if unit == self.size_of_sector else self._mini_at(last)
            self._zero(at + used, unit - used)

    def _zero(self, at: int, length: int) -> None:
        end = min(at + length, len(self._new))
        if at < end:
            self._new[at:end] = bytes(end - at)

    def _put_table(self, table: array[int], sectors: list[int]) -> None:
        if sys.byteorder == "big":
            table.byteswap()
        raw, size = table.tobytes(), self.size_of_sector
        for index, sector in enumerate(sectors):
            piece = raw[index * size : (index + 1) * size]
            at = self._at(sector)
            self._new[at : at + len(piece)] = piece


def _own(owned: bytearray, numbers: Iterable[int]) -> None:
    for number in numbers:
        if number < len(owned):
            owned[number] = 1


def _free(table: array[int], owned: bytearray) -> None:
    for match in _NOT_OWNED.finditer(owned):
        for number in range(match.start(), min(match.end(), len(table))):
            table[number] = _FREE


def _order(name: str) -> tuple[int, list[int]]:
    """Shorter names first, then by the code units of the capitals (2.6.4)."""
    raw = "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in name).encode(
        "utf-16-le", "surrogatepass"
    )
    return len(raw), list(struct.unpack(f"<{len(raw) // 2}H", raw))
