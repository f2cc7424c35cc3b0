"""An SMTP client that says exactly what the test says, byte for byte, and reads what comes back.

Not smtplib: that one repairs line ends and dots, which is what half of these tests are about.
"""

from __future__ import annotations

import socket
from types import TracebackType


class Talk:
    """One conversation. ``source`` is the address we come from: 127.0.0.0/8 is all ours to play strangers with."""

    def __init__(self, port: int, source: str = "127.0.0.1", timeout: float = 30.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0))
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Talk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up without a word."""
        self._file.close()
        self._socket.close()

    def write(self, data: bytes) -> None:
        """Send as it is."""
        self._socket.sendall(data)

    def reply(self) -> str:
        """The next reply, its lines joined by newlines; "" when the other side hung up."""
        lines: list[str] = []
        while True:
            try:
                line = self._file.readline().decode("utf-8", "replace").rstrip("\r\n")
            except ConnectionError:
                return ""
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    def impatient_reply(self) -> str:
        """``reply``, or "" when there is none within the time-out; the conversation is over then."""
        try:
            return self.reply()
        except TimeoutError:
            return ""

    def say(self, line: str) -> str:
        """One command, one reply."""
        self.write(line.encode() + b"\r\n")
        return self.reply()

    def hello(self, name: str = "client.test") -> str:
        """Greeting and EHLO; returns the EHLO reply. Raises ``ConnectionError`` when there is no greeting."""
        greeting = self.reply()
        if not greeting:
            raise ConnectionResetError("hung up before the greeting")
        assert greeting.startswith("220"), greeting
        return self.say(f"EHLO {name}")

    def envelope(self, sender: str, *recipients: str) -> list[str]:
        """MAIL and every RCPT; returns the replies."""
        return [self.say(f"MAIL FROM:<{sender}>"), *(self.say(f"RCPT TO:<{recipient}>") for recipient in recipients)]

    def content(self, message: bytes) -> str:
        """DATA, the message (CRLF lines) with its dots doubled, the final dot; returns the last reply."""
        go_ahead = self.say("DATA")
        if not go_ahead.startswith("354"):
            return go_ahead
        self.write(stuffed(message))
        return self.reply()

    def rest(self) -> list[str]:
        """Every reply until the other side hangs up (we send QUIT first)."""
        try:
            self.write(b"QUIT\r\n")
        except ConnectionError:
            return []
        replies = []
        while reply := self.reply():
            replies.append(reply)
        return replies


def stuffed(message: bytes) -> bytes:
    """``message`` as it goes over the wire, final dot included (RFC 5321 §4.5.2)."""
    body = (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:]
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def unstuffed(wire: bytes) -> bytes:
    """The message that ``stuffed`` made ``wire`` of."""
    return (b"\r\n" + wire.removesuffix(b".\r\n")).replace(b"\r\n..", b"\r\n.")[2:]


def attempt(port: int, message: bytes, *recipients: str) -> str:
    """``send`` as a client that has to try again sees it: "" for any trouble with the connection, a 421 included."""
    try:
        return send(port, message, *recipients)
    except (OSError, AssertionError):
        return ""


def send(
    port: int, message: bytes, *recipients: str, sender: str = "sender@outside.test", source: str = "127.0.0.1"
) -> str:
    """One message in one session; returns the first refusal or the last reply."""
    with Talk(port, source) as talk:
        talk.hello()
        for reply in talk.envelope(sender, *recipients):
            if not reply.startswith("2"):
                return reply
        return talk.content(message)
