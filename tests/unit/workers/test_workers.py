"""The pool as its callers see it: answers, order, limits, memory. How it takes faults: tests/faults."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from gateway.closed_sets import Action, Kind, Verdict
from gateway.jail.wire import INLINE
from gateway.message import Decision, Report, ScanFailed, Span
from gateway.spool import MEMORY_LIMIT, Spool
from gateway.workers.link import Nursery, WorkerLink, WorkerUnfit
from tests.stubs.pool import Pool, pool, until
from tests.stubs.worker_tasks import message

STRIP = Decision(Action.STRIP, "rule", "why", ("2",))
REPORT = Report(Verdict.AUTOEXEC)


async def held(jail: Pool, count: int) -> list[asyncio.Task[str]]:
    """``count`` messages that keep their workers busy or wait for one; all of them have been taken in."""
    tasks = [asyncio.create_task(jail.order("sleep 0.2")) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_it_disarms_or_says_why_not() -> None:
    async with pool(workers=1) as jail:
        answer, document = await jail.workers.disarm(Spool.of(b"armed"), name="a.docm")
        assert (answer.name, answer.removed, bytes(document)) == ("a.docm", ("its macros",), b"without")
        for order, why in ((b"cannot", "it still shows"), (b"large", "the result is larger than 64 MiB")):
            with pytest.raises(ScanFailed) as caught:
                await jail.workers.disarm(Spool.of(order), name="a.docm")
            assert caught.value.detail == why
        assert jail.deaths() == {}


async def test_a_message_is_examined_in_a_worker() -> None:
    async with pool() as jail:
        report = await jail.examine("ok")
        assert report.verdict is Verdict.CLEAN
        assert report.findings[0].detail == f"{len(message('ok'))} bytes"
        assert jail.value("workers") == 1
        assert jail.value("workers_busy") == 0
        assert jail.value("queue_wait_seconds_count") == 1


@pytest.mark.parametrize("size", [0, 1, INLINE, INLINE + 1, MEMORY_LIMIT, MEMORY_LIMIT + 1, 5 << 20])
async def test_every_byte_reaches_the_worker(size: int) -> None:
    async with pool() as jail:
        content = Spool.of(bytes(size))
        assert (await jail.workers.examine(content)).findings[0].detail == f"{size} bytes"
        content.close()


async def test_messages_are_examined_side_by_side_and_answers_are_not_mixed() -> None:
    async with pool(workers=2, queue=50) as jail:
        said = await asyncio.gather(*(jail.order("x" * size) for size in range(50)))
        assert said == [f"{len(message('x' * size))} bytes" for size in range(50)]


async def test_a_rewrite_comes_back_as_edits() -> None:
    async with pool() as jail:
        edits = await jail.workers.rewrite(Spool.of(message("ok")), STRIP, "0123abcd")
        assert [(splice.span, splice.replacement) for splice in edits.splices] == [
            (Span(0, 0), b"0123abcd"),
            (Span(3, 5), b"notice"),
        ]


async def test_a_rewrite_may_be_large() -> None:
    async with pool() as jail:
        edits = await jail.workers.rewrite(Spool.of(message("large")), STRIP, "id")
        assert edits.splices[1].replacement == b"x" * (40 << 20)
        assert await jail.order("ok")


async def test_a_rewrite_that_cannot_be_done_says_why_and_costs_no_worker() -> None:
    async with pool() as jail:
        with pytest.raises(ScanFailed, match="the target is still there"):
            await jail.workers.rewrite(Spool.of(message("cannot")), STRIP, "id")
        assert jail.deaths() == {}


async def test_edits_that_cannot_be_are_refused() -> None:
    async with pool() as jail:
        with pytest.raises(ScanFailed, match="out of order"):
            await jail.workers.rewrite(Spool.of(message("backwards")), STRIP, "id")
        assert jail.deaths() == {"protocol": 1}


async def test_whoever_finds_the_queue_full_is_told_at_once() -> None:
    async with pool(queue=1) as jail:
        tasks = await held(jail, 2)
        failure = await jail.failure("ok")
        assert (failure.kind, failure.detail, failure.poison) == (Kind.LIMIT, "all workers are busy", False)
        assert len(await asyncio.gather(*tasks)) == 2


async def test_whoever_waits_too_long_is_told_so() -> None:
    async with pool(queue_timeout=0.01) as jail:
        working = asyncio.create_task(jail.order("sleep 1"))
        await asyncio.sleep(0)
        assert (await jail.failure("ok")).detail == "all workers are busy"
        await working
        assert await jail.order("ok")


async def test_a_caller_that_leaves_while_waiting_leaves_its_place() -> None:
    async with pool(queue=1) as jail:
        working, waiting = await held(jail, 2)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert await jail.order("ok")
        assert await working


async def test_a_caller_that_leaves_while_its_message_is_examined_costs_no_worker() -> None:
    async with pool() as jail:
        (working,) = await held(jail, 1)
        await until(lambda: jail.value("workers_busy") == 1)
        working.cancel()
        await asyncio.wait([working])
        assert await jail.order("ok")
        assert jail.deaths() == {}


async def test_a_caller_that_leaves_as_its_turn_comes_gives_the_worker_back() -> None:
    async with pool() as jail:
        working, waiting = await held(jail, 2)
        working.add_done_callback(lambda _: waiting.cancel())
        await asyncio.wait([working, waiting])
        assert await jail.order("ok")


async def test_stopping_ends_what_runs_and_what_waits() -> None:
    async with pool() as jail:
        tasks = await held(jail, 3)
        await until(lambda: jail.value("workers_busy") == 1)
        await jail.workers.stop()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [(type(result), str(result)) for result in results] == [(ScanFailed, "the gateway is stopping")] * 3
        assert (await jail.failure("ok")).detail == "the gateway is stopping"
        assert jail.deaths() == {}
        assert jail.value("workers") == 0


async def test_a_worker_is_replaced_after_so_many_messages_which_is_no_death() -> None:
    async with pool(messages_per_worker=2) as jail:
        said = [await jail.order("facts") for _ in range(6)]
        processes = [text.split()[0] for text in said]
        assert processes[0] == processes[1] != processes[2] == processes[3] != processes[4]
        assert jail.deaths() == {}


async def test_a_worker_that_took_a_risk_sees_no_other_message() -> None:
    async with pool() as jail:
        said = [(await jail.order(order)).split()[0] for order in ("exposed", "exposed", "facts", "facts")]
        assert len(set(said)) == 3
        assert said[2] == said[3]
        assert jail.deaths() == {}


async def test_a_worker_that_cannot_begin_says_why_and_none_is_left() -> None:
    with pytest.raises(WorkerUnfit, match="ValueError: no rule in the rule file"):
        async with pool(workers=2, contact="unfit"):
            pass


async def test_tasks_that_do_not_exist_say_so() -> None:
    with pytest.raises(WorkerUnfit, match="No module named"):
        async with pool(tasks="gateway.nowhere:make"):
            pass


async def test_a_bad_document_is_remembered() -> None:
    async with pool() as jail:
        first, second = await jail.examine("bad invoice.docm"), await jail.examine("bad invoice.docm")
        assert (first.recalled, second.recalled) == (0, 1)
        assert second.findings == first.findings
        assert jail.value("verdict_cache_entries") == 1
        assert jail.value("verdict_cache_total", result="hit") == 1
        other = await jail.examine("bad other.docm")
        assert other.recalled == 0
        assert jail.value("verdict_cache_total", result="miss") == 1


async def test_what_the_jail_lacks_is_told_once_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async with pool(workers=2) as jail:
        assert [line for line in jail.events() if line["event"] == "jail"] == []
        link = next(iter(jail.workers._links))
        link.ready = replace(link.ready, missing=("landlock",))
        jail.workers._tell_missing(list(jail.workers._links))
        assert [line["missing"] for line in jail.events()] == [["landlock"]]


async def test_no_descriptor_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: Spool) -> int:
        raise OSError(24, "Too many open files")

    async with pool() as jail:
        monkeypatch.setattr(Spool, "descriptor", none_left)
        with pytest.raises(ScanFailed) as caught:
            await jail.workers.examine(Spool.of(bytes(INLINE + 1)))
        assert caught.value.kind is Kind.LIMIT
        monkeypatch.undo()
        assert await jail.order("ok")


def test_it_works_under_uvloop() -> None:
    async def both() -> tuple[str, ScanFailed, str]:
        async with pool(timeout=0.2) as jail:
            return await jail.order("ok"), await jail.failure("hang"), await jail.order("ok")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        first, failure, second = runner.run(both())
    assert failure.kind is Kind.TIMEOUT
    assert first == second == f"{len(message('ok'))} bytes"


async def test_a_worker_holds_nothing_but_its_channel_and_the_message() -> None:
    async with pool() as jail:
        said = await jail.order("facts")
        assert f"parent={os.getpid()}" not in said
        descriptors = said.partition("descriptors=[")[2].rstrip("]").split(", ")
        assert len(descriptors) <= 7  # 0-3, its memory's counter, the map of the message, landlock's rule set


async def test_a_start_that_is_broken_off_leaves_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[WorkerLink] = []
    up, start = asyncio.Event(), Nursery.start

    async def only_the_first(nursery: Nursery) -> WorkerLink:
        if up.is_set():
            await asyncio.Event().wait()
        up.set()
        begun.append(await start(nursery))
        ready.set()
        return begun[0]

    ready = asyncio.Event()
    monkeypatch.setattr(Nursery, "start", only_the_first)

    async def open_one() -> None:
        async with pool(workers=2):
            pass

    opening = asyncio.create_task(open_one())
    await ready.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert begun[0].process.news.fileno() == -1  # its end was waited for
    assert not Path(f"/proc/{begun[0].process.pid}").exists()
