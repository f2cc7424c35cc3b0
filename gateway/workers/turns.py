"""Whose turn it is: workers that rest, and jobs that wait for one.

Contract: belongs to one event loop. Whoever asks first is served first, no more than ``most`` jobs wait, none of them
longer than ``seconds``, and a worker given to a job that was cancelled meanwhile is not lost. Nothing here begins or
ends a worker.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.closed_sets import Kind
from gateway.message import ScanFailed
from gateway.workers.link import WorkerLink

BUSY: Final = "all workers are busy"
STOPPING: Final = "the gateway is stopping"


class Turns:
    """``most`` jobs may wait, each for ``seconds``; ``release`` takes back a worker that nobody wants any more."""

    def __init__(self, most: int, seconds: float, release: Callable[[WorkerLink], None]) -> None:
        self._most = most
        self._seconds = seconds
        self._release = release
        self._idle: list[WorkerLink] = []
        self._waiting: deque[asyncio.Future[WorkerLink]] = deque()
        self._ended = False

    @property
    def resting(self) -> int:
        """Workers that have nothing to do."""
        return len(self._idle)

    async def take(self) -> WorkerLink:
        """A free worker, in order of asking. Raises ``ScanFailed`` when none is free in time."""
        return self._idle.pop() if self._idle else await self._wait()

    async def _wait(self) -> WorkerLink:
        if self._ended:
            raise ScanFailed(Kind.LIMIT, STOPPING)
        if len(self._waiting) >= self._most:
            raise ScanFailed(Kind.LIMIT, BUSY)
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[WorkerLink] = loop.create_future()
        self._waiting.append(turn)
        timer = loop.call_later(self._seconds, _give_up, turn, BUSY)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._release(turn.result())  # it was ours already
            raise
        finally:
            timer.cancel()
            if turn in self._waiting:
                self._waiting.remove(turn)

    def give(self, link: WorkerLink) -> None:
        """``link`` is free: it is the next job's, or rests."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(link)
                return
        self._idle.append(link)

    def forget(self, link: WorkerLink) -> bool:
        """``link`` is to be given to nobody. False if it did not rest."""
        if link not in self._idle:
            return False
        self._idle.remove(link)
        return True

    def end(self) -> None:
        """Whoever waits, and whoever would have to from now on, gets ``ScanFailed``."""
        self._ended = True
        for turn in self._waiting:
            _give_up(turn, STOPPING)


def _give_up(turn: asyncio.Future[WorkerLink], why: str) -> None:
    if not turn.done():
        turn.set_exception(ScanFailed(Kind.LIMIT, why))
