"""The file of exceptions, which commands and pages write and the daemon reads.

Contract: ``add`` and ``remove`` return once the change is on disk, or raise ``ExceptionsError`` with the sentence for
the person who asked; two of them at the same time do not lose each other's. ``find`` lists. For pages and programs::

    entry = await service.add(Effect.ALLOW, Subject.MACRO, fingerprint, why="known template", who="ann (web)",
                              recipients=["bob@example.com"], expires=None)     # None: 30 days; a block: for good
    entries = await service.find(all=False)                                     # in force, the newest first
    entry = await service.remove(entry.id, who="ann (web)", why="the project is over")

``Effect`` is in ``gateway.closed_sets``; ``Subject``, ``Entry`` and what each may say in ``gateway.policy.entries``.
``gateway.exception_desk`` is the same with the question who may, for pages and API (``desk.exceptions``). The page
/exceptions/new (``gateway.web.excepted``) shows a form filled in from its query (``effect``, ``subject``, ``what``,
``recipient``), so a button on another page may be a plain link to it.

``current`` is what judges mail. A daemon calls ``refresh`` every second, which tells what has changed since, whoever
changed it. A file that cannot be used is told by ``trouble``: then nothing is allowed any more, and the blocks that
were known stay. The file is written whole and moved into its place, for its owner only; entries that ended are kept in
it for a year, so that a decision can be explained.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.closed_sets import Effect
from gateway.message import clip
from gateway.policy.entries import BadEntry, Entry, Subject, decode, encode, make, removed
from gateway.policy.exceptions import NO_EXCEPTIONS, Exceptions

FORMAT = 1
MOST = 10_000
"""Entries of one file. Each costs 2 us when the file is read."""
LARGEST = 64 << 20
"""Octets of the file."""
KEPT = timedelta(days=365)
"""How long an entry is kept that has ended."""


class ExceptionsError(Exception):
    """It cannot be done; the message is a sentence for the person who asked."""


class BadException(ExceptionsError):
    """Such an exception cannot be made."""


class NoSuchEntry(ExceptionsError):
    """There is no such entry, or it is not in force any more."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new since the file was looked at before."""

    added: tuple[Entry, ...] = ()
    removed: tuple[Entry, ...] = ()
    trouble: str = ""
    """Set when it has just become unusable."""
    mended: bool = False


class ExceptionList:
    """The file at ``path``; one that is not there has no entries. ``clock`` gives the time in UTC."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = path
        self.current = NO_EXCEPTIONS
        self.trouble = ""
        self._clock = clock
        self._stamp: tuple[int, int] | None = None

    # what pages and commands do

    async def find(self, *, all: bool = False) -> Sequence[Entry]:  # noqa: A002 - reads as what it means
        """What is in force, the newest first; ``all``: what has ended too. Raises ``ExceptionsError``."""
        entries = await asyncio.to_thread(self._read)
        now = self._clock()
        return sorted((e for e in entries if all or e.in_force(now)), key=lambda entry: entry.added, reverse=True)

    async def add(
        self,
        effect: Effect,
        subject: Subject,
        what: str,
        *,
        why: str,
        who: str,
        recipients: Iterable[str] = (),
        expires: datetime | None = None,
    ) -> Entry:
        """A new entry, in force within a second. Raises ``ExceptionsError``."""
        try:
            entry = make(
                effect,
                subject,
                what,
                id=secrets.token_hex(5),
                why=why,
                who=who,
                now=self._clock(),
                recipients=recipients,
                expires=expires,
            )
        except BadEntry as error:
            raise BadException(str(error)) from error
        await asyncio.to_thread(self._change, lambda known: [*known, entry])
        return entry

    async def remove(self, entry_id: str, *, who: str, why: str) -> Entry:
        """Take an entry back; the first digits of its id are enough. Raises ``ExceptionsError``."""
        ended: list[Entry] = []

        def change(known: list[Entry]) -> list[Entry]:
            entry = _one(known, entry_id, self._clock())
            try:
                ended.append(removed(entry, who, why, self._clock()))
            except BadEntry as error:
                raise BadException(str(error)) from error
            return [ended[0] if other is entry else other for other in known]

        await asyncio.to_thread(self._change, change)
        return ended[0]

    # what the daemon does

    async def refresh(self) -> Changes:
        """Look whether the file has changed, and judge by what it says now. Never raises."""
        return self._take(*await asyncio.to_thread(self._look))

    def _take(self, stamp: tuple[int, int] | None, entries: list[Entry] | None, trouble: str) -> Changes:
        if trouble:
            new = trouble != self.trouble
            if new:
                self.current = self.current.only_blocks()
            self.trouble, self._stamp = trouble, None
            return Changes(trouble=trouble if new else "")
        mended = bool(self.trouble)
        self.trouble, self._stamp = "", stamp
        if entries is None:
            return Changes()
        before = {entry.id: entry for entry in self.current.entries}
        self.current = Exceptions.of(entries)
        return Changes(
            added=tuple(entry for entry in entries if entry.id not in before and entry.removed is None),
            removed=tuple(
                entry
                for entry in entries
                if entry.removed is not None and entry.id in before and before[entry.id].removed is None
            ),
            mended=mended,
        )

    def _look(self) -> tuple[tuple[int, int] | None, list[Entry] | None, str]:
        """Stamp and entries, which are None if nothing has changed; or what is wrong."""
        try:
            facts = self.path.stat()
            stamp = facts.st_mtime_ns, facts.st_ino
            if stamp == self._stamp:
                return stamp, None, ""
            return stamp, self._read(), ""
        except FileNotFoundError:
            return None, [], ""
        except OSError as error:
            return None, None, f"{self.path} cannot be read: {error.strerror}"
        except ExceptionsError as error:
            return None, None, str(error)

    # the file

    def _read(self) -> list[Entry]:
        """Raises ``ExceptionsError``."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                    raise ExceptionsError(
                        f"{self.path} can be written by others than its owner, and whoever writes it decides what is "
                        f"let through; chmod 600 {self.path}"
                    )
                content = file.read(LARGEST + 1)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ExceptionsError(f"{self.path} cannot be read: {error.strerror}") from error
        return self._entries(content)

    def _entries(self, content: bytes) -> list[Entry]:
        try:
            if len(content) > LARGEST:
                raise BadEntry(f"it is larger than {LARGEST >> 20} MiB")
            fields = json.loads(content)
            if fields["format"] != FORMAT:
                raise BadEntry(f"it has format {fields['format']!r:.20}; this Macrogate reads format {FORMAT}")
            entries = [decode(item) for item in fields["entries"]]
            if len({entry.id for entry in entries}) != len(entries):
                raise BadEntry("two entries have the same id")
        except (ValueError, KeyError, TypeError, RecursionError) as error:  # BadEntry is a ValueError
            why = str(error) if isinstance(error, BadEntry) else "it is no such file"
            raise ExceptionsError(f"{self.path} is not a file of exceptions: {clip(why, 300)}") from error
        return entries

    def _change(self, change: Callable[[list[Entry]], list[Entry]]) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _alone(self.path.parent):
                self._write(self._room(change(self._read())))
        except OSError as error:
            raise ExceptionsError(f"{self.path} cannot be written: {error.strerror}") from error

    def _room(self, entries: list[Entry]) -> list[Entry]:
        """Without what ended long ago, and not more than there may be. Raises ``ExceptionsError``."""
        now = self._clock()
        kept = [entry for entry in entries if entry.in_force(now) or (entry.ended or now) > now - KEPT]
        over = len(kept) - MOST
        if over > 0:
            ended = sorted((e for e in kept if not e.in_force(now)), key=lambda entry: entry.ended or now)
            gone = {entry.id for entry in ended[:over]}
            kept = [entry for entry in kept if entry.id not in gone]
        if len(kept) > MOST:
            raise ExceptionsError(f"There are {MOST} exceptions already; remove some, or write rules into the policy")
        return kept

    def _write(self, entries: list[Entry]) -> None:
        """Raises ``OSError``."""
        text = json.dumps({"format": FORMAT, "entries": [encode(entry) for entry in entries]}, indent=1)
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(6)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                self._keep_owner(file.fileno())
                os.fsync(file.fileno())
            beside.replace(self.path)
            _sync(self.path.parent)
        except OSError:
            beside.unlink(missing_ok=True)
            raise

    def _keep_owner(self, descriptor: int) -> None:
        """Root writes it, the daemon reads it: it belongs to whom the folder belongs to."""
        with contextlib.suppress(PermissionError):
            facts = self.path.parent.stat()
            os.fchown(descriptor, facts.st_uid, facts.st_gid)


def _one(known: Iterable[Entry], prefix: str, now: datetime) -> Entry:
    found = [entry for entry in known if prefix and entry.id.startswith(prefix)]
    active = [entry for entry in found if entry.in_force(now)]
    if len(active) == 1:
        return active[0]
    if active:
        raise NoSuchEntry(f"More than one exception begins with {clip(prefix, 20)}")
    if found:
        raise NoSuchEntry(f"Exception {found[0].id} is not in force any more")
    raise NoSuchEntry(f"There is no exception {clip(prefix, 20)!r}")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Until the end of the block nobody else changes the file. Raises ``OSError``."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    """The new name survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
