from __future__ import annotations

import asyncio
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.closed_sets import HeldState
from gateway.quarantine import NotPossible, Quarantine, ReleaseFailed
from gateway.quarantine.retention import SteadyClock
from tests.unit.quarantine.made import ID, OTHER, Hop, keep, opened, urls

MONTH = timedelta(days=30)


async def age(folder: Path, held_id: str, *, record: timedelta, file: timedelta) -> None:
    """Make a message older, its record and its file each by its own, and index it anew."""
    box = folder / "messages" / held_id[:2] / held_id
    fields = json.loads((box / "record.json").read_bytes())
    fields["kept_at"] = (datetime.now(UTC) - record).isoformat()
    (box / "record.json").write_text(json.dumps(fields))
    then = time.time() - file.total_seconds()
    os.utime(box / "message.eml", (then, then))
    await Quarantine.rebuild(*urls(folder))


@pytest.mark.parametrize(
    ("record", "file", "expired"),
    [
        (2 * MONTH, 2 * MONTH, 1),
        (MONTH / 2, MONTH / 2, 0),
        (2 * MONTH, MONTH / 2, 0),
        (MONTH / 2, 2 * MONTH, 0),
    ],
)
async def test_only_what_is_old_by_record_and_by_file_goes(
    tmp_path: Path, record: timedelta, file: timedelta, expired: int
) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
    await age(tmp_path, ID, record=record, file=file)
    async with opened(tmp_path) as store:
        assert await store.expire(MONTH) == expired
        assert await store.expire(MONTH) == 0
        held = await store.get(ID)
    assert held.message.state is (HeldState.EXPIRED if expired else HeldState.HELD)
    assert (tmp_path / "messages/3f" / ID / "message.eml").exists() is not bool(expired)
    assert (tmp_path / "messages/3f" / ID / "record.json").exists()


async def test_the_floor_holds_against_a_setting_too_short(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        assert await store.expire(timedelta(0)) == 0
        assert await store.expire(timedelta(0), floor=timedelta(0), who="ann") == 1
        last = (await store.get(ID)).journal.last
    assert (last.state, last.who) == (HeldState.EXPIRED, "ann")


async def test_a_released_message_loses_its_bytes_and_stays_released(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await store.release(ID, who="a", why="x", deliver=Hop().deliver)
        assert await store.expire(timedelta(0), floor=timedelta(0)) == 1
        message = (await store.get(ID)).message
        assert (message.state, message.stored) == (HeldState.RELEASED, 0)
        with pytest.raises(NotPossible, match=r"bytes of .* are gone"):
            await store.release(ID, who="a", why="x", deliver=Hop().deliver, again=True)


async def test_a_damaged_record_does_not_keep_the_others(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await keep(store, OTHER)
        (tmp_path / "messages/3f" / ID / "record.json").write_bytes(b"{")
        assert await store.expire(timedelta(0), floor=timedelta(0)) == 1
        assert (await store.get(OTHER)).message.state is HeldState.EXPIRED


async def test_what_is_being_released_is_not_purged(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        during: list[int] = []

        class Slow(Hop):
            async def deliver(self, envelope, client, content):  # type: ignore[no-untyped-def]
                during.append(await store.expire(timedelta(0), floor=timedelta(0)))
                return await super().deliver(envelope, client, content)

        hop = Slow()
        await store.release(ID, who="a", why="x", deliver=hop.deliver)
        assert during == [0]
        assert len(hop.got) == 1
        assert (await store.get(ID)).message.state is HeldState.RELEASED


async def test_purge_and_release_at_once_end_cleanly(tmp_path: Path) -> None:
    ids = [f"{number:016x}" for number in range(12)]
    hop = Hop()
    async with opened(tmp_path) as store:
        for number, held_id in enumerate(ids):
            await keep(store, held_id, body=b"%d" % number)
        purge = store.expire(timedelta(0), floor=timedelta(0))
        releases = (store.release(held_id, who="a", why="x", deliver=hop.deliver) for held_id in reversed(ids))
        purged, *results = await asyncio.gather(purge, *releases, return_exceptions=True)
        assert not isinstance(purged, BaseException)
        states = [message.state for message in await store.find()]
    assert not any(isinstance(result, ReleaseFailed) for result in results)
    refused = sum(isinstance(result, NotPossible) for result in results)
    assert states.count(HeldState.EXPIRED) == refused
    assert states.count(HeldState.RELEASED) == len(hop.got) == len(ids) - refused


@pytest.mark.parametrize(
    ("wall", "monotonic", "now"),
    [(1000.0, 100.0, 1000.0), (1060.0, 160.0, 1060.0), (90_000.0, 160.0, 1060.0), (500.0, 160.0, 500.0)],
)
def test_the_clock_does_not_jump_ahead(wall: float, monotonic: float, now: float) -> None:
    assert SteadyClock(1000.0, 100.0).now(wall, monotonic).timestamp() == now
