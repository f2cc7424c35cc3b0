"""From a quarantine to indicators: which of its records are read, and how many at the most.

Contract: changes nothing. Records are read and understood on threads, ``BATCH`` at a time, so that a gateway goes on
with its mail meanwhile. What does not fit into ``Bounds`` raises ``TooMuch``: a list that is cut without a word would
unblock what it leaves out. Records that cannot be read are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.closed_sets import HeldState, Verdict
from gateway.iocs.gather import Collected, Gathering, Wanted
from gateway.iocs.never import Never
from gateway.quarantine import Filters, HeldMessage
from gateway.quarantine.sidecar import Record

STOPPED = frozenset({HeldState.HELD, HeldState.DELETED, HeldState.EXPIRED})
"""Not what somebody let go: that was found to be honest."""

BATCH = 200


class TooMuch(Exception):
    """It does not fit; the message is a sentence for a person."""


class Store(Protocol):
    """What is asked of a quarantine."""

    async def find(self, filters: Filters) -> Sequence[HeldMessage]: ...

    async def records(self, ids: Sequence[str]) -> tuple[Sequence[Record], Sequence[str]]: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """At most so many messages are read, so many things kept (indicators, and what was left out), so long."""

    messages: int
    things: int
    seconds: float


async def collect(store: Store, never: Never, wanted: Wanted, bounds: Bounds | None = None) -> Collected:
    """All of them. Raises ``TooMuch``, and what the store raises."""
    try:
        async with asyncio.timeout(bounds.seconds if bounds else None):
            return await _collect(store, never, wanted, bounds)
    except TimeoutError as error:
        assert bounds is not None
        raise TooMuch(f"They were not gathered within {bounds.seconds:g} seconds: {NARROW}") from error


NARROW = "ask for less at a time, by since and until"


async def _collect(store: Store, never: Never, wanted: Wanted, bounds: Bounds | None) -> Collected:
    gathering = Gathering(never, wanted.own, wanted.verdicts)
    damaged: list[str] = []
    messages = 0
    async for ids in _stopped(store, wanted):
        messages += len(ids)
        if bounds and messages > bounds.messages:
            raise TooMuch(f"More than {bounds.messages} messages were stopped: {NARROW}")
        records, unreadable = await store.records(ids)
        damaged += unreadable
        await asyncio.to_thread(_add, gathering, records)
        if bounds and gathering.size > bounds.things:
            raise TooMuch(f"They name more than {bounds.things} things: {NARROW}")
    return Collected(await asyncio.to_thread(gathering.indicators), gathering.left_out, tuple(damaged))


async def _stopped(store: Store, wanted: Wanted) -> AsyncIterator[list[str]]:
    """Newest first, a page at a time. A message may hold a part of a verdict that is not its worst one."""
    filters = {"states": STOPPED, "since": wanted.since, "until": wanted.until, "limit": BATCH}
    labels = {verdict.label for verdict in Verdict if verdict >= min(wanted.verdicts)}
    after: int | None = None
    while page := await store.find(Filters(**filters, older_than=after)):  # type: ignore[arg-type]  # of several types
        yield [message.id for message in page if message.verdict in labels]
        after = page[-1].place


def _add(gathering: Gathering, records: Iterable[Record]) -> None:
    for record in records:
        recipients = (recipient.address for recipient in record.transaction.envelope.recipients)
        gathering.add(record.held_id, record.kept_at, record.report, recipients)
