"""A gateway without a pipeline behind a real milter listener."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.events import MailLog
from gateway.message import Client, Edits, Reply, Span, Splice, Transaction
from gateway.metrics import Metrics
from gateway.milter.server import MilterListener, MilterSettings, Patience
from gateway.spool import Spool
from tests.stubs.mta import Mta

Deliver = Callable[[Edits], Awaitable[Reply]]
HEADER = Edits((Splice(Span(0, 0), b"X-Macrogate: verdict=clean\r\n"),))
HELD = Reply.of("250 2.0.0 Held by Macrogate as 1")


@dataclass
class World:
    """Everything outside the listener, and what it saw."""

    verdict: Callable[[Transaction, Spool, Deliver], Awaitable[Reply]] | None = None
    spool: Callable[[], Spool] = Spool
    classes: dict[str, Hashable] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    log: io.StringIO = field(default_factory=io.StringIO)
    metrics: Metrics = field(default_factory=Metrics)
    successor: World | None = None
    """The next configuration, once there has been a reload."""

    def recipient_class(self, client: Client, sender: str, recipient: str) -> Hashable:
        return self.classes.get(recipient, "usual")

    async def process(
        self, transaction: Transaction, content: Spool, deliver: Deliver, hold: Deliver | None = None
    ) -> Reply:
        self.transactions.append(transaction)
        self.contents.append(content.read())
        reply = await (self.verdict(transaction, content, hold or deliver) if self.verdict else deliver(HEADER))
        self.replies.append(reply)
        return reply

    def open_spool(self) -> Spool:
        return self.spool()

    def events(self, name: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [event for event in found if event["event"] == name]

    def ended(self, end: str) -> float:
        """How many sessions ended so."""
        value = self.metrics.registry.get_sample_value("macrogate_sessions_total", {"listener": "milter", "end": end})
        return value or 0.0


@dataclass
class Stage:
    """A running listener and the MTAs that came to it."""

    listener: MilterListener
    address: str
    mtas: list[Mta] = field(default_factory=list)

    async def mta(self) -> Mta:
        self.mtas.append(await Mta.at(self.address))
        return self.mtas[-1]


@asynccontextmanager
async def stage(
    world: World, address: str, *, patience: Patience | None = None, **settings: Any
) -> AsyncIterator[Stage]:
    """A listener at ``address``; port 0 is filled in."""

    def current() -> World:
        now = world
        while now.successor is not None:
            now = now.successor
        return now

    listener = MilterListener(MilterSettings(**settings), current, world.metrics, MailLog(world.log), patience)
    bound = await listener.start(address)
    if address.endswith(":0"):
        address = f"{address[:-1]}{bound[0].getsockname()[1]}"
    at = Stage(listener, address)
    try:
        yield at
    finally:
        for mta in at.mtas:
            await mta.close()
        await listener.drain(5)


async def until(what: Callable[[], object]) -> None:
    """Wait for something the listener does after its last word."""
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)
