"""One message as an MTA hands it over by milter, put together again byte for byte.

Contract: what the spool holds is what the MTA has in its queue below its own first Received field (which no filter gets
to see), in CRLF lines. Whatever stands in the way of that is a refusal, told at the end of the message; never is
less than the whole message scanned. Memory is bounded by ``MAX_HEADER`` and the spool's own limit.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable

from gateway.message import Reply
from gateway.milter.packets import Header
from gateway.spool import Spool

MAX_HEADER = 1 << 20
"""Octets of the header section. Postfix cuts a single field at 100 KiB (``header_size_limit``)."""

TOO_BIG = Reply.of("552 5.3.4 Message size exceeds the fixed limit")
HEADER_TOO_BIG = Reply.of("552 5.3.4 The header section of the message is too long")
NO_SPACE = Reply.of("452 4.3.1 Insufficient storage, please try again later")
NUL = Reply.of("554 5.6.0 The message holds a NUL octet")


class Incoming:
    """Filled field by field, then piece by piece; read only afterwards."""

    def __init__(self, open_spool: Callable[[], Spool], max_size: int) -> None:
        self._max_size = max_size
        self._spool: Spool | None = None
        self.refusal: Reply | None = None
        self.why = ""
        """Why there was no room, for the log."""
        self.starts = array("L")
        """Where each field begins."""
        self.header_end = 0
        """Where the empty line behind the header section is."""
        try:
            self._spool = open_spool()
        except OSError as error:
            self._no_space(error)

    @property
    def spool(self) -> Spool:
        """The message; there is one as long as there is no refusal."""
        assert self._spool is not None
        return self._spool

    def header(self, field: Header) -> None:
        """The next field."""
        line = field.line
        if self._spool is not None and self._spool.size + len(line) > MAX_HEADER:
            self.refusal = self.refusal or HEADER_TOO_BIG
        if self.refusal is None:
            self.starts.append(self.spool.size)
            self._write(line)

    def end_of_header(self) -> None:
        """What follows is the body."""
        if self.refusal is None:
            self.header_end = self.spool.size
            self._write(b"\r\n")

    def body(self, octets: bytes) -> None:
        """The next piece of the body."""
        if b"\0" in octets:
            self.refusal = self.refusal or NUL
        if self.refusal is None:
            self._write(octets)

    def _write(self, octets: bytes) -> None:
        if self.spool.size + len(octets) > self._max_size:
            self.refusal = TOO_BIG
            return
        try:
            self.spool.write(octets)
        except OSError as error:
            self._no_space(error)

    def _no_space(self, error: OSError) -> None:
        self.refusal, self.why = NO_SPACE, str(error)

    def close(self) -> None:
        """Give the room back; safe to call twice."""
        if self._spool is not None:
            self._spool.close()
