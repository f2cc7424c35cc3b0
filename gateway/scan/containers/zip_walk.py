"""Every way to understand a zip file: what its directories list, and what its local headers tell.

Contract: programs differ in which of the two sides they believe, in which archive they see when several are joined,
in which of two entries of one name they open, and in which of two contradicting values they take; ``Walk.readings``
has all of it, and each disagreement is told to ``doubt`` as a sentence. Nothing is decompressed here, and no declared
size is trusted. Never raises but ``OverLimit`` for the clock; ``over`` says that there was more than may be read.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from gateway.scan.budget import Budget, OverLimit
from gateway.scan.containers import zip_content, zip_records
from gateway.scan.containers.zip_content import Doubt
from gateway.scan.containers.zip_records import Directory, Entry

MAX_ARCHIVES = 64
"""End records looked at in one file; a file with more is over the limit."""


class Reading(NamedTuple):
    """One way to understand one member: its header and where its packed bytes are."""

    entry: Entry
    start: int
    end: int


class Walk:
    """Collects the readings of one file and remembers which bytes they explain."""

    def __init__(self, data: bytes | memoryview, budget: Budget, doubt: Doubt) -> None:
        self.data = data if isinstance(data, bytes) else bytes(data)
        self.budget = budget
        self.doubt = doubt
        self.readings: list[Reading] = []
        self.over: OverLimit | None = None
        self._explained: list[tuple[int, int]] = []
        self._listed: dict[tuple[int, bytes], None] = {}
        self._count = 0
        self._compared = 0
        try:
            self._follow_directories()
            self._follow_strays()
            self._follow_local_headers()
        except OverLimit as limit:
            if limit.timed_out:
                raise
            self.over = limit
        self._compare()
        self.readings.sort(key=lambda reading: reading.start)

    def gaps(self) -> list[tuple[int, int]]:
        """The bytes that nothing explains, as start and end."""
        gaps, position = [], 0
        for start, end in sorted(self._explained):
            if start > position:
                gaps.append((position, start))
            position = max(position, end)
        if position < len(self.data):
            gaps.append((position, len(self.data)))
        return gaps

    def _follow_directories(self) -> None:
        """Every end record, from the last to the first; those inside the data of a member are that member's affair."""
        archives = 0
        position = len(self.data)
        gaps = self.gaps()
        while (position := self.data.rfind(zip_records.END, 0, position)) >= 0:
            self.budget.check_time()
            start, end = gaps[max(0, bisect_right(gaps, (position, len(self.data))) - 1)] if gaps else (0, 0)
            if not start <= position < end:
                position = end if end <= position else 0
                continue
            directories = zip_records.directories_at(self.data, position)
            archives += bool(directories)
            if archives > MAX_ARCHIVES:
                raise OverLimit(f"holds more than {MAX_ARCHIVES} zip directories")
            if len(directories) > 1:
                self.doubt("the end of the zip file points to several directories")
            for directory in directories:
                self._follow(directory)
            gaps = self.gaps() if directories else gaps
        if archives > 1:
            self.doubt("several zip archives are joined in one file")
        if archives == 0 and not self.data.startswith(zip_records.END):
            self.doubt("the zip directory is missing")

    def _follow(self, directory: Directory) -> None:
        comment = struct.unpack_from("<H", self.data, directory.end_record + 20)[0]
        after = len(self.data) - directory.end_record - zip_records.END_SIZE
        self._explained.append((directory.end_record, len(self.data) - after))
        number = self._list(directory)
        if number != directory.count and number & 0xFFFF != directory.count:
            self.doubt(f"the zip directory says {directory.count} members and lists {number}")
        if comment > after:
            self.doubt("the zip comment is longer than the file")

    def _list(self, directory: Directory) -> int:
        number = 0
        end = directory.start
        for entry in zip_records.central_entries(self.data, directory):
            number += 1
            end = entry.end
            self._spend()
            if (entry.at, entry.raw_name) not in self._listed:
                self._listed[entry.at, entry.raw_name] = None
                self._central(entry)
        self._explained.append((directory.start, end))
        return number

    def _follow_strays(self) -> None:
        """Directory records in the bytes that nothing explains: those whose end record is missing."""
        for start, end in self.gaps():
            position = start
            while (position := self.data.find(zip_records.CENTRAL, position, end)) >= 0:
                self.budget.check_time()
                stray = Directory(position, end, end, 0, 0)
                entries = zip_records.central_entries(self.data, stray)
                first = next(entries, None)
                if first is None or zip_records.local_entry(self.data, first.at) is None:
                    position += 1
                    continue
                self._list(stray)
                position = self._explained[-1][1]

    def _central(self, entry: Entry) -> None:
        local = zip_records.local_entry(self.data, entry.at)
        if local is None:
            self._without_local(entry)
            return
        if _agree(entry, local):
            self._add(entry, local.end)
            self._explained.append((entry.at, local.end))
        else:
            self._contradicted(entry, local)
        if entry.extra or local.extra:
            for other in (entry, local):
                self._other_values(other, local.end)
        if entry.sizes_follow:
            self._descriptor(entry, local.end + entry.packed)

    def _contradicted(self, entry: Entry, local: Entry) -> None:
        """Each side may be the one that a program believes."""
        for sentence in _differences(entry, local):
            self.doubt(sentence)
        # Marked on either side is marked; whether the data are encrypted they tell themselves.
        marked = entry if entry.encrypted or not local.encrypted else entry._replace(flags=entry.flags | 1)
        self._add(marked, local.end)
        self._explained.append((entry.at, local.end))
        if local.name != entry.name or local.method != entry.method:
            self._add(local._replace(packed=entry.packed, size=entry.size, crc=entry.crc), local.end)
        if not local.sizes_follow and local.packed != entry.packed:
            self._add(local, local.end)

    def _without_local(self, entry: Entry) -> None:
        """The directory lists a member whose local header is damaged; some programs read its data all the same."""
        self.doubt(f"the zip directory lists {entry.name!r}, which is not there")
        local = zip_records.local_entry(self.data, entry.at, signed=False)
        if local is not None and local.raw_name == entry.raw_name:
            self._add(entry, local.end)
        elif 0 <= entry.at < len(self.data):
            self._add(entry, min(entry.at + 30 + len(entry.raw_name), len(self.data)))

    def _other_values(self, entry: Entry, start: int) -> None:
        """A second name or size in the extra fields."""
        if entry.other_name and entry.raw_name.isascii():
            self._add(entry._replace(raw_name=entry.other_name, extra=b""), start)
            if _extension(entry.other_name) != _extension(entry.raw_name):
                self.doubt(f"{entry.name!r} has another name in its Unicode field")
        if entry.other_sizes is not None:
            self.doubt(f"{entry.name!r} has two different sizes")
            size, packed = entry.other_sizes
            self._add(entry._replace(size=size, packed=packed), start)

    def _descriptor(self, entry: Entry, at: int) -> None:
        """The sizes behind the data (§4.3.9), with or without a signature, of 32 or 64 bits."""
        found = self.data[at : at + 24]
        self._explained.append((at, min(at + 16, len(self.data))) if found[:4] == b"PK\x07\x08" else (at, at))
        found = found.removeprefix(b"PK\x07\x08")
        right = (entry.crc, entry.packed, entry.size)
        forms = [struct.pack("<I2Q", *right)]
        if max(right) < 1 << 32:
            forms.append(struct.pack("<3I", *right))
        if not found.startswith(tuple(forms)):
            self.doubt(f"{entry.name!r} has other sizes behind its data than in the directory")

    def _add(self, entry: Entry, start: int) -> None:
        end = start + entry.packed
        if end > len(self.data):
            end = len(self.data)
            self.doubt(f"{entry.name!r} is longer than the file")
        self.readings.append(Reading(entry, start, end))
        self._explained.append((start, end))

    def _follow_local_headers(self) -> None:
        """Local headers in the bytes that no directory explains."""
        missing = False
        for start, end in self.gaps():
            position = start
            while (position := self.data.find(zip_records.LOCAL, position, end)) >= 0:
                self.budget.check_time()
                local = zip_records.local_entry(self.data, position)
                if local is None or not _plausible(local):
                    position += 1
                    continue
                missing = True
                self._spend()
                self._explained.append((position, local.end))
                self._add(local._replace(packed=self._packed_size(local, end)), local.end)
                # Where the size stands behind the data, the next header has to be looked for in them.
                position = local.end if local.sizes_follow else min(local.end + local.packed, end)
        if missing:
            self.doubt("members that the zip directory does not list")

    def _packed_size(self, local: Entry, end: int) -> int:
        """A deflate stream knows its own end; other data without a size go up to the next record."""
        if local.packed or not local.sizes_follow:
            return local.packed
        following = self.data.find(b"PK", local.end, end) if local.method != zip_content.DEFLATED else -1
        return max(0, (following if following >= 0 else end) - local.end)

    def _compare(self) -> None:
        """What only shows when all members are known: one name twice, one byte in two members."""
        seen: dict[bytes, Reading] = {}
        before: Reading | None = None
        overlap = False
        for reading in sorted(self.readings, key=lambda reading: (reading.start, reading.end)):
            name = reading.entry.raw_name.replace(b"\\", b"/")
            if not self._same(seen.setdefault(name, reading), reading):
                self.doubt(f"two members are called {reading.entry.name!r}")
            if b"\x00" in name:
                self.doubt(f"{reading.entry.name!r} has a NUL in its name, where some programs end it")
            overlap = overlap or (before is not None and before.start < reading.start < before.end)
            before = reading if before is None or reading.end > before.end else before
        if overlap:
            self.doubt("members overlap each other")

    def _same(self, one: Reading, other: Reading) -> bool:
        """Two members with the same bytes: whichever a program opens, it sees the same."""
        if one.start == other.start:
            return True
        if one.entry.method != other.entry.method or one.entry.flags & 1 != other.entry.flags & 1:
            return False
        size = one.end - one.start
        self._compared += size
        if size != other.end - other.start or self._compared > len(self.data):
            return False  # members that do not overlap are together no longer than the file
        return self.data[one.start : one.end] == self.data[other.start : other.end]

    def _spend(self) -> None:
        self._count += 1
        if self._count > self.budget.limits.max_files:
            raise OverLimit(f"holds more than {self.budget.limits.max_files} files")
        if self._count % 256 == 0:
            self.budget.check_time()


def _extension(name: bytes) -> bytes:
    return name.rpartition(b".")[2].lower()


def _plausible(local: Entry) -> bool:
    """Four bytes may stand anywhere by chance; a header with a known method and a name does not."""
    return local.method <= 20 or local.method in zip_content.METHOD_NAMES


def _agree(central: Entry, local: Entry) -> bool:
    """Whether both sides say the same of a member."""
    return (
        central.raw_name == local.raw_name
        and central.method == local.method
        and not (central.flags ^ local.flags) & 1
        and (local.sizes_follow or (local.packed, local.size) == (central.packed, central.size))
    )


def _differences(central: Entry, local: Entry) -> Iterator[str]:
    name = central.name
    if central.raw_name.replace(b"\\", b"/") != local.raw_name.replace(b"\\", b"/"):
        yield f"{name!r} is called {local.name!r} in its own header"
    if central.method != local.method:
        yield f"{name!r} is compressed by method {central.method} or {local.method}"
    if central.encrypted != local.encrypted:
        yield f"{name!r} is encrypted on one side only"
    if local.sizes_follow or (local.packed, local.size) == (central.packed, central.size):
        return
    yield f"{name!r} has two different sizes"
