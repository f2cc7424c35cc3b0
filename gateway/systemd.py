"""What passes between systemd and us: how we are (sd_notify(3)), and sockets that are open already (sd_listen_fds(3)).

Contract: ``notify`` does nothing when not started by systemd, and never raises.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time


def notify(*states: str) -> None:
    """Send states such as ``READY=1``, ``STOPPING=1`` or ``STATUS=...`` in one datagram."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.sendto("\n".join(states).encode(), address)


def reloading() -> None:
    """``RELOADING=1`` with the time stamp that ``Type=notify-reload`` asks for."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


FIRST_DESCRIPTOR = 3


def sockets() -> list[socket.socket]:
    """The listening sockets systemd has opened for us (sd_listen_fds(3)), none without socket activation. They are ours
    alone from here on: no process of ours inherits them, and a second call finds nothing."""
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    found = [socket.socket(fileno=FIRST_DESCRIPTOR + number) for number in range(int(count))]
    for each in found:
        each.set_inheritable(False)
    return found
