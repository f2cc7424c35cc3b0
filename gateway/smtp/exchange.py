"""One exchange with a next hop: its deadline, and what becomes of the connection when it goes wrong.

Contract: the body of the ``with`` either ends well or raises and the connection is gone, so it is never used out of
step. ``HopError`` leaves with the stage in its text; everything else leaves as it is. A timer of the event loop and no
``asyncio.timeout``, which costs ten times as much and is wanted six times a message: it makes the wire fail, and that
wakes whoever waits for a reply or for room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Literal

from gateway.smtp.wire import TIMED_OUT, HopError, Wire

Stage = Literal["connect", "ehlo", "mail", "rcpt", "data", "dot"]
Count = Callable[[Stage, str], None]
"""Told about each reply: its stage, and its class as ``2xx`` ... ``5xx`` or ``error``."""


class Refused(HopError):
    """The hop did answer, but so that no transaction can follow."""


class Exchange:
    """A deadline of ``seconds`` round the body of a ``with``."""

    __slots__ = ("_count", "_seconds", "_stage", "_timer", "_wire")

    def __init__(self, wire: Wire, stage: Stage, seconds: float, count: Count) -> None:
        self._wire = wire
        self._stage = stage
        self._seconds = seconds
        self._count = count
        self._timer: asyncio.TimerHandle

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._expire)

    def _expire(self) -> None:
        self._wire.fail(HopError(TIMED_OUT, f"no complete answer within {self._seconds:g} s"))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if error is None:
            return
        self._wire.abort()
        if isinstance(error, HopError) and not isinstance(error, Refused):
            self._count(self._stage, "error")
            raise HopError(error.reply, f"{error} (at {self._stage})") from error
