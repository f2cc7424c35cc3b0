"""An index of an older version becomes one of this version, and loses nothing."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.quarantine import Filters, Quarantine, StoreRefused
from gateway.quarantine.migrations import STEPS
from gateway.quarantine.schema import VERSION
from tests.unit.quarantine.made import ID, OTHER, keep, opened, transaction, urls

OLD = """
DROP TABLE search; DROP TABLE searched; DROP TABLE macro; DROP TABLE file; DROP INDEX held_by_place;
ALTER TABLE held DROP COLUMN place; CREATE INDEX held_by_time ON held (kept_at, id);
UPDATE macrogate_version SET version = 1;
"""
"""What takes an index of this version back to version 1."""

YOUNGER = "DROP TABLE file; UPDATE macrogate_version SET version = 2;"
"""And to version 2."""


def shape(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every table with its columns, every index with what it is of."""
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        names = base.execute("SELECT name, type FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
        return {
            name: sorted(row[1:] for row in base.execute(f"PRAGMA {kind}_info({name})").fetchall())
            for name, kind in names
            if kind in ("table", "index")
        }


async def make_old(folder: Path, back: str = OLD) -> Path:
    """A quarantine of two messages, at the same moment, as version 1, or another one, had it."""
    async with opened(folder) as store:
        await keep(store, ID, of=transaction("one@example.com"))
        await keep(store, OTHER, of=transaction("two@example.com"))
    path = folder / "quarantine.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        base.executescript(back)
        if back is OLD:
            base.execute("UPDATE held SET kept_at = 1764000000.25")
    return path


def test_every_version_has_a_step() -> None:
    assert len(STEPS) == VERSION - 1


@pytest.mark.parametrize("back", [OLD, YOUNGER], ids=["1", "2"])
async def test_an_old_index_is_brought_up_and_looks_like_a_new_one(tmp_path: Path, back: str) -> None:
    path = await make_old(tmp_path, back)
    async with opened(tmp_path) as store:
        found = await store.find()
        assert {one.id for one in found} == {ID, OTHER}
        assert len({one.place for one in found}) == 2
        assert [one.id for one in await store.find(Filters(recipient="TWO@"))] == [OTHER]
        assert [one.id for one in await store.find(Filters(text="請求書 1@example.org one@"))] == [ID]
        assert len(await store.find(Filters(campaign="0f" * 32))) == 2
        assert len(await store.find(Filters(file="ab" * 32))) == 2
        await keep(store, "bb" * 8)
        assert len(await store.find(Filters(campaign="0f" * 32))) == 3
    (tmp_path / "new").mkdir()
    async with opened(tmp_path / "new"):
        pass
    assert shape(path) == shape(tmp_path / "new" / "quarantine.db")


async def test_what_has_lost_its_record_is_found_by_its_row(tmp_path: Path) -> None:
    await make_old(tmp_path)
    shutil.rmtree(tmp_path / "messages/3f" / ID)
    async with opened(tmp_path) as store:
        assert [one.id for one in await store.find(Filters(text="one@example"))] == [ID]
        assert store.settled.missing == (ID,)


async def test_a_command_leaves_an_old_index_alone(tmp_path: Path) -> None:
    path = await make_old(tmp_path)
    with pytest.raises(StoreRefused, match="restart the daemon"):
        await Quarantine.open(*urls(tmp_path), exclusive=False, two_person=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        assert base.execute("SELECT version FROM macrogate_version").fetchone() == (1,)
