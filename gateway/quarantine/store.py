"""The quarantine: what is held, what becomes of it, and who decided so.

Contract: ``keep`` returns once message, envelope and index row survive a power cut, or raises ``KeepFailed`` and
leaves nothing (promises P1, P12, P18). Everything is found again after a crash at any point (``recovery``). After the
disk has failed to sync once, nothing more is kept until a restart: the kernel may have dropped the pages and a second
fsync would lie. One daemon opens it exclusively; commands run beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, Self

from sqlalchemy.exc import SQLAlchemyError

from gateway import failpoints
from gateway.closed_sets import HeldState
from gateway.message import Decision, KeepFailed, Report, Transaction, clip
from gateway.quarantine import recovery, retention
from gateway.quarantine.blobs import FileBlobs, Written
from gateway.quarantine.database import disk_failed
from gateway.quarantine.downloads import AlreadyNoted, take
from gateway.quarantine.errors import HeldNotFound, NotPossible, QuarantineError, StoreRefused
from gateway.quarantine.index import Index
from gateway.quarantine.journal import OURSELVES, Journal, What
from gateway.quarantine.ledger import Ledger, Step, asked, known_form, require, sentence
from gateway.quarantine.location import Locks, locks_for, path_of
from gateway.quarantine.models import Files, Filters, Held, HeldMessage, Released, Settled, Stats
from gateway.quarantine.release import Deliver, open_verified, release
from gateway.quarantine.requests import Requests
from gateway.quarantine.sidecar import Record, encode
from gateway.quarantine.wish import Wish
from gateway.spool import Spool

KEEP_SECONDS = 20.0
"""For one message to become durable. With a disk that hangs the client is told 452 and tries again."""

MAX_OVERDUE = 16
"""Messages a hanging disk may hold on to; each has a spool that cannot be given back."""

NOTE_SECONDS = 5.0
"""For a note about a message, and for what is overdue when the quarantine is closed."""

RESERVE = 16 << 20
"""Octets of the disk that no new message takes: room to release and to delete."""


class Quarantine:
    """One open quarantine; satisfies ``pipeline.Keeper``."""

    def __init__(self, ledger: Ledger, locks: Locks | None, *, two_person: bool) -> None:
        self._ledger = ledger
        self._locks = locks
        self._clock = retention.SteadyClock(time.time(), time.monotonic())
        self._overdue: set[asyncio.Task[None]] = set()
        self.requests = Requests(ledger, two_person=two_person)
        """What somebody asks for and another decides; says also whether every release takes both."""
        self.trouble = ""
        """Why nothing can be kept until a restart; empty while all is well."""
        self.settled = Settled()
        """What was put in order when this was opened."""

    @classmethod
    async def open(
        cls,
        store_url: str,
        messages_url: str,
        *,
        exclusive: bool,
        two_person: bool,
        reserve: int = RESERVE,
    ) -> Self:
        """``exclusive`` for the daemon: makes what is missing, puts it in order, keeps other daemons out.
        ``two_person``: every release takes a request and the approval of another account.

        Raises ``StoreRefused``; ``StoreBusy`` when another daemon has it.
        """
        store = path_of(store_url, "sqlite", "quarantine.store")
        messages = path_of(messages_url, "file", "quarantine.messages")
        locks = locks_for(store, messages) if exclusive else None
        try:
            blobs = FileBlobs(messages, create=exclusive, reserve=reserve)
            try:
                ledger = Ledger(await Index.open(store, create=exclusive), blobs)
            except BaseException:
                blobs.close()
                raise
            quarantine = cls(ledger, locks, two_person=two_person)
            if exclusive:
                await quarantine._settle()
        except BaseException:
            if locks:
                locks.release()
            raise
        return quarantine

    async def _settle(self) -> None:
        try:
            self.settled = await recovery.settle(self._ledger)
        except (OSError, SQLAlchemyError) as error:
            await self._ledger.close()
            raise StoreRefused(f"The quarantine could not be put in order: {sentence(error)}") from error

    @classmethod
    async def rebuild(cls, store_url: str, messages_url: str) -> Settled:
        """Make a new index from the files; the old one is kept beside it. Raises ``StoreBusy`` while a daemon runs."""
        store = path_of(store_url, "sqlite", "quarantine.store")
        messages = path_of(messages_url, "file", "quarantine.messages")
        if not messages.is_dir():
            raise StoreRefused(f"There are no messages at {messages}")
        locks = locks_for(store, messages)
        try:
            await recovery.put_aside(store)
        except OSError as error:
            raise StoreRefused(f"The old index {store} cannot be moved aside: {error.strerror}") from error
        finally:
            locks.release()
        quarantine = await cls.open(store_url, messages_url, exclusive=True, two_person=True)
        await quarantine.close()
        return quarantine.settled

    async def close(self) -> None:
        """Let go of everything. What the disk has not finished by then is found at the next start."""
        if self._overdue:
            await asyncio.wait(self._overdue, timeout=NOTE_SECONDS)
        await self._ledger.close()
        if self._locks:
            self._locks.release()

    # keeping

    async def keep(
        self, held_id: str, transaction: Transaction, content: Spool, report: Report, decision: Decision
    ) -> None:
        """Hold a message durably. Raises ``KeepFailed``, after ``KEEP_SECONDS`` at the latest. A cancelled ``keep`` is
        brought to its end first. What becomes durable too late stays, with a note that its client heard otherwise."""
        if len(self._overdue) >= MAX_OVERDUE:
            raise KeepFailed(f"the disk has not finished {MAX_OVERDUE} messages yet")
        try:
            shared = content.share()  # a thread reads it: it must not be closed under its hands
        except OSError as error:
            raise self._failed(error) from error
        work = asyncio.create_task(self._keep(held_id, transaction, shared, report, decision))
        work.add_done_callback(lambda _: shared.close())
        deadline = time.monotonic() + KEEP_SECONDS
        try:
            await asyncio.wait({work}, timeout=KEEP_SECONDS)
        except asyncio.CancelledError:
            await asyncio.wait({work}, timeout=deadline - time.monotonic())
            self._nobody_heard(held_id, work)
            raise
        if not work.done():
            self._nobody_heard(held_id, work)
            raise KeepFailed(f"disk or machine is too slow: it has not finished within {KEEP_SECONDS:g} seconds")
        work.result()

    def _nobody_heard(self, held_id: str, work: asyncio.Task[None]) -> None:
        """The client of ``work`` will not hear 250 and sends the message again: say so where a person would look."""
        task = asyncio.create_task(self._note_unheard(held_id, work))
        self._overdue.add(task)
        task.add_done_callback(self._overdue.discard)

    async def _note_unheard(self, held_id: str, work: asyncio.Task[None]) -> None:
        try:
            await work
        except KeepFailed:
            return
        await self._note(held_id, What.RECOVERED, "kept too late for its sender to hear of it, who sends it again")

    async def _keep(
        self, held_id: str, transaction: Transaction, content: Spool, report: Report, decision: Decision
    ) -> None:
        if self.trouble:
            raise KeepFailed(self.trouble)
        written: list[tuple[Record, bytes]] = []

        def describe(facts: Written) -> bytes:
            if facts.size != content.size:
                raise KeepFailed(f"the spool gave {facts.size} of {content.size} octets")
            now = datetime.now(UTC)
            record = Record(held_id, now, transaction, report, decision, facts.size, facts.sha256)
            written.append((record, encode(record)))
            return written[0][1]

        try:
            await self._ledger.put(held_id, content.chunks(), describe)
        except Exception as error:
            raise self._failed(error) from error
        try:
            await self._enter(*written[0])
            failpoints.reach("message-indexed")
        except Exception as error:
            # what cannot be taken back now is found at the next start and held as recovered
            with contextlib.suppress(OSError):
                await self._ledger.take_back(held_id)
            raise self._failed(error) from error

    async def _enter(self, record: Record, raw: bytes) -> None:
        if self.trouble:  # of another message, meanwhile
            raise KeepFailed(self.trouble)
        files = Files(record, Journal.of(record, raw), record.size, record.kept_at.timestamp())
        await self._ledger.index.enter(files)

    def _failed(self, error: Exception) -> KeepFailed:
        if isinstance(error, KeepFailed):
            return error
        if disk_failed(error):
            self.trouble = f"the disk failed to write ({sentence(error)}); nothing is kept until a restart"
        return KeepFailed(self.trouble or sentence(error))

    async def withdraw(self, held_id: str, why: str) -> None:
        """Note that the changed copy was not delivered, so that nobody takes the original for the second of two."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(NOTE_SECONDS):
                await self._note(held_id, What.WITHDRAWN, why)

    async def _note(self, held_id: str, what: What, why: str) -> None:
        with contextlib.suppress(QuarantineError):
            await self._ledger.change(
                held_id, who=OURSELVES, why=why, step=lambda files: Step(what, files.journal.state)
            )

    # looking

    async def find(self, filters: Filters | None = None) -> tuple[HeldMessage, ...]:
        """What fits, newest first. Raises ``QuarantineError``."""
        with asked():
            return await self._ledger.index.find(filters or Filters())

    async def count(self, filters: Filters) -> int:
        """How many fit, counted up to ``filters.limit``. Raises ``QuarantineError``."""
        with asked():
            return await self._ledger.index.count(filters)

    async def revision(self) -> int:
        """Another number after every change of what is held, by whatever process. Raises ``QuarantineError``."""
        with asked():
            return await self._ledger.index.revision()

    async def stats(self) -> Stats:
        """Counts for the metrics. Raises ``QuarantineError``."""
        with asked():
            stats = await self._ledger.index.stats()
            return replace(stats, free=await self._ledger.run(self._ledger.blobs.free))

    async def by_hour(self, first: datetime, hours: int) -> list[int]:
        """Messages kept in each of so many hours from ``first`` (UTC) on. Raises ``QuarantineError``."""
        with asked():
            return await self._ledger.index.by_hour(first, hours)

    async def resolve(self, prefix: str) -> str:
        """The one id that begins with ``prefix``. Raises ``HeldNotFound`` and other ``QuarantineError``."""
        with asked():
            found = await self._ledger.index.starting_with(prefix, 2) if prefix.isalnum() else []
        if len(found) == 1:
            return found[0]
        if found:
            raise HeldNotFound(f"More than one held message begins with {prefix}: {', '.join(found)}, ...")
        raise HeldNotFound(f"There is no held message {prefix[:64]!a}")

    async def get(self, held_id: str) -> Held:
        """Everything about one message. Raises ``HeldNotFound``, ``MessageDamaged`` and other ``QuarantineError``."""
        known_form(held_id)
        with asked():
            message = await self._ledger.index.get(held_id)
            files = await self._ledger.read(held_id)
            indexed = await self._ledger.index.digests(held_id)
        digests = [entry.digest for entry in files.journal.entries]
        return Held(message, files.record, files.journal, files.journal.intact and digests[: len(indexed)] == indexed)

    async def records(self, ids: Sequence[str]) -> tuple[tuple[Record, ...], tuple[str, ...]]:
        """The records of these messages, and a sentence about each that cannot be read."""
        return await self._ledger.run(self._ledger.records_now, ids)

    async def open_message(self, held_id: str) -> BinaryIO:
        """The bytes as received, verified; the caller closes it. Raises ``QuarantineError``."""
        known_form(held_id)
        return await open_verified(self._ledger, held_id)

    # acting

    async def release(
        self,
        held_id: str,
        *,
        who: str,
        why: str,
        deliver: Deliver,
        recipients: Sequence[str] | None = None,
        to: Sequence[str] | None = None,
        again: bool = False,
        disarmed: bool = False,
        alone: str = "",
    ) -> Released:
        """Send it to its recipients, some of them, or (``to``) a copy to others while it stays held for its own.
        ``disarmed``: what ``deliver`` sends is a changed copy, and the original stays held for everybody.
        ``alone``: why one person has to be enough where it takes two.

        Raises ``NotPossible``, ``MessageDamaged``, ``ReleaseFailed`` and other ``QuarantineError``.
        """
        wish = Wish(None if recipients is None else tuple(recipients), tuple(to or ()), again, disarmed)
        return await self.carry_out(held_id, wish, who=who, why=why, deliver=deliver, alone=alone)

    async def carry_out(
        self, held_id: str, wish: Wish, *, who: str, why: str, deliver: Deliver, alone: str = ""
    ) -> Released:
        """As ``release``, for a whole wish."""
        known_form(held_id)
        return await release(
            *(self._ledger, held_id),
            who=who,
            why=why,
            wish=wish,
            deliver=deliver,
            two_person=self.requests.two_person,
            alone=alone,
        )

    async def request(self, held_id: str, *, who: str, why: str) -> None:
        """Note that a recipient asks for it; each can once. Raises ``NotPossible`` and other ``QuarantineError``."""
        known_form(held_id)

        def step(files: Files) -> Step:
            require(files, HeldState.HELD)
            if any(entry.what is What.REQUESTED and entry.who == clip(who, 100) for entry in files.journal.entries):
                raise NotPossible(f"{held_id} was asked for already by {clip(who, 100)}")
            return Step(What.REQUESTED, HeldState.HELD)

        await self._ledger.change(held_id, who=who, why=why, step=step)

    async def note_download(self, held_id: str, *, who: str, why: str, what: str) -> None:
        """Note that somebody takes ``what`` of it with them, unless that stands there (``downloads``). Raises
        ``NotPossible`` and other ``QuarantineError``."""
        known_form(held_id)
        with contextlib.suppress(AlreadyNoted):
            await self._ledger.change(
                held_id, who=who, why=why, step=lambda files: take(files, who, why, what, datetime.now(UTC))
            )

    async def delete(self, held_id: str, *, who: str, why: str) -> None:
        """Delete the bytes; what it was and why it went stays on record. Raises ``QuarantineError``."""
        known_form(held_id)

        def step(files: Files) -> Step:
            require(files, HeldState.HELD)
            return Step(What.DELETED, HeldState.DELETED)

        await self._ledger.change(held_id, who=who, why=why, step=step)
        await self._ledger.remove_bytes(held_id)

    async def expire(self, kept_for: timedelta, *, floor: timedelta = retention.FLOOR, who: str = OURSELVES) -> int:
        """Delete the bytes of what is older; returns how many went. Raises
        ``QuarantineError``."""
        now = self._clock.now(time.time(), time.monotonic())
        return await retention.expire(self._ledger, kept_for, floor, now, who)
