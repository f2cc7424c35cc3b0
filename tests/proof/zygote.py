"""Gateways that start quickly: forked from a process that has loaded what every gateway loads.

A start from disk takes seconds of a slow processor, nearly all of them for reading modules; of two thousand starts that
would be hours in which no mail flows and nothing can be proved. The end-to-end tests start theirs this way too, but for
those that are about the start itself. Contract: what is forked here is ``macrogate serve`` from its first line on, a
process with a session, descriptors, an environment and a fork server of its own; only the modules are there already,
its fork server's too. Behaves as ``subprocess.Popen`` does as far as a test needs it.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

from gateway.jail import forks, server, tasks
from tests.e2e.gateway import COMMAND, GatewayProcess
from tests.e2e.tools import ROOT

LOADED = ("gateway.cli.serve", "gateway.cli.serving", "sqlalchemy.dialects.sqlite.pysqlite", "uvloop")
BEYOND = 100
"""Descriptors from here on are in nobody's way."""


class WarmGateway(GatewayProcess):
    """A gateway whose lives are forked: from ``zygote``, or else from the one of the whole run."""

    zygote: Zygote | None = None

    def spawn(self, **environment: str) -> None:
        opened = [each.fileno() for each in self.held_open]
        # a life that is killed leaves its temporary folder, which goes with ours
        everything = {**os.environ, "TMPDIR": str(self.folder), **environment}
        with self.log.open("ab") as output:
            arguments = ["serve", "--config", str(self.configuration)]
            self.process = (self.zygote or shared()).spawn(arguments, everything, output.fileno(), opened)


class Zygote:
    """The process all gateways of a run are forked from."""

    def __init__(self) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.proof.zygote", str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=ROOT)

    def spawn(self, arguments: list[str], environment: dict[str, str], output: int, opened: Sequence[int]) -> Life:
        """A gateway with its output to the descriptor ``output``, and with the listening sockets ``opened``."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            order = json.dumps([arguments, environment]).encode()
            socket.send_fds(self._orders, [order], [output, theirs.fileno(), *opened])
        return Life(ours)

    def close(self) -> None:
        """When its gateways have ended."""
        self._orders.close()
        self._process.wait(10)


@cache
def shared() -> Zygote:
    """The one of this run, started by the first who asks."""
    made = Zygote()
    atexit.register(made.close)
    return made


class Life:
    """One of them."""

    def __init__(self, news: socket.socket) -> None:
        self._news = news
        self.pid = int(news.recv(32))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, as of ``subprocess``; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit status. Raises ``subprocess.TimeoutExpired``."""
        if self.returncode is None:
            self._news.settimeout(timeout)
            try:
                self.returncode = int(self._news.recv(32))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(["macrogate"], timeout or 0) from None
            self._news.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing, if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def main(orders: socket.socket) -> None:
    """Fork as ordered, until nobody gives orders any more. Returns in every child too, at the end of its life."""
    for name in LOADED:
        importlib.import_module(name)
    tasks.load()
    gc.collect()
    gc.freeze()
    woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    lives: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([orders, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _tell_ends(lives)
        if orders in ready:
            order, descriptors, _, _ = socket.recv_fds(orders, 1 << 18, 64)
            if not order:
                return
            pid = os.fork()
            if not pid:
                for inherited in (orders, *lives.values()):
                    inherited.detach()
                _live(*json.loads(order), descriptors)
                return
            lives[pid] = socket.socket(fileno=descriptors.pop(1))
            lives[pid].send(str(pid).encode())
            for descriptor in descriptors:
                os.close(descriptor)


def _tell_ends(lives: dict[int, socket.socket]) -> None:
    for pid in list(lives):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with lives.pop(pid) as news, contextlib.suppress(OSError):
                news.send(str(os.waitstatus_to_exitcode(status)).encode())


def _live(arguments: list[str], environment: dict[str, str], descriptors: list[int]) -> None:
    """Be what ``macrogate ARGUMENTS`` is. Raises ``SystemExit``."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    output, _, *opened = descriptors
    os.dup2(output, 1)
    os.dup2(output, 2)
    aside = [fcntl.fcntl(each, fcntl.F_DUPFD, BEYOND) for each in opened]
    for number, each in enumerate(aside):
        os.dup2(each, 3 + number)
    _close_beyond(set(range(3 + len(opened))))
    os.environ.clear()
    os.environ.update(environment)
    if opened:
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(opened)))
    tempfile.tempdir = None
    sys.argv = [str(COMMAND), *arguments]
    sys.modules["__main__"] = ModuleType("__main__")
    server.launch = _fork_instead
    importlib.import_module("gateway.cli").main(arguments, prog_name="macrogate")


class _ForkServer:
    """A fork server forked, as ``subprocess.Popen`` is one started."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _fork_instead(descriptor: int) -> Any:
    """``gateway.jail.server.launch`` with what is loaded here. The gateway asks for it before it has a thread, so a
    fork is safe."""
    pid = os.fork()
    if pid:
        return _ForkServer(pid)
    try:
        _close_beyond({0, 1, 2, descriptor})
        forks.prepare()
        forks.serve(socket.socket(fileno=descriptor))
    finally:
        os._exit(0)


def _close_beyond(wanted: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in wanted:
            with contextlib.suppress(OSError):  # the descriptor of the listing itself
                os.close(int(name))


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
