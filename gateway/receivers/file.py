"""The log as a file that only grows.

Contract: a batch is in the file whole or not at all, one line each. The file is opened anew when somebody has moved it
away or deleted it, so ``logrotate`` needs neither ``copytruncate`` nor a signal. Only a regular file is written to.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gateway.events import Line

FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
"""``O_NONBLOCK``: a FIFO nobody reads must not hold the thread; it means nothing to a regular file."""

MODE = 0o640
"""Whoever collects logs is in the group of the daemon; subjects and addresses are nobody else's business."""


class LogFile:
    """Satisfies ``Receiver``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def send(self, lines: Sequence[Line]) -> int:
        """Append ``lines``. Raises ``OSError``."""
        if self._descriptor == -1 or not self._still_there():
            self.close()
            self._descriptor = self._open()
        data = "".join(f"{line.text}\n" for line in lines).encode("utf-8", "backslashreplace")
        before = os.fstat(self._descriptor).st_size
        try:
            self._write(data)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, before)  # a full disk has taken the beginning
            raise
        return len(lines)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def _open(self) -> int:
        try:
            descriptor = os.open(self._path, FLAGS)
        except FileNotFoundError:
            descriptor = os.open(self._path, FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
            os.fchmod(descriptor, MODE)  # whatever the umask is
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(f"{self._path} is no regular file")
        return descriptor

    def _still_there(self) -> bool:
        try:
            found = os.stat(self._path)
        except OSError:
            return False
        ours = os.fstat(self._descriptor)
        return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)

    def abort(self) -> None:
        """A disk that hangs cannot be interrupted."""

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor != -1:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1
