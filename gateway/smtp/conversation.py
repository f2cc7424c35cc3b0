"""One connection of a client, below the level of SMTP verbs: lines, time-outs, TLS, the end. aiosmtpd, repaired.

Contract: a command line is handed on only if it is one; whoever speaks out of turn, too slowly, or in another protocol
is hung up on with the reply that says so. Nothing a verb raises reaches the client. ``tests/unit/smtp/
test_aiosmtpd_contract.py`` has one test for each private name of aiosmtpd and asyncio used here, and one for each
defect worked around, which tells what may go once upstream has mended it.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from aiosmtpd.proxy_protocol import get_proxy
from aiosmtpd.smtp import SMTP

from gateway.events import MailLog
from gateway.message import Client, Reply
from gateway.metrics import Metrics
from gateway.smtp.peers import Guests, client_at, client_behind_proxy
from gateway.smtp.protocol import MAX_COMMAND, Command, CommandError
from gateway.smtp.settings import Gateway, ServerSettings

MAX_DISCARDED = 64 * 1024
"""Octets of an overlong command that are read for the sake of an answer."""

MAX_UNSAID = 4096
"""Octets of replies that wait for the rest of their group."""

LINGER = 5.0
"""Seconds a closing connection may take to send what is left: the good-bye, and TLS close_notify."""

TIMEOUT = Reply.of("421 4.4.2 Timeout exceeded, closing the connection")
TOO_MANY_SESSIONS = Reply.of("421 4.7.0 Too many connections, please try again later")
TOO_MANY_ERRORS = Reply.of("421 4.7.0 Too many errors, closing the connection")
SHUTTING_DOWN = Reply.of("421 4.3.2 Service shutting down, please try again")
OUT_OF_TURN = Reply.of("554 5.5.0 Protocol error: the client spoke out of turn")
OUR_FAULT = Reply.of("421 4.3.0 Internal error, please try again later")

HTTP = frozenset({"GET", "POST", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "PATCH", "TRACE", "PRI"})


class HangUpError(Exception):
    """End the session. ``end`` is its label in the metrics; ``why``, if there is one, goes to the log."""

    def __init__(self, end: str, reply: Reply | None = None, why: str = "") -> None:
        super().__init__(why)
        self.end = end
        self.reply = reply
        self.why = why


@dataclass(slots=True)
class House:
    """What the sessions of one listener share."""

    settings: ServerSettings
    current: Callable[[], Gateway]
    metrics: Metrics
    events: MailLog
    guests: Guests
    sessions: set[Conversation] = field(default_factory=set)
    finishing: set[asyncio.Task[Reply]] = field(default_factory=set)
    """Messages past their final dot; each may outlive its session."""
    farewells: set[asyncio.Task[None]] = field(default_factory=set)
    """Sessions that are over and only wait for their message and let go of their connection."""
    draining: bool = False


class Conversation(SMTP):
    """From connect to good-bye. Verbs (``smtp_NOOP`` ...) are the subclass's."""

    line_length_limit = MAX_COMMAND

    def __init__(self, house: House) -> None:
        self.command_size_limits = {}  # upstream: one dict for all sessions, cleared by each new one
        loop = asyncio.get_running_loop()
        super().__init__(object(), hostname=house.settings.hostname, enable_SMTPUTF8=True, loop=loop)
        self.house = house
        self.settings = house.settings
        self.client = Client()
        """Who the other side is, as far as it can be believed."""
        self.trusted = False
        self.finishing: asyncio.Task[Reply] | None = None
        """The message past its final dot: it is brought to its end whatever becomes of the connection."""
        self._end = ""
        self._errors = 0
        self._unsaid = b""
        self._counted_as: Client | None = None
        self._deadline = self.loop.time() + self.settings.timeouts.session

    def task(self) -> asyncio.Task[None]:
        """What runs the session, from connect on. No property: upstream's constructor evaluates every one."""
        assert self._handler_coroutine is not None
        return self._handler_coroutine

    # ---- what the subclass provides

    async def obey(self, verb: str, method: Callable[[str], Awaitable[None]], argument: str) -> None:
        """Do one command. ``CommandError`` and ``HangUpError`` are answered here."""
        raise NotImplementedError

    async def part(self) -> None:
        """Let go of everything; runs after the connection is gone, and after ``finishing``."""
        raise NotImplementedError

    # ---- the session from beginning to end

    async def _handle_client(self) -> None:
        """Upstream's command loop reads to a bare LF, tells clients the text of our exceptions, and knows no end but
        cancellation."""
        self.house.sessions.add(self)
        self.house.metrics.sessions_open.labels("smtp").inc()
        try:
            await self._converse()
        except HangUpError as parting:
            self._hang_up(parting)
        except ConnectionError:
            self._hang_up(HangUpError("dropped"))
        except Exception as error:  # noqa: BLE001 - a bug of ours must cost one session and no more
            self.house.events.notice("session-error", client=self.client.address, error=repr(error)[:500])
            self._hang_up(HangUpError("error", OUR_FAULT))
        finally:
            self._see_off()

    async def _converse(self) -> None:
        self.client = self._peer()
        self.trusted = self.house.guests.trusts(self.client)
        if self.settings.proxy_protocol:
            await self._read_proxy_header()
        if self.house.draining:
            raise HangUpError("drained", SHUTTING_DOWN)
        if not self.house.guests.enter(self.client):
            raise HangUpError("refused", TOO_MANY_SESSIONS, "too many connections")
        self._counted_as = self.client
        await self._await_silence()
        await self.greet()
        while True:
            line = await self._read_line()
            try:
                await self._dispatch(line)
            except CommandError as error:
                await self._refuse(error)
            if self.house.draining:
                raise HangUpError("drained", SHUTTING_DOWN)

    def _peer(self) -> Client:
        assert self.transport is not None
        name = self.transport.get_extra_info("peername")
        if not name and self.transport.get_extra_info("socket").family is not socket.AF_UNIX:
            raise HangUpError("dropped")  # reset before we looked; having no address must not pass for trust
        return client_at(name)

    async def greet(self) -> None:
        """The 220 that begins a session, and begins it again after XCLIENT."""
        await self.say(Reply.of(f"220 {self.hostname} ESMTP"))

    async def _dispatch(self, line: bytes) -> None:
        command = Command.parse(line)
        if command.verb in HTTP:
            raise HangUpError("refused", Reply.of("502 5.7.0 This is no HTTP server"), "HTTP")
        method = self._smtp_methods.get(command.verb)
        if method is None:
            raise CommandError("500 5.5.2 Command not recognized")
        await self.obey(command.verb, method, command.argument)

    async def _refuse(self, error: CommandError) -> None:
        if error.fatal:
            raise HangUpError("refused", error.reply, str(error))
        self._errors += 1
        if self._errors >= self.settings.max_errors:
            raise HangUpError("refused", TOO_MANY_ERRORS, "too many errors")
        await self.say(error.reply)

    # ---- reading and writing

    async def say(self, reply: Reply, *, at_once: bool = False) -> None:
        """Send a reply, together with those to the commands of its group (RFC 2920 §3.2) unless it is wanted
        ``at_once``. One with 421 ends the session, whoever it came from (RFC 5321 §3.8)."""
        if reply.code == 421:
            raise HangUpError("refused", reply)
        self._unsaid += reply.wire
        waiting = b"\n" in self._reader._buffer  # type: ignore[attr-defined] # asyncio has no public word for it
        if at_once or not waiting or len(self._unsaid) > MAX_UNSAID:
            self._writer.write(self._take_unsaid())
            await self._writer.drain()

    def _take_unsaid(self) -> bytes:
        unsaid, self._unsaid = self._unsaid, b""
        return unsaid

    async def _read_line(self) -> bytes:
        """One line up to its LF. The time-out is for the whole line, so dripping does not help."""
        if self.loop.time() >= self._deadline:  # the timer alone never fires on a client that is faster than it
            raise HangUpError("timeout", TIMEOUT, "session too long")
        self.wait_at_most(self.settings.timeouts.command)
        discarded = 0
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                raise HangUpError("dropped") from None
            except asyncio.LimitOverrunError as overrun:
                discarded += len(await self._reader.read(overrun.consumed))
                if discarded > MAX_DISCARDED:
                    raise HangUpError("refused", Reply.of("500 5.5.2 Line too long"), "line too long") from None
            else:
                if not discarded:
                    return line
                await self._refuse(CommandError("500 5.5.2 Line too long"))
                discarded = 0

    def pending(self) -> int:
        """How many octets the client has sent ahead."""
        return len(self._reader._buffer)  # type: ignore[attr-defined] # asyncio has no public word for it

    def next_line(self) -> bytes:
        """The line that is going to be read next, if the client has sent all of it already; else nothing."""
        line, end, _ = bytes(self._reader._buffer[:MAX_COMMAND]).partition(b"\n")  # type: ignore[attr-defined] # as above
        return line + end if end else b""

    def give_back(self, octets: bytes) -> None:
        """Put back what was read beyond the final dot: pipelined commands."""
        if octets:
            self._reader._buffer[:0] = octets  # type: ignore[attr-defined] # as above

    def expect_silence(self) -> None:
        """For commands that end a group (RFC 2920 §3.1): what came ahead of our answer was not meant for us."""
        if self.pending():
            raise HangUpError("refused", OUT_OF_TURN, "input before our reply")

    async def _await_silence(self) -> None:
        """Who speaks before the greeting is no mail client."""
        delay = 0.0 if self.trusted else self.settings.timeouts.greet_delay
        if delay:
            try:
                async with asyncio.timeout(delay):
                    if not await self._reader.read(1):
                        raise HangUpError("dropped")
                raise HangUpError("refused", OUT_OF_TURN, "input before the greeting")
            except TimeoutError:
                return
        if self.pending() or self._unread():
            raise HangUpError("refused", OUT_OF_TURN, "input before the greeting")

    def _unread(self) -> int:
        """Octets in the kernel that the event loop has not seen yet."""
        assert self.transport is not None
        descriptor = self.transport.get_extra_info("socket").fileno()
        return int(struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0])

    async def _read_proxy_header(self) -> None:
        if not self.trusted:
            raise HangUpError("refused", why="a PROXY header is required, and from trusted peers only")
        self.wait_at_most(self.settings.timeouts.handshake)
        try:
            header = await get_proxy(self._reader)
        except Exception as error:  # noqa: BLE001 - upstream's parser may raise anything on hostile bytes
            raise HangUpError("refused", why=f"bad PROXY header: {error!r}") from None
        if not header:
            raise HangUpError("refused", why=f"bad PROXY header: {header.error}")
        self.client = client_behind_proxy(header, self.client)
        self.trusted = self.house.guests.trusts(self.client)

    async def start_tls(self) -> None:
        """Answer 220 and go on under TLS. Whatever was said before is forgotten by the caller (RFC 3207 §4.2)."""
        assert self.settings.tls_context is not None
        await self.say(Reply.of("220 2.0.0 Ready to start TLS"))
        self.expect_silence()  # nothing is awaited from here to the handshake: injected commands cannot slip in
        assert self._timeout_handle is not None
        self._timeout_handle.cancel()  # its 421 would be plain text in the middle of the handshake
        seconds = self.settings.timeouts.handshake
        try:
            transport = await self.loop.start_tls(
                cast(asyncio.Transport, self.transport),
                self,
                self.settings.tls_context,
                server_side=True,
                ssl_handshake_timeout=seconds,
            )
        except OSError as error:  # ssl.SSLError is one
            raise HangUpError("error", why=f"TLS handshake failed: {error}") from None
        if transport is None:
            raise HangUpError("dropped")
        self.transport = transport
        self._over_ssl = True
        # not a new writer: from Python 3.13 on, the old one closes its transport when it is forgotten
        self._writer._transport = transport  # type: ignore[attr-defined] # as below
        self._reader._transport = transport  # type: ignore[attr-defined] # flow control must pause the new transport

    # ---- time-outs and the end

    def wait_at_most(self, seconds: float) -> None:
        """Begin to wait for the client, within what is left of the session."""
        self._reset_timeout(max(0.001, min(seconds, self._deadline - self.loop.time())))

    def wait_no_more(self) -> None:
        """It is our turn: scan and next hop have deadlines of their own."""
        assert self._timeout_handle is not None
        self._timeout_handle.cancel()

    def _timeout_cb(self) -> None:
        self._hang_up(HangUpError("timeout", TIMEOUT, "timeout"))
        self._stop()

    def drain(self) -> None:
        """The listener is closing. A message past its final dot is finished first."""
        if self.finishing is None:
            self._hang_up(HangUpError("drained", SHUTTING_DOWN))
            self._stop()

    def drop(self) -> None:
        """Close without a word."""
        if self.transport is not None:
            cast(asyncio.Transport, self.transport).abort()

    def _stop(self) -> None:
        self.task().cancel()

    def _hang_up(self, parting: HangUpError) -> None:
        self._end = self._end or parting.end
        if parting.why:
            self.house.events.session_refused(self.client, parting.why)
        transport = cast("asyncio.Transport | None", self.transport)
        if transport is None:
            return
        last_words = self._take_unsaid() + (parting.reply.wire if parting.reply else b"")
        if last_words and not transport.is_closing():
            transport.write(last_words)
        transport.close()
        if self._over_ssl or transport.get_write_buffer_size():
            self.loop.call_later(LINGER, transport.abort)

    def _see_off(self) -> None:
        self._end = self._end or "dropped"
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        if self._counted_as is not None:
            self.house.guests.leave(self._counted_as)
        self.house.sessions.discard(self)
        self.house.metrics.sessions_open.labels("smtp").dec()
        self.house.metrics.sessions.labels("smtp", self._end).inc()
        farewell = self.loop.create_task(self._farewell())
        self.house.farewells.add(farewell)
        farewell.add_done_callback(self.house.farewells.discard)

    async def _farewell(self) -> None:
        if self.finishing is not None:
            await asyncio.wait([self.finishing])
        await self.part()

    def eof_received(self) -> bool | None:
        """Upstream cancels the session. A client that has sent everything and QUIT may close its half; the
        reader notices the end in its turn."""
        return asyncio.StreamReaderProtocol.eof_received(self)
