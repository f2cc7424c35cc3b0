from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from gateway.quarantine import turns
from gateway.quarantine.turns import Turns

BRIEF = 0.05


@pytest.fixture
def queue() -> Iterator[Turns]:
    one = Turns("test", 1)
    yield one
    one.close()


class Work:
    """What takes until ``go_on`` is set."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        self.go_on.wait(30)
        return "done"


async def begun(queue: Turns) -> tuple[Work, asyncio.Task[str]]:
    """Something the queue is busy with."""
    work = Work()
    task = asyncio.create_task(queue.take(work))
    await asyncio.to_thread(work.begun.wait, 30)
    return work, task


async def given(queue: Turns, work: Callable[[], None], *, sure: bool = False) -> asyncio.Task[None]:
    task = asyncio.create_task(queue.take(work, sure=sure))
    await asyncio.sleep(0)
    return task


async def test_work_is_done_in_the_order_it_came(queue: Turns) -> None:
    first, task = await begun(queue)
    done = list[int]()
    tasks = [await given(queue, partial(done.append, number)) for number in range(20)]
    first.go_on.set()
    await asyncio.gather(task, *tasks)
    assert done == list(range(20))


async def test_what_it_raises_is_raised(queue: Turns) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await queue.take(partial(int, "x"))


async def test_what_has_not_begun_in_time_is_never_done(queue: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    first, task = await begun(queue)
    done = list[str]()
    monkeypatch.setattr(turns, "TURN_SECONDS", BRIEF)
    with pytest.raises(TimeoutError):
        await queue.take(partial(done.append, "late"))
    monkeypatch.undo()
    first.go_on.set()
    assert await task == "done"
    await queue.take(partial(done.append, "next"))
    assert done == ["next"]


async def test_what_has_begun_is_waited_for(queue: Turns, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work()
    monkeypatch.setattr(turns, "TURN_SECONDS", BRIEF)
    turn = queue.begin(work)
    await asyncio.to_thread(work.begun.wait, 30)
    monkeypatch.setattr(queue, "begin", lambda _: turn)
    task = asyncio.create_task(queue.take(work))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), BRIEF * 4)
    work.go_on.set()
    assert await task == "done"


async def test_what_nobody_waits_for_any_more_is_not_begun(queue: Turns) -> None:
    first, task = await begun(queue)
    done = list[str]()
    given_up = await given(queue, partial(done.append, "given up"))
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    first.go_on.set()
    await task
    await queue.take(partial(done.append, "next"))
    assert done == ["next"]


async def test_what_is_sure_is_done_however_late_and_whoever_gives_up(
    queue: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, task = await begun(queue)
    done = list[str]()
    monkeypatch.setattr(turns, "TURN_SECONDS", BRIEF)
    sure = [await given(queue, partial(done.append, word), sure=True) for word in ("late", "alone")]
    await asyncio.sleep(BRIEF * 4)
    monkeypatch.undo()
    sure[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await sure[1]
    assert done == []
    first.go_on.set()
    await asyncio.gather(task, sure[0])
    await queue.take(partial(done.append, "next"))
    assert done == ["late", "alone", "next"]


async def test_its_end_is_after_all_that_was_given_and_then_nothing_is_taken(queue: Turns) -> None:
    done = list[int]()
    tasks = [await given(queue, partial(done.append, number)) for number in range(10)]
    await asyncio.to_thread(queue.close)
    assert done == list(range(10))
    await asyncio.gather(*tasks)
    with pytest.raises(OSError, match="it is being closed"):
        await queue.take(partial(done.append, 10))
