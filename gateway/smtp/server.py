"""The SMTP listener: its sockets, its sessions, and its orderly end.

Contract: ``drain`` stops accepting, turns away whoever has not sent a final dot with 421, lets messages past it finish,
and returns when every session and every message is gone, or soon after time is up (promise P13).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from gateway.events import MailLog
from gateway.listening import listen
from gateway.metrics import Metrics
from gateway.smtp.conversation import House
from gateway.smtp.peers import Guests
from gateway.smtp.session import SmtpSession
from gateway.smtp.settings import Gateway, ServerSettings, SessionTimeouts

__all__ = ["Gateway", "ServerSettings", "SessionTimeouts", "SmtpListener"]

LAST_SECONDS = 5.0
"""For what was broken off to let go of its connections; then it is dropped."""


class SmtpListener:
    """All the SMTP sessions of one daemon."""

    def __init__(
        self, settings: ServerSettings, current: Callable[[], Gateway], metrics: Metrics, events: MailLog
    ) -> None:
        guests = Guests(settings.trusted_peers, settings.max_sessions, settings.max_sessions_per_client)
        self._house = House(settings, current, metrics, events, guests)
        self._server: asyncio.Server | None = None

    async def start(self, address: str, opened: socket.socket | None = None) -> list[socket.socket]:
        """Listen on ``host:port`` (port 0: any free one), ``[IPv6]:port`` or ``unix:/path``, or on the socket that was
        ``opened`` for it before us, and return the sockets. Raises ``OSError`` if that is not possible and
        ``ValueError`` if it is no address."""
        self._server = await listen(self._session, address, opened)
        return list(self._server.sockets)

    def reconfigure(self, settings: ServerSettings) -> None:
        """Settings for the sessions that begin from now on; those under way keep theirs."""
        self._house.settings = settings
        self._house.guests.expect(settings.trusted_peers, settings.max_sessions, settings.max_sessions_per_client)

    def _session(self) -> SmtpSession:
        return SmtpSession(self._house)

    async def drain(self, seconds: float) -> None:
        """Close within ``seconds``; what is not finished then is dropped, and its client keeps the mail."""
        house = self._house
        house.draining = True
        if self._server is not None:
            self._server.close()
        for session in tuple(house.sessions):
            session.drain()
        if await self._all_gone(seconds):
            return
        for session in tuple(house.sessions):
            session.drop()
        for message in tuple(house.finishing):
            message.cancel()
        if await self._all_gone(LAST_SECONDS):
            return
        for farewell in tuple(house.farewells):
            farewell.cancel()
        await self._all_gone(LAST_SECONDS)

    async def _all_gone(self, seconds: float) -> bool:
        """Wait for every session and message; False if time is up first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while tasks := {*(session.task() for session in self._house.sessions), *self._house.farewells}:
                    await asyncio.wait(tasks)
                return True
        return False
