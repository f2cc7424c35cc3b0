"""Sockets to listen on, for every listener alike.

Contract: ``listen`` binds what the configuration names and nothing else, or takes the socket of that very address that
was open before us (socket activation: then nobody is refused while we restart, they wait). A UNIX socket left behind by
a process that is gone is replaced, any other file of that name is not; who may open it is said by its mode and by its
folder, and for one that was open before us by whoever opened it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterable
from typing import Any

from gateway.endpoint import Endpoint

BACKLOG = 512

SOCKET_MODE = 0o660
"""Owner and group: whoever can open a UNIX socket of ours is trusted."""


class Inherited:
    """Sockets that were open before us, each to be taken by the listener of its address."""

    def __init__(self, sockets: Iterable[socket.socket] = ()) -> None:
        self._sockets = list(sockets)

    def take(self, address: str) -> socket.socket | None:
        """The one for ``address``, as the configuration writes it; None if there is none."""
        wanted = Endpoint.parse(address)
        for each in self._sockets:
            if _place(each) == wanted:
                self._sockets.remove(each)
                return each
        return None

    def left(self) -> list[str]:
        """The addresses nobody has taken: mail that comes in there would wait for ever."""
        return [str(_place(each)) for each in self._sockets]

    def close(self) -> None:
        """Let go of what nobody has taken."""
        for each in self._sockets:
            each.close()
        self._sockets.clear()


def _place(opened: socket.socket) -> Endpoint:
    name = opened.getsockname()
    return Endpoint(path=name) if isinstance(name, str) else Endpoint(host=name[0], port=name[1])


async def listen(
    make: Callable[[], asyncio.BaseProtocol], address: str, opened: socket.socket | None = None
) -> asyncio.Server:
    """Listen on ``host:port`` (port 0: any free one), ``[IPv6]:port`` or ``unix:/path``, or on the socket ``opened``
    for it before us; ``make`` is called for each connection. Raises ``OSError`` if that is not possible and
    ``ValueError`` if it is no address."""
    loop = asyncio.get_running_loop()
    if opened is not None:
        opened.setblocking(False)
        if opened.family is not socket.AF_UNIX:
            return await loop.create_server(make, sock=opened, backlog=BACKLOG)
        stays: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
        return await loop.create_unix_server(make, sock=opened, backlog=BACKLOG, **stays)
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
