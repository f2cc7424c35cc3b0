"""A pool of real workers for tests, on tasks that misbehave on order."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.events import MailLog
from gateway.message import Report, ScanFailed
from gateway.metrics import Metrics
from gateway.spool import Spool
from gateway.workers import Workers
from gateway.workers.settings import Jail
from tests.stubs.worker_tasks import TASKS, message

SETTINGS: dict[str, Any] = {
    "workers": 1,
    "timeout": 10.0,
    "max_memory": 1 << 30,
    "queue": 10,
    "queue_timeout": 10.0,
    "limits": {},
    "triggers_toml": "",
    "contact": "postmaster@example.com",
    "tasks": TASKS,
}


@dataclass
class Pool:
    workers: Workers
    metrics: Metrics
    lines: io.StringIO

    async def order(self, order: str, *, received: str = "one") -> str:
        """What the worker said: the detail of its one finding. Raises ``ScanFailed``."""
        return (await self.examine(order, received=received)).findings[0].detail

    async def examine(self, order: str, *, received: str = "one") -> Report:
        return await self.workers.examine(Spool.of(message(order, received=received)))

    async def failure(self, order: str, *, received: str = "one") -> ScanFailed:
        """How the order failed; an answer is an error of the test."""
        try:
            said = await self.order(order, received=received)
        except ScanFailed as failure:
            return failure
        raise AssertionError(f"{order} was answered: {said}")

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"macrogate_{name}", labels) or 0.0

    def deaths(self) -> dict[str, float]:
        """Worker deaths by reason, those that happened."""
        samples = next(family for family in self.metrics.registry.collect() if family.name == "macrogate_worker_deaths")
        return {s.labels["reason"]: s.value for s in samples.samples if s.name.endswith("_total") and s.value}

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines.getvalue().splitlines()]


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop go on until it is so; for what nothing announces."""
    while not holds():  # noqa: ASYNC110 - the end of somebody else's process is no event
        await asyncio.sleep(0.001)


@asynccontextmanager
async def pool(**changes: Any) -> AsyncIterator[Pool]:
    """A started pool, stopped afterwards."""
    metrics, lines = Metrics(), io.StringIO()
    workers = Workers(Jail(**{**SETTINGS, **changes}), metrics, MailLog(lines))
    await workers.start()
    try:
        yield Pool(workers, metrics, lines)
    finally:
        await workers.stop()
