"""Who else gets the log: a file, a syslog server, a collector behind HTTP. One file each.

Contract: a receiver is spoken to by the one thread of its ``Outbox``, where it may wait and fail; nothing here is
called on the event loop but ``Outbox.put``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.events import Line

PATIENCE = 15.0
"""Seconds for one step with a receiver on the network: connecting, sending, its answer."""


class RefusedError(Exception):
    """The receiver is there and will not take these lines, however often they come."""


class Receiver(Protocol):
    """Somewhere to send lines."""

    def send(self, lines: Sequence[Line]) -> int:
        """Hand over as many of the first of ``lines`` as it takes, one at least, and return how many. Raises
        ``OSError`` when it took none that we know of, ``RefusedError`` when it never will."""

    def abort(self) -> None:
        """Break off a ``send`` that waits; called from another thread. Never raises."""

    def close(self) -> None:
        """Let go of everything. Never raises."""
