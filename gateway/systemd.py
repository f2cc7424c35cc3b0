"""Telling systemd how we are: sd_notify(3), ten lines, no library.

Contract: does nothing when not started by systemd; never raises.
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
