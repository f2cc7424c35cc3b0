"""The searchable copy of all records and journals: one SQL database.

Contract: ``database`` says what a commit is worth and how long another process's lock is waited for; ``turns`` how long
our own work may wait. One thread writes, in the order it is asked to, and all messages that wait to be entered when
their turn comes share one transaction (``Group``). Raises ``StoreRefused`` when it cannot be opened, else
``sqlalchemy.exc.SQLAlchemyError``, or ``TimeoutError`` when a turn did not come. Every value a stranger wrote is bound,
never spelled into SQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Integer, Select, and_, case, cast, func, literal_column, select, update
from sqlalchemy.exc import DatabaseError, OperationalError

from gateway.closed_sets import HeldState
from gateway.quarantine.database import READERS, check, corrupt, engine_for, prepare_file
from gateway.quarantine.entering import Group
from gateway.quarantine.errors import HeldNotFound, StoreRefused
from gateway.quarantine.journal import What
from gateway.quarantine.models import Files, Filters, HeldMessage, HeldRecipient, Stats
from gateway.quarantine.rows import Known, asked_for, envelope_digest, matching, message, place_of, when
from gateway.quarantine.schema import audit, held, recipient, searched
from gateway.quarantine.search import Texts
from gateway.quarantine.sidecar import Record
from gateway.quarantine.turns import Turns

T = TypeVar("T")

RELEASES = (What.RELEASED, What.RELEASE_FAILED, What.COPIED)


class Index:
    """One open database. ``fresh`` says that it was empty and has been made now."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._locked = engine.execution_options(write=True)
        self._readers = Turns("index-reader", READERS)
        self._writer = Turns("index-writer", 1)
        self._group = Group(self._writing, self._writer.begin)
        self.fresh = False

    @classmethod
    async def open(cls, path: Path, *, create: bool) -> Index:
        """Raises ``StoreRefused``."""
        try:
            prepare_file(path, create)
        except FileNotFoundError as error:
            raise StoreRefused(
                f"There is no quarantine index at {path}: the daemon makes it when it first starts"
            ) from error
        except OSError as error:
            raise StoreRefused(f"The quarantine index {path} cannot be written: {error.strerror}") from error
        index = cls(engine_for(path))
        try:
            index.fresh = await (index.write if create else index._ask)(partial(check, path=path, create=create))
        except OperationalError as error:
            await index.close()
            raise StoreRefused(f"The quarantine index {path} cannot be opened: {error.orig}") from error
        except DatabaseError as error:
            await index.close()
            raise StoreRefused(corrupt(path, str(error.orig))) from error
        except BaseException:
            await index.close()
            raise
        return index

    async def close(self) -> None:
        """Return once all that was asked for is done."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._readers.close()
        self._writer.close()
        self._engine.dispose()

    # writing

    async def write(self, work: Callable[[Connection], T], *, sure: bool = False) -> T:
        """Do ``work`` in a transaction that has the write lock from its first statement on, and commits at its end.
        ``sure``: wait for its turn however long it takes."""
        return await self._writer.take(partial(self._write, work), sure=sure)

    def _write(self, work: Callable[[Connection], T]) -> T:
        with self._writing() as connection:
            return work(connection)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._locked.begin() as connection:
            yield connection

    async def enter(self, files: Files) -> None:
        """Add one record, together with the others that wait for it at that moment."""
        await asyncio.wrap_future(self._group.join(files))

    async def set_stored(self, held_id: str, stored: int) -> None:
        """Note how much of the message is still on disk."""
        statement = update(held).where(held.c.id == held_id).values(stored=stored)
        await self.write(lambda connection: connection.execute(statement), sure=True)

    # reading

    async def unknown(self, limit: int) -> dict[str, tuple[int, Known]]:
        """Messages that cannot be looked for yet, entered by an older version: by id, their place and what their rows
        tell."""
        query = select(held.c.id, held.c.place, held.c.sender, held.c.from_header, held.c.subject)
        query = query.outerjoin(searched, searched.c.place == held.c.place).where(searched.c.place.is_(None))

        def question(connection: Connection) -> dict[str, tuple[int, Known]]:
            rows = connection.execute(query.limit(limit)).all()
            recipients = _recipients_of(connection, [row.id for row in rows])
            found = {}
            for row in rows:
                addresses = tuple(one.address for one in recipients.get(row.id, ()))
                told = Texts((row.sender, row.from_header), addresses, (row.subject,), (row.id,))
                found[row.id] = (row.place, Known(told))
            return found

        return await self._ask(question)

    async def find(self, filters: Filters) -> tuple[HeldMessage, ...]:
        """What fits, newest first."""
        upwards = filters.newer_than is not None

        def question(connection: Connection) -> tuple[HeldMessage, ...]:
            rows = connection.execute(matching(filters, *held.c, upwards=upwards)).all()
            rows = rows[::-1] if upwards else rows
            recipients = _recipients_of(connection, [row.id for row in rows])
            return tuple(message(row, recipients.get(row.id, ())) for row in rows)

        return await self._ask(question)

    async def count(self, filters: Filters) -> int:
        """How many fit, counted up to ``filters.limit``."""

        def question(connection: Connection) -> int:
            counted = select(func.count()).select_from(matching(filters, held.c.place).subquery())
            return int(connection.scalar(counted) or 0)

        return await self._ask(question)

    async def revision(self) -> int:
        """The number of the last journal entry ever entered: entries are never removed."""
        query: Select[tuple[int]] = select(func.max(literal_column("rowid"))).select_from(audit)
        return await self._ask(lambda connection: int(connection.scalar(query) or 0))

    async def get(self, held_id: str) -> HeldMessage:
        """Raises ``HeldNotFound``."""

        def question(connection: Connection) -> HeldMessage:
            row = connection.execute(select(held).where(held.c.id == held_id)).one_or_none()
            if row is None:
                raise HeldNotFound(f"There is no held message {held_id}")
            return message(row, _recipients_of(connection, [held_id]).get(held_id, ()))

        return await self._ask(question)

    async def starting_with(self, prefix: str, limit: int) -> list[str]:
        query = select(held.c.id).where(held.c.id.startswith(prefix, autoescape=True)).order_by(held.c.id).limit(limit)
        return await self._column(query)

    async def ids(self) -> set[str]:
        return set(await self._column(select(held.c.id)))

    async def digests(self, held_id: str) -> list[str]:
        """The digests of all entries known here, in order: a journal file cut short shows against them."""
        return await self._column(select(audit.c.digest).where(audit.c.held_id == held_id).order_by(audit.c.sequence))

    async def twins(self, record: Record) -> tuple[HeldMessage, ...]:
        """All records, but this one, of the same bytes from the same sender to the same recipients."""
        same = and_(held.c.sha256 == record.sha256, held.c.envelope == envelope_digest(record.transaction.envelope))
        query = select(held).where(same, held.c.id != record.held_id)
        return await self._ask(lambda connection: tuple(message(row, ()) for row in connection.execute(query)))

    async def stored_in(self, states: Iterable[HeldState], before: datetime | None = None) -> list[str]:
        """Ids of messages in one of ``states`` whose bytes are still there, oldest first."""
        query = select(held.c.id).where(held.c.state.in_(list(states)), held.c.stored > 0)
        if before is not None:
            query = query.where(held.c.kept_at < before.timestamp())
        return await self._column(query.order_by(held.c.kept_at))

    async def in_state(self, state: HeldState) -> list[str]:
        return await self._column(select(held.c.id).where(held.c.state == state))

    async def stats(self) -> Stats:
        oldest = func.min(case((held.c.state == HeldState.HELD, held.c.kept_at)))
        query = select(held.c.state, func.count().label("number"), func.sum(held.c.stored).label("octets"), oldest)
        releases = select(audit.c.what, func.count().label("number")).where(audit.c.what.in_(RELEASES))

        def question(connection: Connection) -> Stats:
            rows = connection.execute(query.group_by(held.c.state)).all()
            ended = connection.execute(releases.group_by(audit.c.what)).all()
            times = [row[3] for row in rows if row[3] is not None]
            return Stats(
                count=dict.fromkeys(HeldState, 0) | {HeldState(row.state): row.number for row in rows},
                bytes=sum(row.octets or 0 for row in rows),
                oldest=when(min(times)) if times else None,
                releases=dict.fromkeys(RELEASES, 0) | {What(row.what): row.number for row in ended},
            )

        return await self._ask(question)

    async def count_asked(self, since: datetime) -> int:
        """Held messages somebody asks for: a person of ours after ``since``, or a recipient."""
        query = select(func.count(asked_for(since).subquery().c.held_id.distinct()))
        return await self._ask(lambda connection: connection.scalar(query) or 0)

    async def asked(self, since: datetime, limit: int) -> list[str]:
        """Ids of those messages, first asked first."""
        found = asked_for(since).subquery()
        return await self._column(
            select(found.c.held_id).group_by(found.c.held_id).order_by(func.min(found.c.at)).limit(limit)
        )

    async def by_hour(self, first: datetime, hours: int) -> list[int]:
        """Messages kept in each of so many hours from ``first`` (UTC) on."""
        start, end = place_of(first), place_of(first + timedelta(hours=hours))
        hour = cast((held.c.place - start) / 3_600_000_000, Integer)
        query = select(hour, func.count()).where(held.c.place >= start, held.c.place < end).group_by(hour)
        found = await self._ask(lambda connection: {row[0]: row[1] for row in connection.execute(query)})
        return [found.get(number, 0) for number in range(hours)]

    async def _column(self, query: Select[tuple[Any]]) -> list[str]:
        return await self._ask(lambda connection: list(connection.scalars(query)))

    async def _ask(self, question: Callable[[Connection], T]) -> T:
        return await self._readers.take(partial(self._asked, question))

    def _asked(self, question: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return question(connection)


def _recipients_of(connection: Connection, ids: list[str]) -> dict[str, tuple[HeldRecipient, ...]]:
    found: dict[str, list[HeldRecipient]] = {}
    for start in range(0, len(ids), 500):  # SQLite takes a bounded number of parameters a statement
        query = select(recipient).where(recipient.c.held_id.in_(ids[start : start + 500]))
        for row in connection.execute(query.order_by(recipient.c.held_id, recipient.c.position)):
            found.setdefault(row.held_id, []).append(HeldRecipient(row.address, row.delivered))
    return {held_id: tuple(recipients) for held_id, recipients in found.items()}
