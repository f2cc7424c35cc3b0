"""Messages that wait at one moment share a transaction, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event
from sqlalchemy.exc import IntegrityError, OperationalError

from gateway.closed_sets import HeldState
from gateway.message import Client, Envelope, KeepFailed, Reply
from gateway.quarantine import Quarantine, QuarantineError, database, turns
from gateway.quarantine.entering import MOST, Group
from gateway.quarantine.index import Index
from gateway.quarantine.journal import Journal
from gateway.quarantine.models import Files
from gateway.quarantine.sidecar import Record, encode
from tests.unit.quarantine.made import BODY, DECISION, ID, OTHER, REPORT, Hop, keep, opened, transaction

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def files(number: int, held_id: str = "") -> Files:
    """What is kept of a message with bytes of its own, a second after the one before."""
    kept_at = NOON + timedelta(seconds=number)
    record = Record(held_id or name(number), kept_at, transaction(), REPORT, DECISION, 7, f"{number:064x}")
    return Files(record, Journal.of(record, encode(record)), 7, 0.0)


def name(number: int) -> str:
    return f"{number:016x}"


class Busy:
    """``async with Busy(index):`` the thread that writes is kept from anything else until the end of the block."""

    def __init__(self, index: Index) -> None:
        self._index, self._go_on = index, threading.Event()

    async def __aenter__(self) -> None:
        begun = threading.Event()

        def hold() -> None:
            begun.set()
            self._go_on.wait(30)

        self._held = asyncio.create_task(self._index._writer.take(hold))
        await asyncio.to_thread(begun.wait, 30)

    async def __aexit__(self, *_: object) -> None:
        self._go_on.set()
        await self._held


async def waiting(index: Index, number: int) -> None:
    """Until so many wait to be entered."""
    async with asyncio.timeout(30):
        while len(index._group._waiting) < number:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.005)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Quarantine]:
    async with opened(tmp_path) as one:
        yield one


@pytest.fixture
def index(store: Quarantine) -> Index:
    return store._ledger.index


@pytest.mark.parametrize(("number", "transactions"), [(1, 1), (30, 1), (MOST, 1), (MOST + 1, 2), (3 * MOST, 3)])
async def test_all_that_wait_share_a_transaction_of_bounded_size(index: Index, number: int, transactions: int) -> None:
    async with Busy(index):
        entered = [asyncio.create_task(index.enter(files(one))) for one in range(number)]
        await waiting(index, number)
        commits = list[Connection]()
        event.listen(index._engine, "commit", commits.append)
    await asyncio.gather(*entered)
    assert len(commits) == transactions
    assert await index.ids() == {name(one) for one in range(number)}


async def test_nobody_is_told_before_the_commit(index: Index) -> None:
    told: list[list[bool]] = []
    async with Busy(index):
        entered = [index._group.join(files(one)) for one in range(3)]
        event.listen(index._engine, "commit", lambda _: told.append([one.done() for one in entered]))
    await asyncio.gather(*(asyncio.wrap_future(one) for one in entered))
    assert told == [[False] * 3]


async def test_twins_of_one_transaction_know_each_other(store: Quarantine, index: Index) -> None:
    async with Busy(index):
        kept = [asyncio.create_task(keep(store, name(one))) for one in range(5)]
        await waiting(index, 5)
    await asyncio.gather(*kept)
    found = {message.id: message.duplicate_of for message in await store.find()}
    originals = [one for one, other in found.items() if other is None]
    assert len(originals) == 1
    assert {other for other in found.values() if other} == set(originals)
    assert len({message.place for message in await store.find()}) == 5


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad=st.lists(st.booleans(), min_size=1, max_size=12))
async def test_what_cannot_be_entered_costs_the_others_nothing(index: Index, bad: list[bool]) -> None:
    before = await index.ids()
    first = files(len(before) * 100)
    await index.enter(first)
    taken = first.record.held_id
    async with Busy(index):
        group = [files(int(taken, 16) + 1 + at, taken if is_bad else "") for at, is_bad in enumerate(bad)]
        entered = [asyncio.create_task(index.enter(one)) for one in group]
        await waiting(index, len(bad))
    results = await asyncio.gather(*entered, return_exceptions=True)
    assert [isinstance(result, IntegrityError) for result in results] == bad
    assert await index.ids() - before == {taken, *(one.record.held_id for one in group)}


async def test_a_message_that_cannot_be_entered_is_taken_back_and_the_others_are_held(
    store: Quarantine, index: Index, tmp_path: Path
) -> None:
    await index.enter(files(1, ID))
    async with Busy(index):
        kept = [asyncio.create_task(keep(store, held_id)) for held_id in (name(7), ID, OTHER)]
        await waiting(index, 3)
    results = await asyncio.gather(*kept, return_exceptions=True)
    assert results[::2] == [name(7), OTHER]
    assert isinstance(results[1], KeepFailed)
    assert sorted(path.name for path in (tmp_path / "messages").glob("*/*")) == [name(7), OTHER]


async def test_values_that_nobody_can_write_are_one_message_s_trouble(index: Index) -> None:
    odd = replace(files(3).record, sha256="\ud800")
    async with Busy(index):
        entered = [asyncio.create_task(index.enter(one)) for one in (files(1), replace(files(3), record=odd), files(2))]
        await waiting(index, 3)
    results = await asyncio.gather(*entered, return_exceptions=True)
    assert results[::2] == [None, None]
    assert isinstance(results[1], UnicodeEncodeError)
    assert await index.ids() == {name(1), name(2)}


async def test_a_lock_is_waited_for_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    async with opened(tmp_path) as store:
        index = store._ledger.index
        begun, writing = list[str](), index._group._writing
        monkeypatch.setattr(index._group, "_writing", lambda: begun.append("begun") or writing())
        with contextlib.closing(sqlite3.connect(tmp_path / "quarantine.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with Busy(index):
                entered = [asyncio.create_task(index.enter(files(one))) for one in range(10)]
                await waiting(index, 10)
            results = await asyncio.gather(*entered, return_exceptions=True)
        assert [str(getattr(result, "orig", result)) for result in results] == ["database is locked"] * 10
        assert len(begun) == 1


async def test_after_a_sync_that_failed_those_behind_are_not_tried(
    store: Quarantine, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    failure = sqlite3.OperationalError("disk I/O error")
    failure.sqlite_errorname = "SQLITE_IOERR_FSYNC"

    def failing(_: Connection, new: list[Files]) -> None:
        tried.append(len(new))
        raise OperationalError("COMMIT", {}, failure)

    monkeypatch.setattr("gateway.quarantine.entering.add", failing)
    async with Busy(index):
        entered = [asyncio.create_task(index.enter(files(one))) for one in range(2 * MOST)]
        await waiting(index, 2 * MOST)
    results = await asyncio.gather(*entered, return_exceptions=True)
    assert {type(result) for result in results} == {OperationalError}
    assert tried == [MOST]
    monkeypatch.undo()
    with pytest.raises(KeepFailed, match="nothing is kept until a restart"):
        await keep(store)
    assert store.trouble
    assert await store.find() == ()


def test_those_who_wait_have_one_turn_among_them_so_that_nobody_stands_behind_a_crowd() -> None:
    turns_taken: list[Callable[[], None]] = []
    group = Group(contextlib.nullcontext, turns_taken.append)  # type: ignore[arg-type]
    for number in range(10):
        group.join(files(number))
    assert len(turns_taken) == 1
    turns_taken[0]()
    group.join(files(10))
    assert len(turns_taken) == 2


def test_who_cannot_wait_any_more_is_told_so() -> None:
    def closed(_: Callable[[], None]) -> None:
        raise OSError

    group = Group(contextlib.nullcontext, closed)  # type: ignore[arg-type]
    for number in range(2):
        with pytest.raises(OSError):  # noqa: PT011 - it is the one from above
            group.join(files(number))


async def test_who_gave_up_is_not_entered(index: Index) -> None:
    async with Busy(index):
        entered = [asyncio.create_task(index.enter(files(one))) for one in range(3)]
        await waiting(index, 3)
        entered[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await entered[1]
    await asyncio.gather(entered[0], entered[2])
    assert await index.ids() == {name(0), name(2)}


# --- people ---


async def test_a_deed_whose_turn_does_not_come_is_not_done(
    store: Quarantine, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(store)
    async with Busy(index):
        monkeypatch.setattr(turns, "TURN_SECONDS", 0.05)
        with pytest.raises(QuarantineError, match="could not be changed: the quarantine was busy for too long"):
            await store.delete(ID, who="ann", why="spam")
        monkeypatch.undo()
    held = await store.get(ID)
    assert [entry.sequence for entry in held.journal.entries] == [0]
    with await store.open_message(ID) as message:
        assert message.read() == BODY


async def test_what_was_sent_is_noted_however_long_that_takes(
    store: Quarantine, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(store)
    busy, hop = Busy(index), Hop()

    async def deliver(envelope: Envelope, client: Client, content: Iterable[bytes]) -> list[Reply]:
        await busy.__aenter__()
        monkeypatch.setattr(turns, "TURN_SECONDS", 0.01)
        asyncio.get_running_loop().call_later(0.3, busy._go_on.set)
        return await hop.deliver(envelope, client, content)

    done = await store.release(ID, who="ann", why="expected", deliver=deliver)
    monkeypatch.undo()
    assert done.state is HeldState.RELEASED
    assert (await store.get(ID)).trusted


async def test_mail_that_waits_for_its_files_keeps_nobody_from_reading(
    store: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(store)
    go_on = threading.Event()
    monkeypatch.setattr("gateway.failpoints.reach", lambda place: place != "message-written" or go_on.wait(30))
    kept = [asyncio.create_task(keep(store, name(one))) for one in range(12)]
    await asyncio.sleep(0.05)
    assert (await store.get(ID)).message.id == ID
    await store.delete(ID, who="ann", why="spam")
    go_on.set()
    await asyncio.gather(*kept)
    assert len(await store.find()) == 13
