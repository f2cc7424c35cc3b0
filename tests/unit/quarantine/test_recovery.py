from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from gateway.closed_sets import HeldState
from gateway.quarantine import Quarantine, Settled, StoreBusy, StoreRefused
from gateway.quarantine.journal import What
from tests.unit.quarantine.made import BODY, ID, OTHER, Hop, keep, opened, urls


def forget(folder: Path, held_id: str) -> None:
    """Take the row out of the index, as a crash before its commit would."""
    connection = sqlite3.connect(folder / "quarantine.db")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("DELETE FROM held WHERE id = ?", (held_id,))
    connection.commit()
    connection.close()


async def test_a_quarantine_in_order_needs_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
    async with opened(tmp_path) as store:
        assert store.settled == Settled()


async def test_a_record_without_row_is_found_and_marked(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await keep(store, OTHER)
    forget(tmp_path, OTHER)
    async with opened(tmp_path) as store:
        assert store.settled == Settled(indexed=1)
        held = await store.get(OTHER)
        with await store.open_message(OTHER) as message:
            assert message.read() == BODY
    assert held.message.recovered
    assert held.message.duplicate_of == ID
    assert held.journal.last.what is What.RECOVERED
    await Quarantine.rebuild(*urls(tmp_path))
    async with opened(tmp_path) as store:
        assert (await store.get(OTHER)).message.recovered


async def test_unfinished_writes_are_removed(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    unfinished = tmp_path / "messages/3f" / f"{ID}.tmp"
    unfinished.mkdir()
    (unfinished / "message.eml").write_bytes(b"half")
    async with opened(tmp_path) as store:
        assert store.settled == Settled(swept=1)
        assert await store.find() == ()
    assert not unfinished.exists()


async def test_a_row_without_files_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
    shutil.rmtree(tmp_path / "messages/3f" / ID)
    async with opened(tmp_path) as store:
        assert store.settled == Settled(missing=(ID,))


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff" * 100])
async def test_a_record_nobody_can_read_is_told_and_left(tmp_path: Path, damage: bytes) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await keep(store, OTHER)
    (tmp_path / "messages/3f" / ID / "record.json").write_bytes(damage)
    settled = await Quarantine.rebuild(*urls(tmp_path))
    assert settled.indexed == 1
    assert len(settled.unreadable) == 1
    assert settled.unreadable[0].startswith(ID)
    assert (tmp_path / "messages/3f" / ID / "message.eml").read_bytes() == BODY


async def test_an_index_that_is_lost_is_made_anew_with_states_and_history(tmp_path: Path) -> None:
    hop = Hop(refuses=frozenset({"two@example.com"}))
    async with opened(tmp_path) as store:
        await keep(store)
        await keep(store, OTHER, body=b"other")
        with pytest.raises(Exception, match="550"):
            await store.release(ID, who="ann", why="expected", deliver=hop.deliver)
        await store.delete(OTHER, who="bob", why="spam")
        before = {message.id: message for message in await store.find()}
        history = [(await store.get(held_id)).journal for held_id in (ID, OTHER)]
    for path in tmp_path.glob("quarantine.db*"):
        path.unlink()
    async with opened(tmp_path) as store:
        assert store.settled == Settled(indexed=2)
        assert {message.id: message for message in await store.find()} == before
        assert [(await store.get(held_id)).journal for held_id in (ID, OTHER)] == history
        assert [recipient.delivered for recipient in before[ID].recipients] == [True, False]


async def test_a_row_behind_its_journal_catches_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await store.release(ID, who="ann", why="expected", deliver=Hop().deliver)
    connection = sqlite3.connect(tmp_path / "quarantine.db")
    connection.execute("UPDATE held SET state = 'releasing', revision = 1")
    connection.execute("DELETE FROM audit WHERE sequence = 2")
    connection.commit()
    connection.close()
    async with opened(tmp_path) as store:
        held = await store.get(ID)
    assert held.message.state is HeldState.RELEASED
    assert held.trusted


async def test_bytes_left_by_an_interrupted_delete_go_at_the_next_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await store.delete(ID, who="ann", why="spam")
    path = tmp_path / "messages/3f" / ID / "message.eml"
    path.write_bytes(BODY)
    connection = sqlite3.connect(tmp_path / "quarantine.db")
    connection.execute("UPDATE held SET stored = ?", (len(BODY),))
    connection.commit()
    connection.close()
    async with opened(tmp_path) as store:
        assert (await store.get(ID)).message.stored == 0
    assert not path.exists()


async def test_rebuild_waits_for_no_daemon(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(StoreBusy):
            await Quarantine.rebuild(*urls(tmp_path))


async def test_rebuild_of_nothing_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="There are no messages"):
        await Quarantine.rebuild(*urls(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
