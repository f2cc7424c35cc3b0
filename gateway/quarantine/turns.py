"""Blocking work on threads of its own, each piece in its turn.

Contract: work begins in the order in which it is given. What has not begun after ``TURN_SECONDS``, or when nobody waits
for it any more, is withdrawn: it is done wholly or not at all. What has begun is waited for as long as it takes, since
nothing can stop it.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

TURN_SECONDS = 20.0
"""In the queue. With nothing but a slow machine in the way that is hundreds of messages; people wait no longer for a
page either, and what stands before ours for so long is a disk or a database that does not answer."""


class Turns:
    """A queue and so many threads that work it off."""

    def __init__(self, name: str, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, name)

    def begin(self, work: Callable[[], T]) -> Future[T]:
        """Put it into the queue. Raises ``OSError`` after ``close``."""
        try:
            return self._threads.submit(work)
        except RuntimeError as error:
            raise OSError(errno.ESHUTDOWN, "it is being closed") from error

    async def take(self, work: Callable[[], T], *, sure: bool = False) -> T:
        """What ``work`` returns or raises. ``sure``: it is never withdrawn, however long it takes and whoever gives up.

        Raises ``TimeoutError`` when its turn did not come, ``OSError`` after ``close``.
        """
        turn = self.begin(work)
        waiting = asyncio.wrap_future(turn)
        if sure:
            return await asyncio.shield(waiting)
        try:
            await asyncio.wait({waiting}, timeout=TURN_SECONDS)
        except asyncio.CancelledError:
            waiting.cancel()
            raise
        if turn.cancel():
            raise TimeoutError
        return await waiting

    def close(self) -> None:
        """Return once all that is in the queue is done."""
        self._threads.shutdown()
