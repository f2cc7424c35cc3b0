"""Indicators of stopped mail as the API (``gateway.web``) asks for them.

Contract: one list is made at a time, within ``BOUNDS``; who asks meanwhile waits, and is told so when it takes too
long. What goes wrong is a ``DeskError`` with a sentence, never half a list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from gateway.config import Settings
from gateway.iocs.collect import Bounds, TooMuch, collect
from gateway.iocs.gather import Collected, Wanted
from gateway.iocs.names import registered
from gateway.iocs.never import Never
from gateway.looking import told
from gateway.quarantine import Quarantine
from gateway.web.desk import Failed, require
from gateway.web.pages import DeskError
from gateway.web.people import Act, Person

BOUNDS = Bounds(messages=20_000, things=50_000, seconds=40.0)
WAIT_SECONDS = 15.0
"""With both of them whoever asks has an answer within a minute."""


class IocDesk:
    """Over one quarantine; ``settings`` are those in force."""

    def __init__(self, quarantine: Quarantine, settings: Callable[[], Settings]) -> None:
        self._quarantine = quarantine
        self._settings = settings
        self._turn = asyncio.Lock()

    async def collect(self, wanted: Wanted, *, by: Person) -> Collected:
        """All that fit."""
        require(by, Act.LOOK)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Failed("Another list is being made; ask again in a minute.") from error
        try:
            return await self._collect(wanted)
        except TooMuch as error:
            raise DeskError(f"{error}.") from error
        finally:
            self._turn.release()

    async def _collect(self, wanted: Wanted) -> Collected:
        settings = self._settings()
        with told():
            never = await asyncio.to_thread(Never.read, settings.policy.rules)
            ours = await asyncio.to_thread(registered, settings.smtp.hostname)
            wanted = replace(wanted, own=(*wanted.own, *ours))
            return await collect(self._quarantine, never, wanted, BOUNDS)
