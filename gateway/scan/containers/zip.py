"""Zip files, read from both sides: every member that either the central directory or a local header tells of.

Contract: what the members are is the affair of ``zip_walk``, what is in one that of ``zip_content``. A member is
decompressed only when ``read`` is called, which raises ``OverLimit`` and ``Corrupt``; ``members`` and ``unpack`` raise
``OverLimit`` only, ``unpack`` also ``Corrupt`` for a file without any member.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.scan.budget import Budget, OverLimit
from gateway.scan.containers import leftovers, zip_content, zip_records
from gateway.scan.containers.zip_content import Doubt
from gateway.scan.containers.zip_records import Entry
from gateway.scan.containers.zip_walk import Reading, Walk
from gateway.scan.look import Blob, Corrupt, Look

TYPES = frozenset({FileType.ZIP, FileType.ODF})

NOTES = (b".txt", b".htm", b".html", b".eml", b".msg", b".md", b".rtf", b".doc", b".docx")

_HARMLESS = frozenset({FileType.TEXT, FileType.IMAGE, FileType.EMPTY})
"""What may be in a zip file that programs disagree about without anybody being harmed."""
_STRANGERS = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"{\\rt")
"""What is worth finding between the members of a zip file; other programs open the file there."""


_GAP = 64
"""Fewer bytes between two members hold no document; data descriptors are shorter."""
_BETWEEN = "between the members"


@dataclass(frozen=True, slots=True)
class Member:
    """One member, in one reading. ``entry`` is what the archive claims; ``read`` is the only truth about it."""

    entry: Entry
    packed: memoryview
    budget: Budget
    doubt: Doubt
    encrypted: bool
    unlocked: bytes | None = None
    """The content of an encrypted member whose password is known."""

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def method(self) -> int:
        return self.entry.method

    @property
    def size(self) -> int:
        return self.entry.size

    def read(self) -> bytes:
        """The content. Raises ``OverLimit`` and ``Corrupt``."""
        return self.read_all()[0]

    def read_all(self) -> tuple[bytes, int]:
        """The content, and the number of packed bytes behind it. Raises ``OverLimit`` and ``Corrupt``."""
        if self.unlocked is not None:
            return self.unlocked, 0
        return zip_content.content(self.packed, self.entry, self.budget, self.doubt)

    def unlock(self, password: str) -> bytes | None:
        """The content of an encrypted member if this is its password. Raises ``OverLimit``."""
        return zip_content.unlocked(self.packed, self.entry, self.budget, password)

    def begins_with(self, magics: tuple[bytes, ...]) -> bool:
        """Whether the content may begin with one of these few bytes; costs microseconds and pays nothing."""
        if self.unlocked is not None:
            return self.unlocked.startswith(magics)
        return self.encrypted or zip_content.begins_with(self.packed, self.entry, magics)


def members(data: bytes | memoryview, budget: Budget, doubt: Doubt | None = None) -> Iterator[Member]:
    """Every member in every reading, in the order of the file. Raises ``OverLimit``, after those it may read."""
    tell = doubt or _unheard
    walk = Walk(data, budget, tell)
    yield from _members_of(walk, budget, tell)
    if walk.over is not None:
        raise walk.over


def names(data: bytes | memoryview, budget: Budget) -> dict[str, Callable[[], bytes]]:
    """The names in the directory that most programs read, without cross-checks, and what reads each member: cheap, and
    only good for sniffing."""
    end_record = _last_end(data)
    directory = zip_records.directory_at(data, end_record) if end_record >= 0 else None
    if directory is None or directory.start == directory.end:
        return {member.name: member.read for member in members(data, budget)}
    entries = islice(zip_records.central_entries(data, directory), budget.limits.max_files)
    return {entry.name: partial(_read, data, entry, budget) for entry in entries}


def _read(data: bytes | memoryview, entry: Entry, budget: Budget) -> bytes:
    local = zip_records.local_entry(data, entry.at)
    start = local.end if local else entry.at
    return _member(memoryview(data), Reading(entry, start, start + entry.packed), budget, _unheard).read()


def unpack(blob: Blob, look: Look) -> None:
    """Hand every member on. Encrypted members and disagreements between the two sides are findings."""
    state = _Unpacking(blob, look)
    walk = Walk(blob.data, look.budget, state.doubts.append)
    try:
        for member in opened(_members_of(walk, look.budget, state.doubts.append), blob, look):
            state.take(member)
        if not walk.readings and bytes(blob.data[:4]) != zip_records.END:
            raise Corrupt("looks like a zip file but no member can be read")
        if walk.over is not None:
            raise walk.over
        state.take_strangers(walk)
    finally:
        state.report()


def opened(found: Iterable[Member], blob: Blob, look: Look) -> Iterator[Member]:
    """``found`` with every encrypted member opened that a password opens: these come last, notes first, because the
    password may stand in a note beside them. Which password it was is told by its source only."""
    locked: list[Member] = []
    for member in sorted(found, key=lambda member: not member.entry.raw_name.lower().endswith(NOTES)):
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
        yield replace(member, encrypted=False, unlocked=content)


@dataclass(slots=True)
class _Unpacking:
    """One zip file on its way to the members of the scan."""

    blob: Blob
    look: Look
    doubts: list[str] = field(default_factory=list)
    locked: list[Member] = field(default_factory=list)
    types: set[FileType] = field(default_factory=set)
    handed: dict[tuple[int, int, int], None] = field(default_factory=dict)

    def take(self, member: Member) -> None:
        """Hand ``member`` on, or keep it with those that are locked."""
        if member.encrypted:
            self.locked.append(member)
            return
        where = f"{self.blob.where}/{member.name}"
        left_out = self.look.budget.left_out
        try:
            content, rest = member.read_all()
        except (Corrupt, OverLimit) as trouble:
            self.types.add(FileType.BINARY)
            leftovers.tell_trouble(trouble, where, self.look)
            if trouble.before:
                self.look.descend(self.blob, trouble.before, member.name)
            return
        leftovers.tell_padding(where, self.look.budget.left_out - left_out, self.look)
        if content or not member.name.endswith("/"):
            self.types.add(self.look.descend(self.blob, content, member.name))
        if rest:
            packed = Blob(member.packed, where, depth=self.blob.depth)
            self.types.add(leftovers.hand_on(packed, len(member.packed) - rest, self.look))

    def take_strangers(self, walk: Walk) -> None:
        """What is in the bytes that belong to no member, the comment included. What begins the file is known by now."""
        for start, end in walk.gaps():
            if end - start < _GAP:
                continue
            found = [at for magic in _STRANGERS if (at := walk.data.find(magic, start, end)) > 0]
            if found:
                self.look.budget.spend_bytes(end - min(found))
                self.types.add(self.look.descend(self.blob, walk.data[min(found) : end], _BETWEEN))
            elif start:
                gap = Blob(walk.data[start:end], self.blob.where, depth=self.blob.depth)
                self.types.add(leftovers.hand_on(gap, 0, self.look, _BETWEEN))

    def report(self) -> None:
        """The findings about the archive itself."""
        verdict = Verdict.CLEAN if self.types <= _HARMLESS and not self.locked else None
        for sentence in dict.fromkeys(self.doubts):
            self.look.find(
                Kind.ARCHIVE_AMBIGUOUS, self.blob.where, sentence, reference="APPNOTE 6.3.10 §4.3", verdict=verdict
            )
        if self.locked:
            names = ", ".join(member.name for member in self.locked[:20])
            sentence = f"{len(self.locked)} encrypted members, and no password is known: {names}"
            self.look.find(Kind.ENCRYPTED, self.blob.where, sentence)


def _members_of(walk: Walk, budget: Budget, doubt: Doubt) -> Iterator[Member]:
    view = memoryview(walk.data)
    for reading in walk.readings:
        yield _member(view, reading, budget, doubt)


def _member(view: memoryview, reading: Reading, budget: Budget, doubt: Doubt) -> Member:
    entry, packed = reading.entry, view[reading.start : reading.end]
    encrypted = entry.encrypted and not zip_content.is_plain(packed, entry, doubt)
    return Member(entry, packed, budget, doubt, encrypted)


def _unheard(_sentence: str) -> None:
    """The doubt of a walk that only looks."""


def _last_end(data: bytes | memoryview) -> int:
    start = max(0, len(data) - (1 << 17))
    if isinstance(data, bytes):
        return data.rfind(zip_records.END, start)
    found = bytes(data[start:]).rfind(zip_records.END)
    return start + found if found >= 0 else -1
