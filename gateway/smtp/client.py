"""The way to the next hop: connections, kept where that is safe, and whole transactions.

Contract: ``HopPool.acquire`` hands out a greeted connection or raises ``HopError`` with the reply our client gets. An
idle connection is used again only if nothing has arrived on it since, and never with XCLIENT, because it speaks for
one client. The loss of the next hop is never remembered: each ``acquire`` tries afresh, so recovery needs nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from gateway.message import Client, Envelope, Reply
from gateway.metrics import Metrics
from gateway.smtp.exchange import Stage
from gateway.smtp.hop_settings import HopSettings, Timeouts
from gateway.smtp.next_hop import NextHop, open_hop
from gateway.smtp.wire import HopError

__all__ = ["HopError", "HopPool", "HopSettings", "NextHop", "Timeouts"]

MAX_IDLE = 4
"""Connections kept. More would only occupy the next hop's process limit (Postfix: 100)."""

MAX_IDLE_SECONDS = 30.0
"""Well below the 300 s (10 s under stress) after which Postfix closes an idle session with 421."""

MAX_MESSAGES = 100
"""Messages over one connection, so that a hop that leaks or rebalances is not held for ever."""


class HopPool:
    """The connections to one next hop under one configuration."""

    def __init__(self, settings: HopSettings, metrics: Metrics) -> None:
        self.settings = settings
        self.extensions_seen: Mapping[str, str] | None = None
        """What the last connection offered; None before the first. For EHLO while the hop is down."""
        self._replies = metrics.next_hop_replies
        self._idle: list[tuple[NextHop, asyncio.TimerHandle]] = []
        self._partings: set[asyncio.Task[None]] = set()
        self._closed = False

    async def acquire(self, client: Client) -> NextHop:
        """A connection for one transaction of ``client``, to be given back by ``release``. Raises ``HopError``."""
        while self._idle:
            hop, expiry = self._idle.pop()
            expiry.cancel()
            if hop.silent:
                hop.introduce(client)
                return hop
            hop.abort()
        hop = await open_hop(self.settings, client, self._count)
        self.extensions_seen = hop.extensions
        return hop

    async def release(self, hop: NextHop) -> None:
        """Keep the connection for the next transaction, ended by RSET if one is open, or part from it. Never raises."""
        try:
            if hop.in_transaction and hop.usable and self._reusable(hop):
                await hop.rset()
        except HopError:
            return
        if not hop.usable:
            hop.abort()
        elif self._reusable(hop) and not hop.in_transaction and len(self._idle) < MAX_IDLE:
            self._keep(hop)
        else:
            self._part(hop)

    async def deliver(self, envelope: Envelope, client: Client, content: Iterable[bytes]) -> list[Reply]:
        """One whole transaction with one reply per recipient, pipelined where the hop offers it. Trouble with the hop
        is a 4yz reply too; only what ``content`` raises goes through."""
        try:
            hop = await self.acquire(client)
        except HopError as error:
            return [error.reply] * len(envelope.recipients)
        try:
            return await hop.transact(envelope, content)
        except HopError as error:
            return [error.reply] * len(envelope.recipients)
        finally:
            await self.release(hop)

    async def close(self) -> None:
        """Part from every idle connection and wait for the partings. Connections in use part when they are released."""
        self._closed = True
        for hop, expiry in self._idle:
            expiry.cancel()
            self._part(hop)
        self._idle.clear()
        await asyncio.gather(*self._partings)

    def _reusable(self, hop: NextHop) -> bool:
        return not (self._closed or self.settings.xclient or hop.messages >= MAX_MESSAGES)

    def _keep(self, hop: NextHop) -> None:
        expiry = asyncio.get_running_loop().call_later(MAX_IDLE_SECONDS, self._expire, hop)
        self._idle.append((hop, expiry))

    def _expire(self, hop: NextHop) -> None:
        self._idle = [(other, expiry) for other, expiry in self._idle if other is not hop]
        self._part(hop)

    def _part(self, hop: NextHop) -> None:
        """QUIT in the background: nobody should wait for a good-bye."""
        parting = asyncio.get_running_loop().create_task(hop.quit())
        self._partings.add(parting)
        parting.add_done_callback(self._partings.discard)

    def _count(self, stage: Stage, reply_class: str) -> None:
        self._replies.labels(stage, reply_class).inc()
