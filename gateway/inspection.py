"""Held messages looked into again, in the jail: read, taken apart, judged by today's rules, disarmed.

Contract: every method opens the kept bytes, compared with their digest, and gives them to a worker by descriptor; the
front parses nothing. They raise ``ScanFailed`` when there is no answer, and ``QuarantineError``. Nothing is changed
or decided: what may be done is the desk's to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from gateway.closed_sets import Action, Kind
from gateway.generation import Generation
from gateway.message import Decision, Edits, Report, ScanFailed
from gateway.policy.parts import bad, numbers
from gateway.quarantine import Quarantine
from gateway.quarantine.sidecar import Record
from gateway.readable import Reading, Source
from gateway.spool import Spool

READ_SECONDS = 8.0
"""A person waits for the page, and a worker that does not answer shall not keep the rest of it from them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What today's rules say."""

    report: Report
    decision: Decision


@dataclass(frozen=True, slots=True)
class Copy:
    """A changed copy: the edits that make it, and ``decision`` with what they do to each attachment."""

    edits: Edits
    decision: Decision


class Inspection:
    """Asks the workers of the configuration in force."""

    def __init__(self, quarantine: Quarantine, current: Callable[[], Generation]) -> None:
        self._quarantine = quarantine
        self._current = current

    @asynccontextmanager
    async def opened(self, held_id: str) -> AsyncIterator[Spool]:
        """The bytes as they arrived."""
        content = Spool.over(await self._quarantine.open_message(held_id))
        try:
            yield content
        finally:
            content.close()

    async def read(self, held_id: str) -> Reading:
        """Header and texts."""
        async with self._in_time(), self.opened(held_id) as content:
            return await self._current().workers.thing.read(content)

    async def sources(self, held_id: str) -> tuple[Source, ...]:
        """The code of all macros and scripts."""
        async with self.opened(held_id) as content:
            return await self._current().workers.thing.sources(content)

    async def extract(self, held_id: str, where: str) -> bytes | bytearray:
        """The part of that path, decoded."""
        async with self.opened(held_id) as content:
            return await self._current().workers.thing.extract(content, where)

    async def judge(self, record: Record, content: Spool) -> Judged:
        """What would become of it if it came now. Who signed it is as it was found when it came: keys change."""
        generation = self._current()
        report = await generation.workers.thing.examine(content)
        report = replace(report, authentication=record.report.authentication)
        return Judged(report, generation.policy.decide(record.transaction, report, generation.exceptions()))

    async def copy(self, record: Record, content: Spool, report: Report) -> Copy:
        """The copy that a policy which disarms would deliver: each attachment in which ``report`` finds anything is
        disarmed or, where that cannot be, replaced by a notice; the result was examined."""
        targets = numbers(bad(report))
        if not targets or not all(number.replace(".", "").isdigit() for number in targets):
            raise ScanFailed(Kind.CORRUPT, "What was found is not in a single attachment that could be taken out")
        wanted = replace(record.decision, action=Action.DISARM, targets=targets, disarm=targets, subject_prefix="")
        edits, done = await self._current().pipeline.copy(record.transaction, content, report, wanted, record.held_id)
        return Copy(edits, done)

    def is_ours(self, address: str) -> bool:
        """Whether the policy calls it one of ours."""
        return self._current().policy.is_ours(address)

    @staticmethod
    @asynccontextmanager
    async def _in_time() -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(READ_SECONDS):
                yield
        except TimeoutError as error:
            raise ScanFailed(Kind.TIMEOUT, f"no worker had read it within {READ_SECONDS:g} seconds") from error
