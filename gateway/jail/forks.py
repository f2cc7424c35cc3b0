"""The fork server: a process that has loaded everything a worker needs, and does nothing but fork workers.

    python -P -m gateway.jail.forks DESCRIPTOR

Contract: it is given orders by one socket, inherited as ``DESCRIPTOR``, and ends when the other end of that is closed.
An order is one octet with three descriptors: the channel of the new worker, the socket its news are told by, and a file
with its orders in JSON. The news are its process id, or a sentence why there is none, and later its exit code. It reads
nothing that came from outside, starts no thread, for it is forked, and heeds no signal: an order to the gateway may
reach its whole process group, and messages past their final dot still need their workers.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys

from gateway.jail import process, tasks

MAX_FDS = 3


def prepare() -> None:
    """Load everything. What is loaded now is never garbage, and stays shared with every worker."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    tasks.load()
    gc.collect()
    gc.freeze()


def serve(orders: socket.socket) -> None:
    """Fork as ordered, and tell of every end. Returns when nobody gives orders any more."""
    woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler no signal would wake the poll
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    poll = select.poll()
    poll.register(orders, select.POLLIN)
    poll.register(woken, select.POLLIN)
    born: dict[int, socket.socket] = {}
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if woken in ready:
            os.read(woken, 4096)
            _tell_ends(born)
        if orders.fileno() in ready:
            order, descriptors, _, _ = socket.recv_fds(orders, 1, MAX_FDS)
            if not order:
                return
            _obey(descriptors, born)


def _obey(descriptors: list[int], born: dict[int, socket.socket]) -> None:
    """One worker. Whoever asked is told, or finds its socket closed when not even that can be."""
    if len(descriptors) != MAX_FDS:  # we have no descriptor left for them
        for descriptor in descriptors:
            os.close(descriptor)
        return
    channel, news, paper = descriptors
    try:
        child = os.fork()
    except OSError as error:
        _tell(news, f"no process can be started: {error.strerror}")
        for descriptor in descriptors:
            os.close(descriptor)
        return
    if not child:
        _be_worker(channel, paper)
    os.close(channel)
    os.close(paper)
    born[child] = socket.socket(fileno=news)
    _tell(news, str(child))


def _be_worker(channel: int, paper: int) -> None:
    """In the child. Does not return."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        with open(paper, "rb") as file:
            orders = process.Orders.from_json(json.load(file))
        process.run(socket.socket(fileno=channel), orders)
    finally:
        os._exit(os.EX_SOFTWARE)


def _tell_ends(born: dict[int, socket.socket]) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            with born.pop(child) as news:
                _tell(news.fileno(), str(os.waitstatus_to_exitcode(status)))


def _tell(news: int, what: str) -> None:
    with contextlib.suppress(OSError):  # who asked is gone, and does not want to know any more
        os.write(news, what.encode())


if __name__ == "__main__":
    prepare()
    serve(socket.socket(fileno=int(sys.argv[1])))
