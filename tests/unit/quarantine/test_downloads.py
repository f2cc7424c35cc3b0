"""Who takes a message is in its history, and nobody makes that grow without end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.quarantine import NotPossible
from gateway.quarantine.downloads import MOST, WITHIN, AlreadyNoted, take
from gateway.quarantine.journal import Entry, What
from gateway.quarantine.models import Files
from tests.unit.quarantine.made import ID, keep, opened

ANN, WHOLE = "ann (api)", "the whole message"


async def notes(tmp_path: Path, *taken: tuple[str, str, str]) -> list[tuple[str, str, str]]:
    """What the history says after these downloads."""
    async with opened(tmp_path) as store:
        await keep(store)
        await asyncio.gather(*(store.note_download(ID, who=who, why=why, what=what) for who, why, what in taken))
        entries = (await store.get(ID)).journal.entries
    return [(entry.who, entry.why, entry.detail) for entry in entries if entry.what is What.DOWNLOADED]


async def test_the_same_again_adds_no_line(tmp_path: Path) -> None:
    assert await notes(tmp_path, *[(ANN, "to see", WHOLE)] * 20) == [(ANN, "to see", WHOLE)]


async def test_another_person_part_or_reason_does(tmp_path: Path) -> None:
    taken = [
        (ANN, "to see", WHOLE),
        ("bob (api)", "to see", WHOLE),
        ("ann (web)", "to see", WHOLE),
        (ANN, "to see", "part 2"),
        (ANN, "ticket 7", WHOLE),
    ]
    assert sorted(await notes(tmp_path, *taken)) == sorted(taken)


async def test_what_is_cut_in_the_line_is_the_same_too(tmp_path: Path) -> None:
    taken = [(ANN, "x" * 600, WHOLE), (ANN, "x" * 700, WHOLE), (ANN, "x" * 600, "part " + "y" * 3000)] * 2
    assert len(await notes(tmp_path, *taken)) == 2


async def files(tmp_path: Path) -> Files:
    async with opened(tmp_path) as store:
        await keep(store)
        return await store._ledger.read(ID)


def after(known: Files, ages: list[timedelta], now: datetime) -> Files:
    """The same message, taken by ann so long ago, each time for another reason."""
    first = known.journal.last
    more = [
        Entry(number, now - age, ANN, What.DOWNLOADED, f"reason {number}", first.state, WHOLE)
        for number, age in enumerate(ages, 1)
    ]
    return replace(known, journal=replace(known.journal, entries=(first, *more)))


async def test_after_an_hour_it_is_noted_again(tmp_path: Path) -> None:
    now, known = datetime.now(UTC), await files(tmp_path)
    with pytest.raises(AlreadyNoted):
        take(after(known, [WITHIN - timedelta(seconds=1)], now), ANN, "reason 1", WHOLE, now)
    assert take(after(known, [WITHIN], now), ANN, "reason 1", WHOLE, now).what is What.DOWNLOADED
    future = after(known, [-2 * WITHIN], now)  # a clock that was wrong covers nothing
    assert take(future, ANN, "reason 1", WHOLE, now).detail == WHOLE


async def test_beyond_so_many_nothing_is_taken_unnoted(tmp_path: Path) -> None:
    now, known = datetime.now(UTC), await files(tmp_path)
    full = after(known, [timedelta(minutes=1)] * MOST, now)
    with pytest.raises(NotPossible, match="no more can be noted now"):
        take(full, ANN, "another", WHOLE, now)
    with pytest.raises(AlreadyNoted):
        take(full, ANN, "reason 1", WHOLE, now)
    assert take(full, "bob (api)", "another", WHOLE, now)
    assert take(after(known, [WITHIN] * MOST, now), ANN, "another", WHOLE, now)
