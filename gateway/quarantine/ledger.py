"""Changes of a held message: journal line and index row in one step.

Contract: ``change`` holds the index's write lock while it reads the journal, adds a line and updates the row, so no
two people, in whatever process, act upon the same state. The line is durable before ``change`` returns, and callers
act afterwards. After a crash between line and row the row is behind; the next change, or the next start, brings it up
to the files.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from gateway.closed_sets import HeldState
from gateway.message import clip
from gateway.quarantine.blobs import HELD_ID, FileBlobs
from gateway.quarantine.errors import HeldNotFound, MessageDamaged, NotPossible, QuarantineError
from gateway.quarantine.index import Index
from gateway.quarantine.journal import Journal, What
from gateway.quarantine.models import Files
from gateway.quarantine.sidecar import BadRecord, Record, decode

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 4


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
        self._threads = ThreadPoolExecutor(THREADS, "quarantine")

    async def close(self) -> None:
        await self.index.close()
        self._threads.shutdown()
        self.blobs.close()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do blocking work on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))

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

    async def change(self, held_id: str, *, who: str, why: str, step: Callable[[Files], Step]) -> Files:
        """Add what ``step`` makes of the present state; it raises ``NotPossible`` to refuse.

        Raises ``QuarantineError``; then nothing was changed.
        """
        try:
            async with self.index.writing() as connection:
                await self.index.lock(connection, held_id)
                files = await self.read(held_id)
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
                await self.run(self.blobs.append_journal, held_id, journal.last.line)
                await self.index.refresh(connection, files.record, journal, files.stored)
        except (OSError, SQLAlchemyError) as error:
            raise QuarantineError(f"{held_id} could not be changed: {sentence(error)}") from error
        return Files(files.record, journal, files.stored, files.modified)

    async def catch_up(self, held_id: str) -> None:
        """Bring the row up to the files."""
        async with self.index.writing() as connection:
            files = await self.read(held_id)
            await self.index.refresh(connection, files.record, files.journal, files.stored)

    async def remove_bytes(self, held_id: str) -> None:
        """Delete the message file, once the journal says so. Raises ``QuarantineError``."""
        try:
            await self.run(self.blobs.remove_message, held_id)
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
        return "the index was busy for too long"
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
