"""The milter listener: its socket, its sessions, and its orderly end.

Contract: ``drain`` stops accepting, hangs up on every MTA that has not sent the end of a message, lets messages past it
finish, and returns when every session is gone, or soon after time is up (promise P13).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from gateway.events import MailLog
from gateway.listening import listen
from gateway.metrics import Metrics
from gateway.milter.session import LISTENER, House, Session
from gateway.milter.settings import Gateway, MilterSettings, Patience
from gateway.spool import CHUNK

__all__ = ["Gateway", "MilterListener", "MilterSettings", "Patience"]

LAST_SECONDS = 5.0
"""For what was broken off to come to its end; then it is left alone."""


class MilterListener:
    """All the milter sessions of one daemon."""

    def __init__(
        self,
        settings: MilterSettings,
        current: Callable[[], Gateway],
        metrics: Metrics,
        events: MailLog,
        patience: Patience | None = None,
    ) -> None:
        self._house = House(settings, current, metrics, events, patience or Patience())
        self._server: asyncio.Server | None = None

    async def start(self, address: str, opened: socket.socket | None = None) -> list[socket.socket]:
        """Listen on ``host:port``, ``[IPv6]:port`` or ``unix:/path``, or on the socket ``opened`` for it before us, and
        return the sockets. Raises ``OSError`` if that is not possible and ``ValueError`` if it is no address."""
        self._server = await listen(self._connection, address, opened)
        return list(self._server.sockets)

    def reconfigure(self, settings: MilterSettings) -> None:
        """Settings for the connections that begin from now on; those under way keep theirs."""
        self._house.settings = settings

    def _connection(self) -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=CHUNK), self._begin)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self._house, reader, writer)
        task = self._house.sessions[session] = asyncio.create_task(session.run())
        task.add_done_callback(lambda _: self._end(session))
        self._count()

    def _end(self, session: Session) -> None:
        del self._house.sessions[session]
        self._count()

    def _count(self) -> None:
        self._house.metrics.sessions_open.labels(LISTENER).set(len(self._house.sessions))

    async def drain(self, seconds: float) -> None:
        """Close within ``seconds``; what is not finished then is broken off, and the MTA does not deliver it."""
        self._house.draining = True
        if self._server is not None:
            self._server.close()
        for session, task in tuple(self._house.sessions.items()):
            if not session.finishing:
                task.cancel()
        if await self._all_gone(seconds):
            return
        for task in tuple(self._house.sessions.values()):
            task.cancel()
        await self._all_gone(LAST_SECONDS)

    async def _all_gone(self, seconds: float) -> bool:
        """Wait for every session; False if time is up first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while tasks := tuple(self._house.sessions.values()):
                    await asyncio.wait(tasks)
                return True
        return False
