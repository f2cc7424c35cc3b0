"""The file of exceptions: written by several, read by one."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway import exceptions as module
from gateway.closed_sets import Effect
from gateway.exceptions import BadException, ExceptionList, ExceptionsError, NoSuchEntry
from gateway.policy.entries import Subject

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class At:
    """A clock somebody sets."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def service(tmp_path: Path) -> ExceptionList:
    return ExceptionList(tmp_path / "exceptions.json", At())


async def add(service: ExceptionList, what: str = "partner.example", effect: Effect = Effect.ALLOW) -> str:
    return (await service.add(effect, Subject.SENDER, what, why="contract", who="ann")).id


async def test_what_one_writes_another_reads_and_tells_as_news(service: ExceptionList) -> None:
    daemon = ExceptionList(service.path, At())
    assert await daemon.refresh() == module.Changes()
    first = await add(service)
    news = await daemon.refresh()
    assert ([entry.id for entry in news.added], news.removed) == ([first], ())
    assert await daemon.refresh() == module.Changes()
    assert service.path.stat().st_mode & 0o777 == 0o600
    gone = await service.remove(first[:4], who="bob", why="over")
    assert (gone.removed_by, gone.removed_why) == ("bob", "over")
    assert [entry.id for entry in (await daemon.refresh()).removed] == [first]
    assert await service.find() == []
    assert [entry.id for entry in await service.find(all=True)] == [first]


async def test_two_who_write_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    lists = [ExceptionList(tmp_path / "exceptions.json") for _ in range(4)]
    await asyncio.gather(*(add(one, f"p{at}.example") for at, one in enumerate(lists * 3)))
    assert len(await lists[0].find()) == 12
    assert [path.name for path in tmp_path.iterdir()] == ["exceptions.json"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2, "entries": []}', '{"format": 1, "entries": [{}]}'])
async def test_a_file_that_cannot_be_used_allows_nothing_and_still_blocks(service: ExceptionList, content: str) -> None:
    await add(service)
    blocked = await add(service, "evil.example", Effect.BLOCK)
    await service.refresh()
    good = service.path.read_text()
    service.path.write_text(content)
    news = await service.refresh()
    assert "is not a file of exceptions" in news.trouble
    assert [entry.id for entry in service.current.entries] == [blocked]
    assert await service.refresh() == module.Changes()  # told once
    with pytest.raises(ExceptionsError, match="is not a file of exceptions"):
        await add(service)
    assert service.path.read_text() == content  # nobody's work is overwritten
    service.path.write_text(good)
    news = await service.refresh()
    assert news.mended
    assert not service.trouble
    assert len(service.current.entries) == 2


async def test_a_file_others_may_write_is_not_believed(service: ExceptionList) -> None:
    await add(service)
    service.path.chmod(0o666)
    assert "can be written by others" in (await service.refresh()).trouble
    assert service.current.entries == ()


async def test_a_file_that_is_gone_has_no_entries(service: ExceptionList) -> None:
    await add(service)
    await service.refresh()
    service.path.unlink()
    await service.refresh()
    assert (service.current.entries, service.trouble) == ((), "")


async def test_what_ended_is_kept_for_a_year(service: ExceptionList) -> None:
    old = await add(service)
    clock = service._clock
    assert isinstance(clock, At)
    clock.now = NOW + timedelta(days=200)
    await add(service)
    assert old in {entry.id for entry in await service.find(all=True)}
    assert old not in {entry.id for entry in await service.find()}
    clock.now = NOW + timedelta(days=400)
    await add(service)
    assert old not in {entry.id for entry in await service.find(all=True)}


async def test_there_is_an_end_to_them(service: ExceptionList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    first = await add(service, "one.example")
    await add(service, "two.example")
    with pytest.raises(ExceptionsError, match="2 exceptions already"):
        await add(service, "three.example")
    await service.remove(first, who="ann", why="room")
    await add(service, "three.example")
    assert len(json.loads(service.path.read_text())["entries"]) == 2


async def test_what_cannot_be_is_refused_with_a_sentence(service: ExceptionList, tmp_path: Path) -> None:
    with pytest.raises(BadException, match="no sender"):
        await add(service, "?")
    with pytest.raises(NoSuchEntry, match="There is no exception"):
        await service.remove("00", who="ann", why="w")
    one = await add(service)
    with pytest.raises(BadException, match="A reason is needed"):
        await service.remove(one, who="ann", why="")
    await service.remove(one, who="ann", why="over")
    with pytest.raises(NoSuchEntry, match="not in force any more"):
        await service.remove(one, who="ann", why="again")
    (tmp_path / "file").write_text("")
    with pytest.raises(ExceptionsError, match="cannot be"):
        await add(ExceptionList(tmp_path / "file" / "exceptions.json"))
