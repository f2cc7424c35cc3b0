"""Messages the end-to-end tests send: CRLF lines, complete headers, one marker each to find them again."""

from __future__ import annotations

import base64
import itertools
import re
from pathlib import Path

_numbers = itertools.count(1)
RECEIVED = re.compile(rb"\AReceived: from .*\r\n(?:[ \t].*\r\n)*")


def marker() -> str:
    """A word no other message of this run has."""
    return f"marker-{next(_numbers)}-{Path(__file__).stat().st_ino:x}"


def plain(
    mark: str, body: str = "Dear all,\r\n\r\n.a line that begins with a dot\r\n\tand one with a tab\r\n"
) -> bytes:
    """A text message with what is easily damaged on the way: dots, spaces at line ends, 8-bit, long lines."""
    text = (
        f"From: Sender <sender@outside.test>\r\nTo: Alice <alice@example.com>\r\nSubject:  two spaces, {mark}\r\n"
        f"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{mark}@outside.test>\r\nX-Odd:x\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
        f"\r\n{body}trailing spaces   \r\ngrüße, 日本語\r\n{'long ' * 180}\r\n\r\n\r\n"
    )
    return text.encode()


def carrying(mark: str, name: str, document: bytes) -> bytes:
    """A short text and one attachment."""
    head = (
        f"From: Sender <sender@outside.test>\r\nTo: Alice <alice@example.com>\r\nSubject: invoice {mark}\r\n"
        f"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{mark}@outside.test>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="=_e2e"\r\n\r\n--=_e2e\r\nContent-Type: text/plain\r\n\r\n'
        f"See attachment.\r\n--=_e2e\r\nContent-Type: application/octet-stream; name={name}\r\n"
        f"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename={name}\r\n\r\n"
    )
    return head.encode() + base64.encodebytes(document).replace(b"\n", b"\r\n") + b"--=_e2e--\r\n"


def below_our_header(received: bytes) -> bytes:
    """What stands below the ``X-Macrogate`` line in a message as an MTA stored it, in CRLF lines.

    An MTA puts Return-Path, Delivered-To and Received on top of our line, and stores LF. Before the queue the Postfix
    in front has put its own Received line first, so that one stands right below ours.
    """
    text = received.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert text.count(b"\r\nX-Macrogate: ") == 1, text[:800]
    below = text.partition(b"\r\nX-Macrogate: ")[2].partition(b"\r\n")[2]
    return RECEIVED.sub(b"", below, count=1)
