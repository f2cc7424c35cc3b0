"""The bytes of one message, from the first octet of DATA to the last one delivered.

Contract: written once by the receiving side, then read-only. Up to ``MEMORY_LIMIT`` bytes stay in memory, more go to
an unlinked file that vanishes with the process. A worker gets a descriptor of its own, opened read-only or sealed, so
that what was scanned is what is delivered even if the worker is taken over. ``OSError`` (no space, no descriptors) is
passed on: the caller answers 452 and the client keeps its mail.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

from gateway.message import Edits

MEMORY_LIMIT = 1 << 20
CHUNK = 256 * 1024

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Spool:
    """Bytes that are appended to until ``freeze()`` and only read afterwards."""

    def __init__(self, directory: str | None = None) -> None:
        self._directory = directory
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self.size = 0

    @classmethod
    def of(cls, content: bytes) -> Spool:
        """A frozen spool of bytes at hand, for tests and for ``macrogate scan``."""
        spool = cls()
        spool.write(content)
        return spool

    @classmethod
    def over(cls, file: BinaryIO) -> Spool:
        """A frozen spool of what an open file holds, which it closes. Raises ``OSError``."""
        spool = cls()
        spool._file = file
        spool.size = os.fstat(file.fileno()).st_size
        return spool

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append. Raises ``OSError`` when the disk is full."""
        self.size += len(data)
        if self._file is None and self.size <= MEMORY_LIMIT:
            self._memory += data
            return
        if self._file is None:
            file = tempfile.TemporaryFile(dir=self._directory, buffering=0)  # noqa: SIM115 - close() ends it
            self._file = cast(BinaryIO, file)
            self._write_all(self._memory)
            self._memory = bytearray()
        self._write_all(data)

    def _write_all(self, data: bytes | bytearray | memoryview) -> None:
        assert self._file is not None
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def read(self, start: int = 0, end: int | None = None) -> bytes:
        """The bytes from ``start`` up to ``end`` (default: all)."""
        stop = self.size if end is None else min(end, self.size)
        if self._file is None:
            return bytes(self._memory[start:stop])
        return os.pread(self._file.fileno(), stop - start, start) if stop > start else b""

    def chunks(self, edits: Edits | None = None, start: int = 0) -> Iterator[bytes]:
        """The message as it is to be delivered, in pieces of at most ``CHUNK`` bytes of the original. It begins at
        ``start``, which no edit may be before."""
        position = start
        for splice in edits.splices if edits else ():
            yield from self._plain(position, splice.span.start)
            if splice.replacement:
                yield splice.replacement
            position = splice.span.end
        yield from self._plain(position, self.size)

    def _plain(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            stop = min(start + CHUNK, end)
            yield self.read(start, stop)
            start = stop

    def descriptor(self) -> int:
        """A new descriptor for a worker, at offset 0, through which nothing can be written; the caller closes it."""
        if self._file is not None:
            return os.open(f"/proc/self/fd/{self._file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
        memory = os.memfd_create("macrogate", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            written = 0
            while written < self.size:
                written += os.write(memory, self._memory[written:])
            os.lseek(memory, 0, os.SEEK_SET)
            fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
        except BaseException:
            os.close(memory)
            raise
        return memory

    def share(self) -> Spool:
        """The same bytes for a reader that may outlive this spool, and closes what it got. Raises ``OSError``."""
        other = Spool(self._directory)
        if self._file is not None:
            other._file = os.fdopen(os.dup(self._file.fileno()), "rb", buffering=0)
        other._memory, other.size = self._memory, self.size
        return other

    def close(self) -> None:
        """Give memory or file back; safe to call twice."""
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()
            self._file = None
