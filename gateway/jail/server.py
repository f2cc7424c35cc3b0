"""The fork server as the gateway sees it, and the workers it forks.

Contract: ``begin`` has the server load while the gateway itself still does, and returns at once. ``fork`` gives a child
or raises ``OSError``; it waits for a server that still loads, and replaces one that has died. The server ends when the
gateway does. Imports next to nothing, for starting it is the first thing a gateway does. Several threads may use it.

Not multiprocessing's: that one is found by a path below ``/tmp``, and when somebody tidies up there, no worker can be
started any more; it runs the main script again in every child; and it talks in pickles. This one is reached by a pair
of sockets that have no name.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Final

PATIENCE: Final = 60.0
"""Seconds for a fork, the loading of the server included: one to five of a processor."""


class Child:
    """A forked process. Its news arrive by ``news``, which becomes readable when it has ended; or when the server has,
    and then the kernel ends the child (``confinement.detach``)."""

    def __init__(self, pid: int, news: socket.socket) -> None:
        self.pid = pid
        self.news = news
        news.setblocking(False)  # with a timeout, Python waits for news whatever MSG_DONTWAIT says

    @property
    def ended(self) -> bool:
        """It has been reaped, and its number may be somebody else's by now."""
        try:
            self.news.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:  # closed, here or there
            return True
        return True

    def kill(self) -> None:
        """End it and whatever it may have started (its process group), at once."""
        if self.ended:
            return
        for send in (os.killpg, os.kill):  # the group first; it has none yet if it was only just forked
            with contextlib.suppress(ProcessLookupError):
                send(self.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> int | None:
        """The exit code: negative for a signal, None if it did not end in time or nobody can tell. To be called once;
        nothing is left of it then."""
        with self.news:
            self.news.settimeout(seconds)
            try:
                code = self.news.recv(32)
            except OSError:
                return None
        return int(code) if code else None


class _Server:
    """A running one."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.settimeout(PATIENCE)
        with theirs:
            self._process = launch(theirs.fileno())

    def fork(self, channel: socket.socket, orders: bytes) -> Child:
        """Raises ``ConnectionError`` when there is no server any more, other ``OSError`` when there is no child."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                paper = _written(orders)
                try:
                    socket.send_fds(self._orders, [b"!"], [channel.fileno(), theirs.fileno(), paper])
                finally:
                    os.close(paper)
            ours.settimeout(PATIENCE)
            return Child(_pid(ours.recv(4096).decode()), ours)
        except BaseException:
            ours.close()
            raise

    def stop(self) -> None:
        self._orders.close()
        self._process.kill()
        self._process.wait()


def _pid(said: str) -> int:
    if not said:
        raise ConnectionResetError("the fork server is gone")
    if not said.isdecimal():
        raise OSError(said)
    return int(said)


def launch(descriptor: int) -> subprocess.Popen[bytes]:
    """A process that will serve ``descriptor``, with modules from where ours are from, and none from the current
    directory: an administrator may look at a folder of suspicious files."""
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(  # noqa: S603 - our own interpreter, and nothing from outside
        [sys.executable, "-P", "-m", "gateway.jail.forks", str(descriptor)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        pass_fds=[descriptor],
    )


def _written(orders: bytes) -> int:
    """A file in memory, to be read from its beginning."""
    descriptor = os.memfd_create("orders", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(orders)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


_lock = threading.Lock()
_servers: list[_Server] = []
"""The one there is, if there is one."""


def begin() -> None:
    """Start it. What goes wrong here goes wrong again, and is told, when the first worker is started."""
    with contextlib.suppress(OSError), _lock:
        _running()


def fork(channel: socket.socket, orders: bytes) -> Child:
    """A worker with this end of a channel and these orders (``process.Orders``, JSON). Raises ``OSError``."""
    with _lock:
        try:
            return _running().fork(channel, orders)
        except ConnectionError:
            stop()
            return _running().fork(channel, orders)


def _running() -> _Server:
    if not _servers:
        _servers.append(_Server())
    return _servers[0]


def stop() -> None:
    """End it, if there is one, and its children with it."""
    while _servers:
        _servers.pop().stop()


atexit.register(stop)
