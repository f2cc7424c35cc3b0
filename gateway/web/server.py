"""uvicorn in the daemon's own event loop, bound before the daemon says it is ready.

Contract: ``start`` returns once the port is bound or raises ``OSError``; signals stay with the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the daemon drains mail first; uvicorn must not stop the loop on SIGTERM


class WebServer:
    """One HTTP listener."""

    def __init__(self, application: Starlette) -> None:
        config = uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,  # uvicorn believes X-Forwarded-For of anybody on this machine; see web.clients
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int, opened: socket.socket | None = None) -> int:
        """Listen on ``host``:``port`` (0: any free port), or on the socket ``opened`` for it before us; returns the
        port."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family) if opened is None else opened
        bound: int = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="http")
        return bound

    async def stop(self) -> None:
        """Close the port; requests under way have a moment to finish."""
        self._server.should_exit = True
        if self._task is not None:
            done, _ = await asyncio.wait({self._task}, timeout=3)
            if not done:
                self._server.force_exit = True
                await self._task
