"""One SMTP conversation, byte for byte as the self-test wants it said. ``smtplib`` repairs line ends and dots, which is
what is to be tried.

Contract: blocking, with a deadline for every reply. ``Lost`` for anything that goes wrong with the connection. A reply
is bounded in lines and bytes and safe to print.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from gateway.message import clip

MAX_LINE: Final = 8192
MAX_LINES: Final = 200
EHLO_NAME: Final = "macrogate-selftest.invalid"
"""No host has this name (RFC 2606), so no rule of the server's is about it."""


class Lost(Exception):
    """The connection could not be made, broke, or brought no reply in time. The message says which."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect to, and from which of our own addresses ("": whichever)."""

    host: str
    port: int
    source: str
    timeout: float

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reply:
    """``code`` is 0 for something that is no reply of SMTP. ``text`` has the lines, " / " between them."""

    code: int
    text: str

    @property
    def accepted(self) -> bool:
        return 200 <= self.code <= 399

    @property
    def for_now(self) -> bool:
        """A 4yz: it might be otherwise another time."""
        return 400 <= self.code <= 499

    def __str__(self) -> str:
        return f"{self.code or '?'} {self.text}".rstrip()


class Talk:
    """A session that has had its greeting. ``address`` is the server's own, as the connection has it."""

    def __init__(self, target: Target) -> None:
        source = (target.source, 0) if target.source else None
        try:
            self._socket: socket.socket = socket.create_connection(
                (target.host, target.port), target.timeout, source_address=source
            )
        except OSError as error:
            raise Lost(f"{target}: {error.strerror or error}") from None
        self.address: str = self._socket.getpeername()[0]
        self.offers: frozenset[str] = frozenset()
        self._received = bytearray()
        try:
            greeting = self.reply()
        except Lost:
            self.close()
            raise
        if greeting.code != 220:
            self.close()
            raise Lost(f"the server greeted with {greeting}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def hello(self, name: str = EHLO_NAME) -> Reply:
        """EHLO; ``offers`` are the extensions, in capitals. Raises ``Lost`` when the server does not take it."""
        reply = self.say(f"EHLO {name}")
        if reply.code != 250:
            raise Lost(f"the server answered EHLO with {reply}")
        self.offers = frozenset(line.split()[0].upper() for line in reply.text.split(" / ")[1:] if line.strip())
        return reply

    def say(self, line: str) -> Reply:
        """One command, one reply."""
        self.write(line.encode() + b"\r\n")
        return self.reply()

    def write(self, data: bytes) -> None:
        """Send as it is."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Lost(f"the connection broke: {error.strerror or error}") from None

    def reply(self) -> Reply:
        """The next reply."""
        lines: list[bytes] = []
        while len(lines) < MAX_LINES:
            line = self._line()
            lines.append(line)
            if line[3:4] != b"-":
                break
        code = int(line[:3]) if line[:3].isdigit() else 0
        text = b" / ".join(line[4:] if code else line for line in lines).decode("utf-8", "replace")
        return Reply(code, clip(text, 4000))

    def _line(self) -> bytes:
        while b"\n" not in self._received:
            if len(self._received) > MAX_LINE:
                raise Lost("the server wrote a line without an end")
            try:
                data = self._socket.recv(MAX_LINE)
            except TimeoutError:
                raise Lost("no reply in time") from None
            except OSError as error:
                raise Lost(f"the connection broke: {error.strerror or error}") from None
            if not data:
                raise Lost("the server hung up")
            self._received += data
        line, _, rest = bytes(self._received).partition(b"\n")
        self._received = bytearray(rest)
        return line.rstrip(b"\r")

    def rest(self) -> list[Reply]:
        """QUIT, and every reply up to the one to it or until the server hangs up."""
        replies: list[Reply] = []
        try:
            self.write(b"QUIT\r\n")
            while len(replies) < MAX_LINES and (reply := self.reply()).code != 221:
                replies.append(reply)
        except Lost:
            pass
        return replies

    def encrypt(self) -> None:
        """The handshake after STARTTLS. Raises ``Lost``. Whose certificate it is is no part of the test."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            self._socket = context.wrap_socket(self._socket)
        except (OSError, ValueError) as error:
            raise Lost(f"no TLS came of it: {clip(str(error), 200)}") from None
        self._received.clear()
