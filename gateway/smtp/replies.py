"""Reads SMTP and LMTP replies (RFC 5321 §4.2) out of whatever a next hop sends.

Contract: bytes in, ``Reply`` objects out, in order; no socket, no clock. What is not a reply is refused with
``BadReply`` and never handed on, because these bytes end up in front of our own client and in the log: a
line without CRLF, a CR, LF or NUL inside a line, a line or a reply beyond the limits, no three-digit code, lines of one
reply with different codes. Other control characters are shown as ``?``. Memory is bounded by ``MAX_LINE`` times
``MAX_LINES``. After ``BadReply`` the reader is of no further use.
"""

from __future__ import annotations

import re

from gateway.message import Reply

MAX_LINE = 2048
"""Octets with CRLF. RFC 5321 §4.5.3.1.5 says 512; Postfix reads 2048 (``line_length_limit``)."""

MAX_LINES = 128
"""Lines of one reply. The longest in real life are EHLO replies of about thirty."""

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\x00\r\n]*))?")
_CONTROL = re.compile(rb"[\x01-\x08\x0b-\x1f\x7f]")


class BadReply(Exception):
    """The next hop did not send a reply; the sentence says what was wrong without repeating its bytes."""


class ReplyReader:
    """One direction of one connection."""

    def __init__(self) -> None:
        self._rest = b""
        self._code = 0
        self._lines: list[bytes] = []

    @property
    def pending(self) -> bool:
        """Part of a reply has arrived and its end has not."""
        return bool(self._rest or self._lines)

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that ``data`` completes. Raises ``BadReply``."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        replies = [reply for line in lines if (reply := self._line(line)) is not None]
        if len(self._rest) > MAX_LINE:
            raise BadReply("a reply line is too long")
        return replies

    def _line(self, line: bytes) -> Reply | None:
        if len(line) >= MAX_LINE:
            raise BadReply("a reply line is too long")
        if not line.endswith(b"\r"):
            raise BadReply("a reply line does not end in CRLF")
        match = _LINE.fullmatch(line, 0, len(line) - 1)
        if match is None:
            raise BadReply("a line is not an SMTP reply")
        code = int(match[1])
        if self._lines and code != self._code:
            raise BadReply("the lines of one reply have different codes")
        if len(self._lines) >= MAX_LINES:
            raise BadReply("a reply has too many lines")
        self._code = code
        self._lines.append(_CONTROL.sub(b"?", match[3] or b""))
        if match[2] == b"-":
            return None
        reply, self._lines = Reply(code, tuple(self._lines)), []
        return reply
