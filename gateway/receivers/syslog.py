"""The log as syslog messages, the JSON of each event being the text.

Contract: over UDP, TCP and TLS in the form of RFC 5424, one datagram each (RFC 5426) or framed by octet counting (RFC
6587 §3.4.1, RFC 5425); to a UNIX socket as ``syslog(3)`` writes it, which is what journald and rsyslog expect there.
Facility is ``mail``, severity follows the level, MSGID is the name of the event. The text is ASCII (JSON says the rest
by escapes), so there is no question of a byte order mark. A message has ``MOST_OCTETS`` at the most: rsyslog cuts
longer ones as shipped, and half an object is read by nobody; so the longest fields are left out whole, and named in
``left_out``.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.events import Line
from gateway.receivers import PATIENCE
from gateway.receivers.places import SyslogPlace

FACILITY = 2
"""``mail``, RFC 5424 §6.2.1."""

SEVERITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3}

MOST_OCTETS = 8192
"""``maxMessageSize`` of rsyslog as shipped; RFC 5424 §6.1 promises 2,048."""

APP_NAME = "macrogate"

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Syslog:
    """Satisfies ``Receiver``. ``hostname`` is our name in the messages, ``ca`` whom a TLS server has to be vouched for
    by (PEM); None for those the system trusts."""

    def __init__(self, place: SyslogPlace, hostname: str, ca: Path | None = None) -> None:
        self._place = place
        self._hostname = hostname.encode("ascii", "replace").decode()[:255] or "-"
        self._ca = ca
        self._socket: socket.socket | None = None

    def send(self, lines: Sequence[Line]) -> int:
        """Send ``lines``. Raises ``OSError``."""
        if self._socket is None:
            self._socket = self._connect()
        try:
            if self._place.transport in ("tcp", "tls"):
                _refuse_gone(self._socket)
                self._socket.sendall(b"".join(framed(self.message(line)) for line in lines))
                return len(lines)
            return self._send_each(self._socket, lines)
        except OSError:
            self.close()
            raise

    def _send_each(self, to: socket.socket, lines: Sequence[Line]) -> int:
        for count, line in enumerate(lines):
            try:
                to.send(self.message(line))
            except OSError:
                if count:
                    return count  # the next call tells what is wrong, if it still is
                raise
        return len(lines)

    def message(self, line: Line) -> bytes:
        """One message, without a frame."""
        priority = FACILITY * 8 + SEVERITIES.get(line.level, 5)
        if self._place.transport == "unix":
            head = f"<{priority}>{_traditional(line.timestamp)} {APP_NAME}[{os.getpid()}]: "
        else:
            moment = line.timestamp or "-"
            head = f"<{priority}>1 {moment} {self._hostname} {APP_NAME} {os.getpid()} {line.event[:32] or '-'} - "
        return (head + ascii_json(line.text, MOST_OCTETS - len(head))).encode("ascii", "replace")

    def _connect(self) -> socket.socket:
        place = self._place
        if place.transport == "unix":
            return _connected(socket.AF_UNIX, socket.SOCK_DGRAM, place.endpoint.path)
        if place.transport == "udp":
            (family, kind, _, _, address), *_ = socket.getaddrinfo(
                place.endpoint.host, place.endpoint.port, type=socket.SOCK_DGRAM
            )
            return _connected(family, kind, address)
        plain = socket.create_connection((place.endpoint.host, place.endpoint.port), PATIENCE)
        try:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            # a receiver that is gone without a word is noticed while something is on its way to it
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(PATIENCE * 1000))
            if place.transport == "tcp":
                return plain
            context = ssl.create_default_context(cafile=self._ca)
            return context.wrap_socket(plain, server_hostname=place.endpoint.host)
        except BaseException:
            plain.close()
            raise

    def abort(self) -> None:
        """Wake the thread that waits in ``send``."""
        if (connection := self._socket) is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None


def _connected(family: int, kind: int, address: str | tuple[Any, ...]) -> socket.socket:
    made = socket.socket(family, kind)
    try:
        made.settimeout(PATIENCE)
        made.connect(address)
    except BaseException:
        made.close()
        raise
    return made


def _refuse_gone(connection: socket.socket) -> None:
    """Raise if the server has closed: the kernel would take one more batch and throw it away."""
    connection.setblocking(False)
    try:
        if connection.recv(4096) == b"":
            raise ConnectionResetError("the syslog server has closed the connection")
    except (BlockingIOError, ssl.SSLWantReadError):
        pass
    finally:
        connection.settimeout(PATIENCE)


def framed(message: bytes) -> bytes:
    """Octet counting, RFC 6587 §3.4.1."""
    return b"%d %b" % (len(message), message)


def ascii_json(text: str, limit: int) -> str:
    """The JSON object ``text`` in ASCII and in ``limit`` characters at the most."""
    escaped = text if text.isascii() else _BEYOND_ASCII.sub(_escaped, text)
    if len(escaped) <= limit:
        return escaped
    event = json.loads(text)
    left_out: list[str] = []
    longest = sorted(event, key=lambda name: len(json.dumps(event[name])), reverse=True)
    for name in longest:
        del event[name]
        left_out.append(name)
        shorter = json.dumps({**event, "left_out": left_out}, separators=(",", ":"))
        if len(shorter) <= limit:
            return shorter
    return "{}"


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


def _traditional(timestamp: str) -> str:
    """As ``syslog(3)`` writes it, in local time: ``Nov 24 21:15:00``."""
    when = datetime.fromisoformat(timestamp).astimezone() if timestamp else datetime.now().astimezone()
    return f"{_MONTHS[when.month - 1]} {when.day:2} {when:%H:%M:%S}"
