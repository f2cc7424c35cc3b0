"""A worker that hangs, dies, lies, stammers or breaks out: the message has no verdict, and nobody else notices."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from gateway.closed_sets import Kind
from gateway.message import ScanFailed
from gateway.spool import Spool
from tests.stubs.pool import pool, until
from tests.stubs.worker_tasks import message

DEADLY = [
    ("hang", Kind.TIMEOUT, "timeout"),  # F40
    ("spin", Kind.TIMEOUT, "timeout"),  # F40, in C
    ("eat", Kind.CRASH, "memory"),  # F41
    ("crash", Kind.CRASH, "crash"),  # F42
    ("quit_early", Kind.CRASH, "crash"),  # F42
    ("half", Kind.CRASH, "crash"),  # F42
    ("other", Kind.CRASH, "protocol"),  # F42
    ("garbage", Kind.CRASH, "protocol"),
    ("huge", Kind.CRASH, "protocol"),
    ("pester", Kind.CRASH, "protocol"),
    ("connect", Kind.CRASH, "crash"),  # G35
    ("execute", Kind.CRASH, "crash"),  # G35
    ("kill_parent", Kind.CRASH, "crash"),
]

HARMLESS = ["fail", "leave", "fork", "thread", "read_file", "write_file"]
"""Stopped by the jail or a bug of ours, and told by the worker itself."""


def worker_of(facts: str) -> int:
    return int(facts.partition("pid=")[2].partition(" ")[0])


def parent_of(facts: str) -> int:
    return int(facts.partition("parent=")[2].partition(" ")[0])


async def gone(process: int) -> None:
    """Wait for the end of a process that is not our child."""
    await until(lambda: not Path(f"/proc/{process}/stat").exists())


@pytest.mark.parametrize(("order", "kind", "reason"), DEADLY)
async def test_a_worker_that_fails_costs_one_message_its_verdict(order: str, kind: Kind, reason: str) -> None:
    async with pool(workers=2, timeout=0.5 if kind is Kind.TIMEOUT else 10.0) as jail:
        others = [asyncio.create_task(jail.order("sleep 0.1"))]
        await asyncio.sleep(0)
        failure = await jail.failure(order)
        assert (failure.kind, failure.poison) == (kind, False)
        assert jail.deaths() == {reason: 1}
        assert [line["reason"] for line in jail.events() if line["event"] == "worker-died"] == [reason]
        assert await asyncio.gather(*others, jail.order("ok"), jail.order("ok"))


@pytest.mark.parametrize("order", HARMLESS)
async def test_what_the_worker_can_tell_itself_costs_no_worker(order: str) -> None:
    async with pool() as jail:
        failure = await jail.failure(order)
        assert failure.kind is Kind.CRASH
        assert jail.deaths() == {}
        assert await jail.order("ok")
    assert not Path("/tmp/written-by-a-worker").exists()


async def test_a_worker_killed_at_work_is_told_within_the_second() -> None:  # F09
    async with pool(timeout=30.0) as jail:
        process = worker_of(await jail.order("facts"))
        failing = asyncio.create_task(jail.failure("hang"))
        await until(lambda: jail.value("workers_busy") == 1)
        os.kill(process, signal.SIGKILL)
        async with asyncio.timeout(1.0):
            failure = await failing
        assert (failure.kind, failure.detail) == (Kind.CRASH, "the scan worker died: killed by SIGKILL")
        assert worker_of(await jail.order("facts")) != process


async def test_a_worker_killed_at_rest_is_replaced_before_it_is_needed() -> None:
    async with pool() as jail:
        process = worker_of(await jail.order("facts"))
        os.kill(process, signal.SIGKILL)
        await gone(process)
        await until(lambda: jail.deaths() == {"crash": 1})
        assert worker_of(await jail.order("facts")) != process


async def test_the_gentle_signals_do_not_reach_a_worker() -> None:
    async with pool() as jail:
        facts = await jail.order("facts")
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(worker_of(facts), signum)
        os.kill(parent_of(facts), signal.SIGTERM)
        assert worker_of(await jail.order("facts")) == worker_of(facts)


async def test_the_fork_server_may_die() -> None:
    async with pool(workers=2) as jail:
        facts = await jail.order("facts")
        os.kill(parent_of(facts), signal.SIGKILL)
        await gone(worker_of(facts))  # no worker outlives its parent
        await until(lambda: jail.deaths() == {"crash": 2})
        assert parent_of(await jail.order("facts")) != parent_of(facts)


async def test_content_that_costs_three_workers_is_poison() -> None:  # F45, P11
    async with pool(poison_after=3) as jail:
        failures = [await jail.failure("crash", received=f"try {number}") for number in range(3)]
        assert [failure.poison for failure in failures] == [False, False, True]
        later = await jail.failure("crash", received="try 4")
        assert later.poison
        assert jail.deaths() == {"crash": 3}
        assert jail.value("poisoned_total") == 2
        assert [line["event"] for line in jail.events()].count("poison") == 1
        assert await jail.order("ok")


async def test_what_is_known_as_poison_is_not_read_for_a_person_either() -> None:
    async with pool(poison_after=1) as jail:
        await jail.failure("crash")
        content = Spool.of(message("crash"))
        workers = jail.workers
        for look in (workers.read(content), workers.sources(content), workers.extract(content, "1")):
            with pytest.raises(ScanFailed, match="has cost several scan workers"):
                await look
        assert jail.deaths() == {"crash": 1}


async def test_being_busy_is_nobodys_fault() -> None:
    async with pool(queue=0, poison_after=1) as jail:
        working = asyncio.create_task(jail.order("sleep 0.1"))
        await asyncio.sleep(0)
        assert not (await jail.failure("ok")).poison
        await working
        assert await jail.order("ok")


async def test_large_poison_is_recognised() -> None:
    async with pool(poison_after=1) as jail:
        content = Spool.of(b"Received: x\r\n\r\n" + bytes(3 << 20) + b"\r\n\r\ncrash")
        again = Spool.of(b"Received: another one\r\n\r\n" + bytes(3 << 20) + b"\r\n\r\ncrash")
        for spool in (content, again):
            with pytest.raises(ScanFailed) as caught:
                await jail.workers.examine(spool)
            assert caught.value.poison
            spool.close()
        assert jail.deaths() == {"crash": 1}


async def test_the_loop_goes_on_while_a_worker_hangs() -> None:  # F40
    rounds = 0
    async with pool(timeout=0.2) as jail:
        failing = asyncio.create_task(jail.failure("hang"))
        while not failing.done():
            await asyncio.sleep(0)
            rounds += 1
        assert (await failing).kind is Kind.TIMEOUT
    assert rounds > 200  # tens of thousands; a loop that waits for the worker comes round a dozen times


async def test_nothing_is_left_behind() -> None:
    async with pool() as jail:  # the fork server stays until we end: it is not counted
        await jail.order("ok")
    before = sorted(os.listdir("/proc/self/fd"))
    async with pool(workers=2, timeout=0.1, queue=300, messages_per_worker=20, poison_after=1000) as jail:
        parent = parent_of(await jail.order("facts"))
        orders = ["ok"] * 15 + ["crash", "garbage", "quit_early", "fail", "hang"]
        results = await asyncio.gather(*(jail.order(order) for order in orders * 10), return_exceptions=True)
        assert sum(isinstance(result, str) for result in results) == 150
        assert sum(isinstance(result, ScanFailed) for result in results) == 50
    assert sorted(os.listdir("/proc/self/fd")) == before
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    assert children == []
