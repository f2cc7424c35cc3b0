"""The log by HTTP: each batch is one POST of JSON objects, a line each (``application/x-ndjson``).

Contract: 2xx means that the collector has the batch. With 400, 413 or 422 it will not take this batch and it is given
up; everything else, redirections included, is trouble that may pass, and the batch is sent again. The file with the
authorization is read for each request, so a new token needs no restart. No more of an answer is read than is needed.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gateway import __version__
from gateway.events import Line
from gateway.receivers import PATIENCE, RefusedError
from gateway.receivers.places import CollectorPlace

NEVER = frozenset({400, 413, 422})
"""Statuses that say that something is wrong with the batch itself."""

MOST_ANSWER = 64 << 10
"""Octets of an answer that are read; a longer one costs the connection."""


class Collector:
    """Satisfies ``Receiver``. ``authorization`` is a file with the value of that header, ``ca`` whom the server has to
    be vouched for by (PEM); None for those the system trusts."""

    def __init__(self, place: CollectorPlace, authorization: Path | None = None, ca: Path | None = None) -> None:
        self._place = place
        self._authorization = authorization
        self._ca = ca
        self._connection: http.client.HTTPConnection | None = None

    def send(self, lines: Sequence[Line]) -> int:
        """Send ``lines``. Raises ``OSError``, ``RefusedError``."""
        body = "".join(f"{line.text}\n" for line in lines).encode("utf-8", "backslashreplace")
        if self._connection is None:
            self._connection = self._connect()
        try:
            status, reason = self._post(self._connection, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise OSError(str(error) or type(error).__name__) from error
        if status in NEVER:
            raise RefusedError(f"the collector refuses {len(lines)} lines: {status} {reason}")
        if not 200 <= status <= 299:
            self.close()
            raise OSError(f"the collector says {status} {reason}")
        return len(lines)

    def _connect(self) -> http.client.HTTPConnection:
        place = self._place
        if not place.https:
            return http.client.HTTPConnection(place.host, place.port, timeout=PATIENCE)
        context = ssl.create_default_context(cafile=self._ca)
        return http.client.HTTPSConnection(place.host, place.port, timeout=PATIENCE, context=context)

    def _post(self, connection: http.client.HTTPConnection, body: bytes) -> tuple[int, str]:
        headers = {"Content-Type": "application/x-ndjson", "User-Agent": f"macrogate/{__version__}"}
        if self._authorization is not None:
            headers["Authorization"] = read_authorization(self._authorization)
        connection.request("POST", self._place.target, body, headers)
        answer = connection.getresponse()
        answer.read(MOST_ANSWER)
        if not answer.isclosed():
            self.close()
        return answer.status, answer.reason

    def abort(self) -> None:
        """Wake the thread that waits in ``send``."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def read_authorization(path: Path) -> str:
    """The one line of the file. Raises ``OSError``."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable():
        raise OSError(f"{path}: has to hold one line, the value of the Authorization header, as in: Bearer 0123abc")
    return text
