"""Changes of a held message: journal line and index row in one step.

Contract: ``change`` holds the index's write lock while it reads the journal, adds a line and updates the row, so no
two people, in whatever process, act upon the same state. The line is durable before ``change`` returns, and callers
act afterwards. After a crash between line and row the row is behind; the next change, or the next start, brings it up
to the files.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.closed_sets import HeldState
from gateway.message import clip
from gateway.quarantine.blobs import HELD_ID, FileBlobs, Written
from gateway.quarantine.entering import lock, refresh
from gateway.quarantine.errors import HeldNotFound, MessageDamaged, NotPossible, QuarantineError
from gateway.quarantine.index import Index
from gateway.quarantine.journal import Journal, What
from gateway.quarantine.models import Files
from gateway.quarantine.sidecar import BadRecord, Record, decode
from gateway.quarantine.turns import Turns

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 4
"""For files that are kept, and as many for those that are read: people do not stand in one queue with the mail."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a change adds to the journal."""

    what: What
    state: HeldState
    detail: str = ""
    delivered: tuple[int, ...] = ()
    account: str = ""
    wish: str = ""
    about: int = 0


class Ledger:
    """Index and files of one quarantine."""

    def __init__(self, index: Index, blobs: FileBlobs) -> None:
        self.index = index
        self.blobs = blobs
        # threads of our own: a disk that hangs must not take the threads that resolve names with it
        self._readers = Turns("quarantine", THREADS)
        self._keepers = Turns("quarantine-keeper", THREADS)

    async def close(self) -> None:
        await self.index.close()
        for threads in (self._readers, self._keepers):
            threads.close()
        self.blobs.close()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work on a thread. Raises ``TimeoutError`` when its turn did not come."""
        return await self._readers.take(partial(work, *args, **kwargs))

    async def put(self, held_id: str, chunks: Iterable[bytes], describe: Callable[[Written], bytes]) -> None:
        """As ``FileBlobs.put``. Raises ``TimeoutError`` when its turn did not come; then there is nothing of it."""
        await self._keepers.take(partial(self.blobs.put, held_id, chunks, describe))

    async def take_back(self, held_id: str) -> None:
        """Discard what was put and could not be entered. Raises ``OSError``."""
        await self._keepers.take(partial(self.blobs.discard, held_id), sure=True)

    async def read(self, held_id: str) -> Files:
        """Raises ``MessageDamaged`` when the record is missing, unreadable or another message's."""
        return await self.run(self.read_now, held_id)

    def read_now(self, held_id: str) -> Files:
        """As ``read``, for a thread."""
        raw, record = self._record(held_id)
        journal = Journal.of(record, raw, self.blobs.read_journal(held_id))
        return Files(record, journal, *self.blobs.message_facts(held_id))

    def records_now(self, ids: Sequence[str]) -> tuple[tuple[Record, ...], tuple[str, ...]]:
        """Records in that order, and a sentence about each that cannot be read; for a thread."""
        found, damaged = [], []
        for held_id in ids:
            try:
                found.append(self._record(held_id)[1])
            except MessageDamaged as error:
                damaged.append(str(error))
            except OSError as error:
                damaged.append(f"{held_id}: {sentence(error)}")
        return tuple(found), tuple(damaged)

    def _record(self, held_id: str) -> tuple[bytes, Record]:
        try:
            raw = self.blobs.read_record(held_id)
            record = decode(raw)
        except BadRecord as error:
            raise MessageDamaged(f"{held_id}: {error}") from error
        if record.held_id != held_id:
            raise MessageDamaged(f"{held_id}: the record is that of {clip(record.held_id, 64)}")
        return raw, record

    async def change(
        self, held_id: str, *, who: str, why: str, step: Callable[[Files], Step], sure: bool = False
    ) -> Files:
        """Add what ``step`` makes of the present state, on the thread that writes; it raises ``NotPossible`` to refuse.
        ``sure``: wait for the turn however long it takes, for what is noted has happened.

        Raises ``QuarantineError``; then nothing was changed.
        """

        def work(connection: Connection) -> Files:
            lock(connection, held_id)
            files = self.read_now(held_id)
            chosen = step(files)
            journal = files.journal.followed_by(
                chosen.what,
                chosen.state,
                at=datetime.now(UTC),
                who=who,
                why=why,
                detail=chosen.detail,
                delivered=chosen.delivered,
                account=chosen.account,
                wish=chosen.wish,
                about=chosen.about,
            )
            self.blobs.append_journal(held_id, journal.last.line)
            refresh(connection, files.record, journal, files.stored)
            return replace(files, journal=journal)

        try:
            return await self.index.write(work, sure=sure)
        except (OSError, SQLAlchemyError) as error:
            raise QuarantineError(f"{held_id} could not be changed: {sentence(error)}") from error

    async def catch_up(self, held_id: str) -> None:
        """Bring the row up to the files."""

        def work(connection: Connection) -> None:
            files = self.read_now(held_id)
            refresh(connection, files.record, files.journal, files.stored)

        await self.index.write(work)

    async def remove_bytes(self, held_id: str) -> None:
        """Delete the message file, once the journal says so. Raises ``QuarantineError``."""
        try:
            await self._readers.take(partial(self.blobs.remove_message, held_id), sure=True)
            await self.index.set_stored(held_id, 0)
        except (OSError, SQLAlchemyError) as error:
            raise QuarantineError(f"The bytes of {held_id} could not be removed: {sentence(error)}") from error


def require(files: Files, *allowed: HeldState) -> None:
    """Raises ``NotPossible`` unless the message is in one of the states."""
    if files.journal.state not in allowed:
        last = files.journal.last
        raise NotPossible(
            f"{files.record.held_id} is {files.journal.state.value} "
            f"({last.what.value} by {last.who}, {last.at:%Y-%m-%d %H:%M:%S}Z); "
            f"this needs it to be {' or '.join(state.value for state in allowed)}"
        )


def sentence(error: BaseException) -> str:
    """What a person needs of an exception, without SQL and its parameters."""
    if isinstance(error, TimeoutError) and not str(error):
        return "the quarantine was busy for too long"
    original = getattr(error, "orig", None)
    return clip(str(original or getattr(error, "strerror", None) or error) or type(error).__name__, 300)


@contextlib.contextmanager
def asked() -> Iterator[None]:
    """A question to index or disk that was not answered, as a sentence."""
    try:
        yield
    except (OSError, SQLAlchemyError) as error:
        raise QuarantineError(f"The quarantine cannot be asked: {sentence(error)}") from error


def known_form(held_id: str) -> None:
    """Raises ``HeldNotFound`` for what is no id at all."""
    if not HELD_ID.fullmatch(held_id):
        raise HeldNotFound(f"There is no held message {held_id[:64]!a}: an id is 16 or more of the digits 0-9 and a-f")
