"""A stream that never waits for whoever reads it, and the words of libraries in our own log.

Contract: ``Aside.write`` returns at once; a thread does the writing, so a log reader that has stopped (a full pipe, a
stuck terminal, a full disk) stops no mail (promise P19). Once ``MOST`` texts wait, a further one raises
``BlockingIOError``, which the mail log counts as dropped. ``Overheard`` turns log records of libraries into events:
left alone they would go to the same stream as plain lines, which no reader of JSON understands.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TextIO

from gateway.events import MailLog
from gateway.message import clip

MOST = 10_000
"""Texts that may wait: some 10 MB."""

GATHER_SECONDS = 0.02
"""Lines are written together: a thread that wakes for each one costs an eighth of all messages/s."""

LAST_SECONDS = 2.0
"""For what still waits at the end."""

SAME_SECONDS = 1.0
"""asyncio says up to 512 times in a row that no descriptor is left to accept a connection with."""


class Aside:
    """``stream``, written to by a thread of its own. What ``MailLog`` needs of a stream."""

    def __init__(self, stream: TextIO, most: int = MOST) -> None:
        self.lost = 0
        """Texts the stream did not take."""
        self._stream = stream
        self._most = most
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._writer = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._writer.start()

    def write(self, text: str) -> int:
        """Have ``text`` written soon. Raises ``BlockingIOError``."""
        if self._waiting.qsize() >= self._most:
            raise BlockingIOError("the log is not being read")
        self._waiting.put(text)
        return len(text)

    def flush(self) -> None:
        """Nothing to do: what is written is flushed."""

    def isatty(self) -> bool:
        """As the stream says."""
        return self._stream.isatty()

    def close(self) -> None:
        """Wait until everything is written, but not for long. The stream stays open."""
        self._waiting.put(None)
        self._closing.set()
        self._writer.join(LAST_SECONDS)

    def _write_all(self) -> None:
        more = True
        while more:
            texts = [self._waiting.get()]
            self._closing.wait(GATHER_SECONDS)
            texts += [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
            more = None not in texts
            self._write_some([text for text in texts if text is not None])

    def _write_some(self, texts: list[str]) -> None:
        try:
            self._stream.write("".join(texts))
            self._stream.flush()
        except (OSError, ValueError):  # full, closed: the next texts may fare better
            self.lost += len(texts)


class Overheard(logging.Handler):
    """What libraries have to say, from ``WARNING`` on, as ``library`` events."""

    def __init__(self, events: MailLog) -> None:
        super().__init__(logging.WARNING)
        self._events = events
        self._last = ("", 0.0)

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises: the record's arguments may be anything."""
        try:
            text = clip(record.getMessage(), 500)
            error = clip(repr(record.exc_info[1]), 300) if record.exc_info else ""
        except Exception:  # noqa: BLE001 - as said above
            self.handleError(record)
            return
        last, when = self._last
        if text == last and time.monotonic() - when < SAME_SECONDS:
            return
        self._last = (text, time.monotonic())
        self._events.notice("library", logger=record.name, text=text, error=error)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - upstream's name
        """Upstream writes a traceback to stderr."""
        self._events.notice("library", logger=record.name, text="a record that cannot be read")
