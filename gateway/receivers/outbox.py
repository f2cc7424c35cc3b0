"""A bounded queue before a receiver, and the thread that empties it.

Contract: ``put`` returns at once and never raises, whatever the receiver does, so no receiver can delay mail (promise
P19). What does not fit is counted in ``lost``. While a receiver is away its lines wait, and it is tried again after
pauses that double. Order is kept. A line may arrive twice, if a connection breaks in the middle; it is lost only when
it is counted, or when the receiver took it and lost it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from gateway.events import Line
from gateway.message import clip
from gateway.receivers import Receiver, RefusedError

MOST_LINES = 20_000
MOST_CHARACTERS = 32 << 20
"""Of lines that wait: the memory a receiver may cost that is away."""

BATCH_LINES = 500
BATCH_CHARACTERS = 256 << 10
"""Handed over at once; one line may be longer."""

GATHER_SECONDS = 0.05
"""Lines are sent together: a thread that wakes for each one takes its time from the mail."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two tries."""

LAST_SECONDS = 2.0
"""For what still waits at the end, of all receivers together."""


class Told(Protocol):
    """Where trouble is told (``MailLog``)."""

    def receiver_failed(self, receiver: str, why: str) -> None: ...

    def receiver_back(self, receiver: str, lost: int) -> None: ...


class Outbox:
    """The way to one receiver; ``name`` is a word of ours. Satisfies ``events.Also``."""

    def __init__(self, name: str, receiver: Receiver, most: int = MOST_LINES, pause: float = FIRST_PAUSE) -> None:
        self.name = name
        self.lost = 0
        """Lines that did not fit, or that the receiver refused."""
        self._receiver = receiver
        self._most = most
        self._first_pause = pause
        self._lock = threading.Lock()
        self._lines: deque[Line] = deque()
        self._characters = 0
        self._something = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """Lines on their way."""
        return len(self._lines)

    def put(self, line: Line) -> None:
        """Have ``line`` sent soon. Callable from any thread."""
        with self._lock:
            size = len(line.text)
            full = len(self._lines) >= self._most or self._characters + size > MOST_CHARACTERS
            if full or self._closing.is_set():
                self.lost += 1
                return
            self._lines.append(line)
            self._characters += size
            self._something.set()

    def start(self, told: Told) -> None:
        """Begin to send; trouble with the receiver is told to ``told``, once for each time it is away."""
        self._thread = threading.Thread(target=self._run, args=(told,), name=f"log-{self.name}", daemon=True)
        self._thread.start()

    def _run(self, told: Told) -> None:
        pause, away = 0.0, False
        while batch := self._next():
            try:
                self._done(self._receiver.send(batch))
            except RefusedError as error:
                self._drop(len(batch))
                told.receiver_failed(self.name, clip(str(error), 300))
                continue
            except Exception as error:  # noqa: BLE001 - whatever a receiver does, the next try may go well
                if not away:
                    why = str(error) if isinstance(error, OSError) and str(error) else repr(error)
                    told.receiver_failed(self.name, clip(why, 300))
                away = True
                pause = min(pause * 2 or self._first_pause, LONGEST_PAUSE)
                if self._closing.is_set():
                    break
                self._closing.wait(pause)
                continue
            if away:
                told.receiver_back(self.name, self.lost)
            pause, away = 0.0, False
        self._drop(len(self._lines))
        self._receiver.close()

    def _next(self) -> list[Line]:
        """What is to be sent next; nothing at the end. The lines stay in the queue until they are sent."""
        self._something.wait()
        if len(self._lines) < BATCH_LINES:
            self._closing.wait(GATHER_SECONDS)
        batch: list[Line] = []
        characters = 0
        with self._lock:
            for line in self._lines:
                characters += len(line.text)
                if batch and (len(batch) == BATCH_LINES or characters > BATCH_CHARACTERS):
                    break
                batch.append(line)
        return batch

    def _done(self, count: int, lost: int = 0) -> None:
        with self._lock:
            self.lost += lost
            for _ in range(count):
                self._characters -= len(self._lines.popleft().text)
            if not self._lines and not self._closing.is_set():
                self._something.clear()

    def _drop(self, count: int) -> None:
        self._done(count, lost=count)

    def finish(self) -> None:
        """Take no more, and end once everything is sent or the receiver fails."""
        with self._lock:
            self._closing.set()
            self._something.set()

    def join(self, deadline: float) -> None:
        """Wait for the end, on the monotonic clock."""
        if self._thread is None:
            return
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            with suppress(Exception):
                self._receiver.abort()
            self._thread.join(LAST_SECONDS / 4)


def close(outboxes: Iterable[Outbox]) -> None:
    """Send what waits, but not for long."""
    every = list(outboxes)
    deadline = time.monotonic() + LAST_SECONDS
    for outbox in every:
        outbox.finish()
    for outbox in every:
        outbox.join(deadline)
