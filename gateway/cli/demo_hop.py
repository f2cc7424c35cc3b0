"""The next hop of ``macrogate demo``: takes every message and writes it into a Maildir.

Contract: 250 is said once the file is under its final name in ``new``, byte for byte as it came (not fsynced: it is a
demonstration); a file that cannot be written is 452. Loopback only, because it takes mail for anybody.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MAX_SIZE = 100 << 20
MAX_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Delivered:
    """One message and the envelope it came with; ``sender`` is "" for the null reverse-path."""

    path: Path
    sender: str
    recipients: tuple[str, ...]


class MaildirHop:
    """An SMTP server on a free loopback port. ``folder`` is the Maildir; it is made if need be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.delivered: deque[Delivered] = deque(maxlen=MAX_REMEMBERED)
        """The last messages with their envelopes, oldest first."""
        self._numbers = itertools.count()
        self._server: asyncio.Server | None = None
        self._connections: list[_Connection] = []

    async def start(self) -> str:
        """Listen; returns ``host:port``. Raises ``OSError`` if folder or port cannot be had."""
        for name in ("tmp", "new", "cur"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._server = await asyncio.get_running_loop().create_server(self._connection, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def stop(self) -> None:
        """Close the port and every connection; what was delivered stays."""
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.drop()
        await self._server.wait_closed()

    def messages(self) -> list[Path]:
        """Every message in ``new``, oldest first."""
        return sorted((self.folder / "new").iterdir(), key=lambda path: (path.stat().st_mtime_ns, path.name))

    def _connection(self) -> _Connection:
        connection = _Connection(self)
        self._connections = [other for other in self._connections if other.transport is not None] + [connection]
        return connection

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Called by aiosmtpd with a whole message."""
        del server, session
        assert isinstance(envelope.content, bytes)
        try:
            path = await asyncio.to_thread(self._write, envelope.content)
        except OSError as error:
            return f"452 4.3.1 The message could not be written: {error.strerror}"
        sender = envelope.mail_from or ""
        self.delivered.append(Delivered(path, "" if sender == "<>" else sender, tuple(envelope.rcpt_tos)))
        return "250 2.0.0 Delivered to the Maildir"

    def _write(self, content: bytes) -> Path:
        """The Maildir way: a reader of ``new`` never sees half a message."""
        seconds, nanoseconds = divmod(time.time_ns(), 10**9)
        serial = f"M{nanoseconds // 1000:06}P{os.getpid()}Q{next(self._numbers)}"
        host = socket.gethostname().replace("/", "\\057").replace(":", "\\072")
        name = f"{seconds}.{serial}.{host}"
        unfinished, path = self.folder / "tmp" / name, self.folder / "new" / name
        unfinished.write_bytes(content)
        unfinished.rename(path)
        return path


class _Connection(SMTP):
    line_length_limit = MAX_SIZE  # aiosmtpd's 1001 octets would lose real mail with long lines

    def __init__(self, hop: MaildirHop) -> None:
        super().__init__(hop, data_size_limit=MAX_SIZE, enable_SMTPUTF8=True, hostname="localhost", ident="demo")

    def drop(self) -> None:
        """Close the connection, if it is open."""
        if self.transport is not None:
            self.transport.close()
