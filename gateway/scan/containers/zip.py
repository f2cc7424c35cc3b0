"""Zip files, read from both sides: every member that either the central directory or a local header tells of.

Contract: programs differ in which of the two they believe, in which archive they see when several are joined, and in
which of two entries of one name they open; so all of them are read, and each disagreement is told to ``doubt`` as a
sentence. A member is decompressed only when ``read`` is called. ``read`` raises ``OverLimit`` and ``Corrupt``; the
walk raises ``OverLimit`` only. Nothing here trusts a declared size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from gateway.message import FileType, Kind
from gateway.scan.budget import Budget, OverLimit
from gateway.scan.containers import zip_content, zip_records
from gateway.scan.containers.zip_content import Doubt
from gateway.scan.containers.zip_records import Directory, Entry
from gateway.scan.look import Blob, Corrupt, Look

MAX_ARCHIVES = 64
"""End records looked at in one file; a file with more is over the limit."""


def _never(_password: str) -> None:
    """What is not encrypted needs no password."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member, in one reading. ``size`` is what the archive claims; ``read`` is the only truth about it."""

    name: str
    method: int
    size: int
    encrypted: bool
    read: Callable[[], bytes]
    begins_with: Callable[[tuple[bytes, ...]], bool]
    """Whether the content may begin with one of these few bytes; costs microseconds and pays nothing."""
    unlock: Callable[[str], bytes | None] = _never
    """The content of an encrypted member if this is its password."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to understand one member: its header and where its packed bytes are."""

    entry: Entry
    start: int
    end: int


TYPES = frozenset({FileType.ZIP, FileType.ODF})

_NOTES = (".txt", ".htm", ".html", ".eml", ".msg", ".md", ".rtf", ".doc", ".docx")


def members(data: bytes | memoryview, budget: Budget, doubt: Doubt | None = None) -> Iterator[Member]:
    """Every member in every reading, in the order of the file. Raises ``OverLimit`` for too many of them."""
    tell = doubt or _unheard
    for reading in _readings(data, budget, tell):
        yield _member(data, reading, budget, tell)


def unpack(blob: Blob, look: Look) -> None:
    """Hand every member on. Encrypted members and disagreements between the two sides are findings."""

    def doubt(sentence: str) -> None:
        look.find(Kind.ARCHIVE_AMBIGUOUS, blob.where, sentence, reference="APPNOTE 6.3.10 §4.3")

    locked: list[str] = []
    found = False
    for member in opened(members(blob.data, look.budget, doubt), blob, look):
        found = True
        if member.encrypted:
            locked.append(member.name)
            continue
        try:
            content = member.read()
        except Corrupt as error:
            look.find(Kind.CORRUPT, f"{blob.where}/{member.name}", str(error))
            continue
        if content or not member.name.endswith("/"):
            look.descend(blob, content, member.name)
    if locked:
        names = ", ".join(locked[:20])
        sentence = f"{len(locked)} encrypted members, and no password is known: {names}"
        look.find(Kind.ENCRYPTED, blob.where, sentence)
    if not found and bytes(blob.data[:4]) != zip_records.END:
        raise Corrupt("looks like a zip file but no member can be read")


def opened(found: Iterable[Member], blob: Blob, look: Look) -> Iterator[Member]:
    """``found`` with every encrypted member opened that a password opens: these come last, notes first, because the
    password may stand in a note beside them. Which password it was is told by its source only."""
    locked: list[Member] = []
    for member in sorted(found, key=lambda member: not member.name.lower().endswith(_NOTES)):
        if member.encrypted:
            locked.append(member)
        else:
            yield member
    told: set[str] = set()
    for member in locked:
        unlocked = look.passwords.try_on(f"{blob.where}/{member.name}", look.budget, member.unlock)
        if unlocked is None:
            yield member
            continue
        content, source = unlocked
        if source not in told:
            told.add(source)
            look.find(Kind.DECRYPTED, blob.where, f"is encrypted; {source} opens it, and it was looked into")
        yield replace(member, encrypted=False, read=partial(_same, content), begins_with=content.startswith)


def _same(content: bytes) -> bytes:
    return content


def names(data: bytes | memoryview, budget: Budget) -> tuple[Member, ...]:
    """The members of the directory that most programs read, without cross-checks: cheap, and only good for sniffing."""
    end_record = _last_end(data)
    directory = zip_records.directory_at(data, end_record) if end_record >= 0 else None
    if directory is None or directory.start == directory.end:
        return tuple(members(data, budget))
    found = []
    for number, entry in enumerate(zip_records.central_entries(data, directory)):
        if number >= budget.limits.max_files:
            break
        local = zip_records.local_entry(data, entry.at)
        start = local.end if local else entry.at
        found.append(_member(data, _Reading(entry, start, start + entry.packed), budget, _unheard))
    return tuple(found)


def _unheard(_sentence: str) -> None:
    """The doubt of a walk that only looks."""


def _readings(data: bytes | memoryview, budget: Budget, doubt: Doubt) -> Iterator[_Reading]:
    walk = _Walk(data, budget, doubt)
    walk.follow_directories()
    walk.follow_local_headers()
    walk.compare()
    return iter(sorted(walk.readings, key=lambda reading: reading.start))


class _Walk:
    """Collects the readings of one file and remembers which bytes they explain."""

    def __init__(self, data: bytes | memoryview, budget: Budget, doubt: Doubt) -> None:
        self.data = data if isinstance(data, bytes) else bytes(data)
        self.budget = budget
        self.doubt = doubt
        self.readings: list[_Reading] = []
        self.explained: list[tuple[int, int]] = []
        self._count = 0

    def follow_directories(self) -> None:
        """Every end record, from the last to the first; those inside the data of a member are that member's affair."""
        archives = 0
        position = len(self.data)
        while (position := self.data.rfind(zip_records.END, 0, position)) >= 0:
            self.budget.check_time()
            covering = [start for start, end in self.explained if start <= position < end]
            if covering:
                position = min(covering)
                continue
            directory = zip_records.directory_at(self.data, position)
            if directory is None or directory.start == directory.end:
                continue
            archives += 1
            if archives > MAX_ARCHIVES:
                raise OverLimit(f"holds more than {MAX_ARCHIVES} zip directories")
            self._follow(directory)
        if archives > 1:
            self.doubt("several zip archives are joined in one file")
        if archives == 0 and not self.data.startswith(zip_records.END):
            self.doubt("the zip directory is missing")

    def _follow(self, directory: Directory) -> None:
        comment = struct.unpack_from("<H", self.data, directory.end_record + 20)[0]
        self.explained.append((directory.start, min(directory.end_record + zip_records.END_SIZE, len(self.data))))
        number = 0
        for entry in zip_records.central_entries(self.data, directory):
            number += 1
            self._spend()
            self._central(entry)
        if number != directory.count and number & 0xFFFF != directory.count:
            self.doubt(f"the zip directory says {directory.count} members and lists {number}")
        after = len(self.data) - directory.end_record - zip_records.END_SIZE
        if comment > after:
            self.doubt("the zip comment is longer than the file")

    def _central(self, entry: Entry) -> None:
        local = zip_records.local_entry(self.data, entry.at)
        if local is None:
            self.doubt(f"the zip directory lists {entry.name!r}, which is not there")
            return
        for sentence in _differences(entry, local):
            self.doubt(sentence)
        # Marked on either side is marked; whether the data are encrypted they tell themselves.
        self._add(replace(entry, flags=entry.flags | local.flags & 1), local.end)
        self.explained.append((entry.at, local.end))
        if local.name != entry.name or local.method != entry.method:
            self._add(replace(local, packed=entry.packed, size=entry.size, crc=entry.crc), local.end)

    def _add(self, entry: Entry, start: int) -> None:
        end = min(start + entry.packed, len(self.data))
        if start + entry.packed > len(self.data):
            self.doubt(f"{entry.name!r} is longer than the file")
        self.readings.append(_Reading(entry, start, end))
        self.explained.append((start, end))

    def follow_local_headers(self) -> None:
        """Local headers in the bytes that no directory explains."""
        missing = False
        for start, end in self._gaps():
            position = start
            while (position := self.data.find(zip_records.LOCAL, position, end)) >= 0:
                self.budget.check_time()
                local = zip_records.local_entry(self.data, position)
                if local is None or not _plausible(local):
                    position += 1
                    continue
                missing = True
                self._spend()
                self._add(replace(local, packed=self._packed_size(local, end)), local.end)
                # Where the size stands behind the data, the next header has to be looked for in them.
                position = local.end if local.sizes_follow else min(local.end + local.packed, end)
        if missing:
            self.doubt("members that the zip directory does not list")

    def _packed_size(self, local: Entry, end: int) -> int:
        """A deflate stream knows its own end; other data without a size go up to the next record."""
        if local.packed or not local.sizes_follow:
            return local.packed
        following = self.data.find(b"PK", local.end, end) if local.method != zip_content.DEFLATED else -1
        return (following if following >= 0 else end) - local.end

    def _gaps(self) -> list[tuple[int, int]]:
        gaps, position = [], 0
        for start, end in sorted(self.explained):
            if start > position:
                gaps.append((position, start))
            position = max(position, end)
        gaps.append((position, len(self.data)))
        return gaps

    def compare(self) -> None:
        """What only shows when all members are known: one name twice, one byte in two members."""
        seen: dict[bytes, int] = {}
        before: _Reading | None = None
        overlap = False
        for reading in sorted(self.readings, key=lambda reading: (reading.start, reading.end)):
            name = reading.entry.raw_name.replace(b"\\", b"/")
            if seen.setdefault(name, reading.start) != reading.start:
                self.doubt(f"two members are called {reading.entry.name!r}")
            overlap = overlap or (before is not None and before.start < reading.start < before.end)
            before = reading if before is None or reading.end > before.end else before
        if overlap:
            self.doubt("members overlap each other")

    def _spend(self) -> None:
        self._count += 1
        if self._count > self.budget.limits.max_files:
            raise OverLimit(f"holds more than {self.budget.limits.max_files} files")
        if self._count % 256 == 0:
            self.budget.check_time()


def _last_end(data: bytes | memoryview) -> int:
    tail = bytes(data[-(1 << 17) :])
    found = tail.rfind(zip_records.END)
    return len(data) - len(tail) + found if found >= 0 else -1


def _plausible(local: Entry) -> bool:
    """Four bytes may stand anywhere by chance; a header with a known method and a name does not."""
    return local.method <= 20 or local.method in zip_content.METHOD_NAMES


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


def _member(data: bytes | memoryview, reading: _Reading, budget: Budget, doubt: Doubt) -> Member:
    entry = reading.entry

    def read() -> bytes:
        return zip_content.content(data[reading.start : reading.end], entry, budget, doubt)

    def begins_with(magics: tuple[bytes, ...]) -> bool:
        return encrypted or zip_content.begins_with(data[reading.start : reading.end], entry, magics)

    def unlock(password: str) -> bytes | None:
        return zip_content.unlocked(data[reading.start : reading.end], entry, budget, password)

    encrypted = entry.encrypted and not zip_content.is_plain(data[reading.start : reading.end], entry, doubt)
    return Member(entry.name, entry.method, entry.size, encrypted, read, begins_with, unlock)
