"""Sockets to listen on, for every listener alike.

Contract: ``listen`` binds what the configuration names and nothing else. A UNIX socket left behind by a process that is
gone is replaced, any other file of that name is not; who may open it is said by its mode and by its folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Callable

from gateway.endpoint import Endpoint

BACKLOG = 512

SOCKET_MODE = 0o660
"""Owner and group: whoever can open a UNIX socket of ours is trusted."""


async def listen(make: Callable[[], asyncio.BaseProtocol], address: str) -> asyncio.Server:
    """Listen on ``host:port`` (port 0: any free one), ``[IPv6]:port`` or ``unix:/path``; ``make`` is called for each
    connection. Raises ``OSError`` if that is not possible and ``ValueError`` if it is no address."""
    loop = asyncio.get_running_loop()
    if address.startswith("unix:"):
        path = Endpoint.parse(address).path
        _remove_stale(path)
        server = await loop.create_unix_server(make, path, backlog=BACKLOG)
        os.chmod(path, SOCKET_MODE)
        return server
    host, _, port = address.rpartition(":")
    return await loop.create_server(make, host.strip("[]"), int(port), backlog=BACKLOG)


def _remove_stale(path: str) -> None:
    """A UNIX socket outlives the process that made it. Anything else of that name stays, and the bind says so."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path, follow_symlinks=False).st_mode):
            os.unlink(path)
