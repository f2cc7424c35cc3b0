"""One connection to a next hop, below the level of SMTP commands: bytes out, replies in, and nothing out of step.

Contract: every send names how many replies it asks for. A reply nobody asked for, or bytes waiting where the pipe has
to be empty, end the connection at once, so a reply can never be paired with the wrong command. All trouble
comes out as ``HopError`` with the 4yz our own client gets; a refusal nobody asked for (421 in mid-DATA) is passed
on in the hop's own words. There is no clock in here: callers put a deadline around each whole exchange, so a hop that
drips one octet a second cannot stretch it.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from collections import deque
from collections.abc import Iterable
from typing import cast

from gateway.endpoint import Endpoint
from gateway.message import Reply
from gateway.smtp.replies import BadReply, ReplyReader

WRITE_BUFFER = 512 * 1024
"""Octets the transport may hold before a body has to wait: two chunks of a spool."""

STAGGER = 0.25
"""Seconds before the next address is tried beside one that does not answer (RFC 8305 §5)."""

CANNOT_CONNECT = Reply.of("451 4.4.1 The next hop cannot be reached; please try again later")
LOST = Reply.of("451 4.4.2 The connection to the next hop was lost; please try again later")
TIMED_OUT = Reply.of("451 4.4.2 The next hop did not answer in time; please try again later")
OUT_OF_STEP = Reply.of("451 4.4.0 The next hop does not keep to the protocol; please try again later")


class HopError(Exception):
    """The next hop could not be spoken to. ``reply`` is what our client gets, the text is for the log."""

    def __init__(self, reply: Reply, why: str) -> None:
        super().__init__(why)
        self.reply = reply


class Wire(asyncio.Protocol):
    """The asyncio side of one connection. The banner is the first reply that is asked for."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._poller: select.poll
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._expected = 1
        self._trouble: HopError | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None

    # ---- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._poller = select.poll()
        self._poller.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def data_received(self, data: bytes) -> None:
        try:
            for reply in self._reader.feed(data):
                self._take(reply)
        except BadReply as bad:
            self.fail(HopError(OUT_OF_STEP, str(bad)))
        _wake(self._arrival)

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(HopError(LOST, f"connection lost: {exc}" if exc else "connection closed by the next hop"))

    def pause_writing(self) -> None:
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        _wake(self._room)
        self._room = None

    # ---- what the SMTP client calls

    def send(self, data: bytes, replies: int) -> None:
        """Write ``data``, after which ``replies`` more replies are due. Raises ``HopError``."""
        self.check()
        self._expected += replies
        assert self._transport is not None
        self._transport.write(data)

    def check(self) -> None:
        """Raises ``HopError`` if the connection is gone or out of step."""
        if self._trouble is None and not self._expected and self._reader.pending:
            self.fail(HopError(OUT_OF_STEP, "part of a reply arrived that nobody asked for"))
        if self._trouble is not None:
            raise HopError(self._trouble.reply, str(self._trouble))

    def check_silence(self) -> None:
        """As ``check``, and nothing may be waiting in the kernel either that the event loop has not seen yet. For the
        moments where an early reply would be taken for the answer to what is sent next."""
        self.check()
        if self._poller.poll(0):
            self.fail(HopError(OUT_OF_STEP, "the next hop spoke out of turn or closed the connection"))
            self.check()

    async def reply(self) -> Reply:
        """The next reply in order; one that came whole counts even if the connection died after it. Raises
        ``HopError``. Cancellation leaves the connection out of step: the caller has to ``abort``."""
        while not self._replies:
            self.check()
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        return self._replies.popleft()

    async def drain(self) -> None:
        """Let the event loop run, and wait until there is room to write. Raises ``HopError``."""
        if self._room is None:
            await asyncio.sleep(0)
        else:
            await self._room
        self.check()

    async def start_tls(self, context: ssl.SSLContext, server_hostname: str | None, seconds: float) -> None:
        """Go on under TLS within ``seconds``. Raises ``HopError``, also if the hop sent anything before the
        handshake."""
        self.check_silence()
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                self._transport, self, context, server_hostname=server_hostname, ssl_handshake_timeout=seconds
            )
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; ValueError: no host name to verify
            raise HopError(CANNOT_CONNECT, f"TLS handshake failed: {error}") from error
        if transport is None:
            raise HopError(LOST, "connection lost during the TLS handshake")
        self.connection_made(transport)

    def abort(self) -> None:
        """Drop the connection now, whatever is still to be written."""
        self.fail(HopError(LOST, "connection dropped by us"))

    def fail(self, trouble: HopError) -> None:
        """Drop the connection and tell whoever waits for it why; the first trouble is the one that is told."""
        if self._trouble is None:
            self._trouble = trouble
        if self._transport is not None:
            self._transport.abort()
        _wake(self._arrival)
        _wake(self._room)

    def close(self) -> None:
        """Close once everything is written."""
        if self._transport is not None:
            self._transport.close()

    # ---- inside

    def _take(self, reply: Reply) -> None:
        if self._expected:
            self._expected -= 1
            self._replies.append(reply)
        elif reply.code >= 400:
            self.fail(HopError(reply, f"the next hop gave up: {reply.text}"))
        else:
            self.fail(HopError(OUT_OF_STEP, f"a reply nobody asked for: {reply.text}"))


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


async def connect(address: Endpoint) -> Wire:
    """A connection to ``address``; of several IP addresses the first that answers. Raises ``OSError``."""
    loop = asyncio.get_running_loop()
    if address.path:
        _, wire = await loop.create_unix_connection(Wire, address.path)
        return wire
    if ":" in address.host or address.host.replace(".", "").isdigit():
        return await _connect_to(address.host, address.port)
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    return await _connect_to_first([str(entry[4][0]) for entry in found], address.port)


async def _connect_to(host: str, port: int) -> Wire:
    _, wire = await asyncio.get_running_loop().create_connection(Wire, host, port)
    return wire


async def _connect_to_first(hosts: Iterable[str], port: int) -> Wire:
    """RFC 8305 without its sorting. ``loop.create_connection(happy_eyeballs_delay=)`` would do, but uvloop lacks it."""
    untried = list(dict.fromkeys(hosts))
    attempts: list[asyncio.Task[Wire]] = []
    failure = OSError("the name has no address")
    winner = None
    try:
        while untried or attempts:
            if untried:
                attempts.append(asyncio.create_task(_connect_to(untried.pop(0), port)))
            patience = STAGGER if untried else None
            done, _ = await asyncio.wait(attempts, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                attempts.remove(attempt)
                try:
                    winner = _keep_first(winner, attempt.result())
                except OSError as error:
                    failure = error
            if winner is not None:
                return winner
        raise failure
    finally:
        for attempt in attempts:
            attempt.add_done_callback(_drop)
            attempt.cancel()


def _keep_first(winner: Wire | None, wire: Wire) -> Wire:
    if winner is not None:
        wire.abort()
    return winner or wire


def _drop(attempt: asyncio.Task[Wire]) -> None:
    """An attempt nobody waits for any more may still have connected before it heard of it."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().abort()
