"""The searchable copy of all records and journals: one SQL database.

Contract: ``database`` says what a commit is worth and how long a lock is waited for. Raises ``StoreRefused`` when it
cannot be opened, else ``sqlalchemy.exc.SQLAlchemyError``, or ``TimeoutError`` when our own writers stand in a queue
for too long. Every value a stranger wrote is bound, never spelled into SQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Integer, and_, case, cast, func, insert, literal_column, select, update
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.closed_sets import HeldState
from gateway.quarantine.database import BUSY_SECONDS, check, corrupt, engine_for, prepare_file
from gateway.quarantine.errors import HeldNotFound, StoreRefused
from gateway.quarantine.journal import Journal, What
from gateway.quarantine.models import Files, Filters, HeldMessage, HeldRecipient, Stats
from gateway.quarantine.rows import (
    Known,
    asked_for,
    audit_values,
    envelope_digest,
    held_values,
    known,
    matching,
    message,
    place_of,
    recipient_values,
    when,
)
from gateway.quarantine.schema import audit, file, held, macro, recipient, searched
from gateway.quarantine.search import Texts
from gateway.quarantine.search import table as search
from gateway.quarantine.sidecar import Record

RELEASES = (What.RELEASED, What.RELEASE_FAILED, What.COPIED)


class Index:
    """One open database. ``fresh`` says that it was empty and has been made now."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = asyncio.Lock()
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
            async with index.writing() if create else index._reading() as connection:
                index.fresh = await connection.run_sync(check, path, create)
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
        await self._engine.dispose()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that has the write lock from its first statement on, and commits at the end of the block."""
        # our own writers queue here: SQLite's waiters poll, and would wait out each other's sleeps
        async with asyncio.timeout(BUSY_SECONDS):
            await self._writer.acquire()
        try:
            async with self._engine.execution_options(write=True).begin() as connection:
                yield connection
        finally:
            self._writer.release()

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            yield connection

    # writing

    async def add(self, connection: AsyncConnection, new: Sequence[Files]) -> None:
        """Enter records that are not there yet, and note of which other one each is probably a duplicate."""
        rows = [held_values(files.record, files.journal, files.stored) for files in new]
        originals = await self._originals(connection, rows)
        for row in rows:
            original = originals.setdefault((row["sha256"], row["envelope"]), row["id"])
            row["duplicate_of"] = None if original == row["id"] else original
        places = await self._places(connection, new)
        for row, place in zip(rows, places, strict=True):
            row["place"] = place
        records = [files.record for files in new]
        addresses = [values for files in new for values in recipient_values(files.record, files.journal)]
        entries = [audit_values(files.record.held_id, entry) for files in new for entry in files.journal.entries]
        for table, values in ((held, rows), (recipient, addresses), (audit, entries)):
            if values:
                await connection.execute(insert(table), values)
        await self._make_known(connection, [(at, known(one)) for at, one in zip(places, records, strict=True)])

    async def _places(self, connection: AsyncConnection, new: Sequence[Files]) -> list[int]:
        """A free place in the list for each, at its time or as soon after it as can be."""
        wanted = [place_of(files.record.kept_at) for files in new]
        taken = set(await self._taken(connection, wanted))
        places: dict[int, None] = {}
        for place in wanted:
            free = place
            while free in places or free in taken or (free != place and await self._taken(connection, [free])):
                free += 1
            places[free] = None
        return list(places)

    async def _taken(self, connection: AsyncConnection, wanted: list[int]) -> Sequence[int]:
        query = select(searched.c.place).where(searched.c.place.in_(wanted))
        return (await connection.scalars(query)).all()

    async def _make_known(self, connection: AsyncConnection, told: Sequence[tuple[int, Known]]) -> None:
        """Enter what can be looked for, by place."""
        words = [one.texts.values(place) for place, one in told]
        await connection.execute(insert(searched), words)
        await connection.execute(insert(search), [{"rowid": word.pop("place"), **word} for word in words])
        macros = [{"fingerprint": mark, "place": place} for place, one in told for mark in sorted(one.macros)]
        files = [{"sha256": mark, "place": place} for place, one in told for mark in sorted(one.files)]
        for table, values in ((macro, macros), (file, files)):
            if values:
                await connection.execute(insert(table), values)

    async def unknown(self, limit: int) -> dict[str, tuple[int, Known]]:
        """Messages that cannot be looked for yet, entered by an older version: by id, their place and what their rows
        tell."""
        query = select(held.c.id, held.c.place, held.c.sender, held.c.from_header, held.c.subject)
        query = query.outerjoin(searched, searched.c.place == held.c.place).where(searched.c.place.is_(None))
        async with self._reading() as connection:
            rows = (await connection.execute(query.limit(limit))).all()
            recipients = await _recipients_of(connection, [row.id for row in rows])
        found = {}
        for row in rows:
            addresses = tuple(one.address for one in recipients.get(row.id, ()))
            told = Texts((row.sender, row.from_header), addresses, (row.subject,), (row.id,))
            found[row.id] = (row.place, Known(told))
        return found

    async def make_known(self, told: Sequence[tuple[int, Known]]) -> None:
        """Enter what can be looked for of messages that are there, by place."""
        async with self.writing() as connection:
            await self._make_known(connection, told)

    async def _originals(self, connection: AsyncConnection, rows: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
        """By content and envelope, the oldest record that is there already."""
        content = held.c.sha256.in_([row["sha256"] for row in rows])
        envelope = held.c.envelope.in_([row["envelope"] for row in rows])
        query = select(held.c.sha256, held.c.envelope, held.c.id).where(content, envelope)
        found = (await connection.execute(query.order_by(held.c.kept_at.desc(), held.c.id.desc()))).all()
        return {(row.sha256, row.envelope): row.id for row in found}

    async def lock(self, connection: AsyncConnection, held_id: str) -> None:
        """Keep everybody else from changing this row until the end of the transaction. Raises ``HeldNotFound``."""
        query = select(held.c.id).where(held.c.id == held_id).with_for_update()
        if await connection.scalar(query) is None:
            raise HeldNotFound(f"There is no held message {held_id}")

    async def refresh(self, connection: AsyncConnection, record: Record, journal: Journal, stored: int) -> None:
        """Bring the row up to what the files say."""
        this = held.c.id == record.held_id
        await connection.execute(update(held).where(this).values(held_values(record, journal, stored)))
        entered = await connection.scalar(select(func.max(audit.c.sequence)).where(audit.c.held_id == record.held_id))
        missing = [audit_values(record.held_id, entry) for entry in journal.entries if entry.sequence > (entered or 0)]
        if missing:
            await connection.execute(insert(audit), missing)
        if journal.delivered:
            mine = and_(recipient.c.held_id == record.held_id, recipient.c.position.in_(sorted(journal.delivered)))
            await connection.execute(update(recipient).where(mine).values(delivered=True))

    async def set_stored(self, held_id: str, stored: int) -> None:
        """Note how much of the message is still on disk."""
        async with self.writing() as connection:
            await connection.execute(update(held).where(held.c.id == held_id).values(stored=stored))

    # reading

    async def find(self, filters: Filters) -> tuple[HeldMessage, ...]:
        """What fits, newest first."""
        upwards = filters.newer_than is not None
        async with self._reading() as connection:
            rows = (await connection.execute(matching(filters, *held.c, upwards=upwards))).all()
            rows = rows[::-1] if upwards else rows
            recipients = await _recipients_of(connection, [row.id for row in rows])
        return tuple(message(row, recipients.get(row.id, ())) for row in rows)

    async def count(self, filters: Filters) -> int:
        """How many fit, counted up to ``filters.limit``."""
        async with self._reading() as connection:
            counted = select(func.count()).select_from(matching(filters, held.c.place).subquery())
            return int(await connection.scalar(counted) or 0)

    async def revision(self) -> int:
        """The number of the last journal entry ever entered: entries are never removed."""
        async with self._reading() as connection:
            return int(await connection.scalar(select(func.max(literal_column("rowid"))).select_from(audit)) or 0)

    async def get(self, held_id: str) -> HeldMessage:
        """Raises ``HeldNotFound``."""
        async with self._reading() as connection:
            row = (await connection.execute(select(held).where(held.c.id == held_id))).one_or_none()
            if row is None:
                raise HeldNotFound(f"There is no held message {held_id}")
            recipients = await _recipients_of(connection, [held_id])
        return message(row, recipients.get(held_id, ()))

    async def starting_with(self, prefix: str, limit: int) -> list[str]:
        query = select(held.c.id).where(held.c.id.startswith(prefix, autoescape=True)).order_by(held.c.id).limit(limit)
        async with self._reading() as connection:
            return list((await connection.scalars(query)).all())

    async def ids(self) -> set[str]:
        async with self._reading() as connection:
            return set((await connection.scalars(select(held.c.id))).all())

    async def digests(self, held_id: str) -> list[str]:
        """The digests of all entries known here, in order: a journal file cut short shows against them."""
        query = select(audit.c.digest).where(audit.c.held_id == held_id).order_by(audit.c.sequence)
        async with self._reading() as connection:
            return list((await connection.scalars(query)).all())

    async def twins(self, record: Record) -> tuple[HeldMessage, ...]:
        """All records, but this one, of the same bytes from the same sender to the same recipients."""
        same = and_(held.c.sha256 == record.sha256, held.c.envelope == envelope_digest(record.transaction.envelope))
        async with self._reading() as connection:
            rows = (await connection.execute(select(held).where(same, held.c.id != record.held_id))).all()
        return tuple(message(row, ()) for row in rows)

    async def stored_in(self, states: Iterable[HeldState], before: datetime | None = None) -> list[str]:
        """Ids of messages in one of ``states`` whose bytes are still there, oldest first."""
        query = select(held.c.id).where(held.c.state.in_(list(states)), held.c.stored > 0)
        if before is not None:
            query = query.where(held.c.kept_at < before.timestamp())
        async with self._reading() as connection:
            return list((await connection.scalars(query.order_by(held.c.kept_at))).all())

    async def in_state(self, state: HeldState) -> list[str]:
        async with self._reading() as connection:
            return list((await connection.scalars(select(held.c.id).where(held.c.state == state))).all())

    async def stats(self) -> Stats:
        oldest = func.min(case((held.c.state == HeldState.HELD, held.c.kept_at)))
        query = select(held.c.state, func.count().label("number"), func.sum(held.c.stored).label("octets"), oldest)
        releases = select(audit.c.what, func.count().label("number")).where(audit.c.what.in_(RELEASES))
        releases = releases.group_by(audit.c.what)
        async with self._reading() as connection:
            rows = (await connection.execute(query.group_by(held.c.state))).all()
            ended = (await connection.execute(releases)).all()
        times = [row[3] for row in rows if row[3] is not None]
        return Stats(
            count=dict.fromkeys(HeldState, 0) | {HeldState(row.state): row.number for row in rows},
            bytes=sum(row.octets or 0 for row in rows),
            oldest=when(min(times)) if times else None,
            releases=dict.fromkeys(RELEASES, 0) | {What(row.what): row.number for row in ended},
        )

    async def count_asked(self, since: datetime) -> int:
        """Held messages somebody asks for: a person of ours after ``since``, or a recipient."""
        async with self._reading() as connection:
            return await connection.scalar(select(func.count(asked_for(since).subquery().c.held_id.distinct()))) or 0

    async def asked(self, since: datetime, limit: int) -> list[str]:
        """Ids of those messages, first asked first."""
        found = asked_for(since).subquery()
        query = select(found.c.held_id).group_by(found.c.held_id).order_by(func.min(found.c.at)).limit(limit)
        async with self._reading() as connection:
            return list((await connection.scalars(query)).all())

    async def by_hour(self, first: datetime, hours: int) -> list[int]:
        """Messages kept in each of so many hours from ``first`` (UTC) on."""
        start, end = place_of(first), place_of(first + timedelta(hours=hours))
        hour = cast((held.c.place - start) / 3_600_000_000, Integer)
        query = select(hour, func.count()).where(held.c.place >= start, held.c.place < end)
        async with self._reading() as connection:
            found = {row[0]: row[1] for row in (await connection.execute(query.group_by(hour))).all()}
        return [found.get(number, 0) for number in range(hours)]


async def _recipients_of(connection: AsyncConnection, ids: list[str]) -> dict[str, tuple[HeldRecipient, ...]]:
    found: dict[str, list[HeldRecipient]] = {}
    for start in range(0, len(ids), 500):  # SQLite takes a bounded number of parameters a statement
        query = select(recipient).where(recipient.c.held_id.in_(ids[start : start + 500]))
        for row in await connection.execute(query.order_by(recipient.c.held_id, recipient.c.position)):
            found.setdefault(row.held_id, []).append(HeldRecipient(row.address, row.delivered))
    return {held_id: tuple(recipients) for held_id, recipients in found.items()}
