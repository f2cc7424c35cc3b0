"""One connection to the next hop: the SMTP and LMTP commands a relay needs, each reply kept verbatim.

Contract: a reply of the hop is returned, whatever its code; ``HopError`` is raised only when there is none, and
carries the 4yz our client gets. After ``HopError``, and after any other exception or a cancellation in the middle of
an exchange, the connection is gone: it is never used out of step. A body whose chunks fail ends by dropping the
connection without the final dot, so the hop discards the message (RFC 5321 §4.1.1.4). Every exchange has one deadline
from its first octet sent to its last octet read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from gateway import failpoints
from gateway.message import Client, Envelope, Recipient, Reply
from gateway.smtp import introduction
from gateway.smtp.exchange import Count, Exchange, Refused, Stage
from gateway.smtp.hop_settings import HopSettings
from gateway.smtp.protocol import DotStuffer
from gateway.smtp.wire import CANNOT_CONNECT, OUT_OF_STEP, HopError, Wire, connect

PIECE = 256 * 1024
"""Octets stuffed and written before the event loop runs again."""

NO_TLS = Reply.of("451 4.7.4 The next hop does not offer the encryption that is required; please try again later")
NO_XCLIENT = Reply.of("451 4.4.0 The next hop does not let us name the client; please try again later")

XCLIENT_FAILED = frozenset({500, 501, 502, 503, 504, 550})
"""Replies that are about the command or about us (Postfix: 501 for IPv6 under ``inet_protocols = ipv4``, 550 for a host
that is not authorized) and not about the client: a mistake of configuration, which must not cost mail."""

_NEEDS = {"BODY": "8BITMIME", "SMTPUTF8": "SMTPUTF8", "SIZE": "SIZE", "AUTH": "AUTH"} | dict.fromkeys(
    ("RET", "ENVID", "NOTIFY", "ORCPT"), "DSN"
)
"""The EHLO keyword that has to be offered before a parameter of MAIL or RCPT may be sent."""


class NextHop:
    """One connection, used by one transaction at a time. Made by ``open_hop``."""

    def __init__(self, wire: Wire, settings: HopSettings, count: Count) -> None:
        self.extensions: Mapping[str, str] = {}
        """EHLO keywords in capitals and their parameters, as of the last EHLO."""
        self.in_transaction = False
        """MAIL was sent and neither a final reply nor RSET has ended it."""
        self.messages = 0
        """How many bodies went over this connection."""
        self._wire = wire
        self._settings = settings
        self._count = count
        self._accepted = 0
        self._ahead: tuple[Recipient, Reply] | None = None
        self._client = Client()
        self._ident = ""
        self._closing = False

    @property
    def usable(self) -> bool:
        """The connection is in step and the hop has not said 421."""
        try:
            self._wire.check()
        except HopError:
            return False
        return not self._closing

    @property
    def silent(self) -> bool:
        """``usable``, and nothing has arrived since the last reply, the end of the connection included."""
        with suppress(HopError):
            self._wire.check_silence()
        return self.usable

    # ---- the beginning of a connection

    async def greet(self, client: Client) -> None:
        """Banner, EHLO, STARTTLS, XCLIENT, as set. Raises ``HopError``, with the hop's words if it refused."""
        with self._exchange("connect", self._settings.timeouts.greeting):
            self._must(await self._reply("connect"))
        with self._exchange("ehlo", self._settings.timeouts.greeting):
            await self._hello(self._settings.hostname)
            if self._settings.tls != "off":
                await self._encrypt(required=self._settings.tls == "require")
            if self._settings.xclient:
                await self._impersonate(client)

    async def _hello(self, name: str) -> None:
        """EHLO, or HELO where the hop does not know EHLO (RFC 5321 §3.2)."""
        lmtp = self._settings.address.lmtp
        reply = await self._ask("ehlo", f"{'LHLO' if lmtp else 'EHLO'} {name}")
        if reply.code >= 500 and not lmtp:
            reply = Reply(self._must(await self._ask("ehlo", f"HELO {name}")).code)
        self.extensions = _extensions(self._must(reply))

    async def _encrypt(self, *, required: bool) -> None:
        reply = await self._ask("ehlo", "STARTTLS") if "STARTTLS" in self.extensions else NO_TLS
        if reply.code != 220:
            if required:
                raise Refused(NO_TLS, f"TLS is required but not to be had: {reply.text}")
            return
        host = self._settings.address.host or None
        await self._wire.start_tls(self._settings.context(), host, self._settings.timeouts.greeting)
        await self._hello(self._settings.hostname)

    async def _impersonate(self, client: Client) -> None:
        """After XCLIENT the session starts afresh with a new banner, as if the client itself had connected."""
        known = introduction.attributes(client)
        offered = self.extensions.get("XCLIENT", "")
        commands = introduction.commands("XCLIENT", offered, known, introduction.XCLIENT)
        if not commands or "ADDR" not in offered.upper().split():
            raise Refused(NO_XCLIENT, "the next hop does not offer XCLIENT with ADDR to us")
        for command in commands:
            reply = await self._send("ehlo", command)
            if reply.code in XCLIENT_FAILED:
                raise Refused(NO_XCLIENT, f"the next hop does not take our XCLIENT: {reply.text}")
            self._must(reply)
        helo = known["HELO"]
        await self._hello(self._settings.hostname if helo == introduction.UNAVAILABLE else helo)

    def introduce(self, client: Client, ident: str = "") -> None:
        """Name the client of the next transactions by XFORWARD, where the hop offers it and XCLIENT has not done so.
        ``ident`` is the id of the message in our own log."""
        self._client, self._ident = client, ident

    def _introduction(self) -> list[bytes]:
        offered = self.extensions.get("XFORWARD")
        if not offered or self._settings.xclient:
            return []
        known = introduction.attributes(self._client, self._ident)
        return introduction.commands("XFORWARD", offered, known, introduction.XFORWARD)

    # ---- one transaction

    async def mail(self, sender: str, parameters: str = "", ahead: Recipient | None = None) -> Reply:
        """MAIL FROM, after XFORWARD where there is something to tell. ``sender`` without angle brackets. A parameter
        the hop does not offer is answered 451 by us, as the client was promised it; SIZE is left out instead.
        ``ahead`` is the recipient the caller knows to be the next: where the hop offers PIPELINING its RCPT goes along,
        and ``rcpt`` has the reply. Raises ``HopError``, and ``ValueError`` for what would not be one line."""
        command, refusal = self._command(f"MAIL FROM:<{sender}>", parameters)
        if refusal is not None:
            return refusal
        commands = [command]
        if ahead is not None and "PIPELINING" in self.extensions:
            command, refusal = self._recipient(ahead)
            commands += [] if refusal else [command]
        self._accepted, self._ahead = 0, None
        with self._exchange("mail", self._settings.timeouts.command):
            await self._open(commands)
            reply = await self._reply("mail")
            if ahead is not None and len(commands) > 1:
                self._ahead = ahead, await self._reply("rcpt")
        self.in_transaction = reply.positive
        return reply

    async def rcpt(self, recipient: Recipient) -> Reply:
        """RCPT TO. Fails as ``mail`` does."""
        command, refusal = self._recipient(recipient)
        if refusal is not None:
            return refusal
        with self._exchange("rcpt", self._settings.timeouts.command):
            reply = self._told_ahead(recipient) or await self._send("rcpt", command)
        self._accepted += reply.positive
        return reply

    def _recipient(self, recipient: Recipient) -> tuple[bytes, Reply | None]:
        return self._command(f"RCPT TO:<{recipient.address}>", recipient.parameters)

    def _told_ahead(self, recipient: Recipient | None) -> Reply | None:
        """The reply that came with that to MAIL, if there is one. Raises ``HopError`` if it is about anybody else: the
        hop would deliver to somebody nobody has asked for."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return None
        if ahead[0] != recipient:
            raise HopError(OUT_OF_STEP, "a recipient was sent ahead and is not the next")
        return ahead[1]

    async def data(self, chunks: Iterable[bytes]) -> list[Reply]:
        """DATA, the message, the final dot. ``chunks`` are the message without dot-stuffing; anything they raise goes
        through, after the connection is dropped. Returns the final reply; with LMTP one for each accepted recipient, in
        order; or the one reply that refused DATA. Raises ``HopError``."""
        with self._exchange("data", self._settings.timeouts.command):
            self._told_ahead(None)
            self._wire.check_silence()
            reply = await self._send("data", b"DATA\r\n")
        return await self._message(chunks) if self._invited(reply) else [reply]

    async def transact(self, envelope: Envelope, chunks: Iterable[bytes]) -> list[Reply]:
        """A whole transaction, pipelined where the hop offers it (RFC 2920). Returns one reply per recipient: the
        refusal of MAIL, of its RCPT or of DATA, or the final reply. Fails as ``mail`` and ``data`` do."""
        if "PIPELINING" in self.extensions:
            mail, rcpts, data = await self._pipelined(envelope)
        else:
            mail = await self.mail(envelope.sender, envelope.parameters)
            rcpts = [await self.rcpt(recipient) for recipient in envelope.recipients] if mail.positive else []
            data = None
        if not mail.positive:
            return [mail] * len(envelope.recipients)
        finals: list[Reply] = []
        if self._accepted:
            finals = await self.data(chunks) if data is None else await self._after_data(data, chunks)
        return _paired(rcpts, finals)

    async def _pipelined(self, envelope: Envelope) -> tuple[Reply, list[Reply], Reply | None]:
        """Replies to MAIL, to every RCPT and to DATA, which are sent in one go."""
        mail, refusal = self._command(f"MAIL FROM:<{envelope.sender}>", envelope.parameters)
        lines = [self._recipient(one) for one in envelope.recipients]
        refusal = refusal or next((answer for _, answer in lines if answer), None)
        if refusal is not None:
            return refusal, [], None
        with self._exchange("mail", self._settings.timeouts.command):
            await self._open([mail, *(line for line, _ in lines), b"DATA\r\n"])
            first = await self._reply("mail")
            rcpts = [await self._reply("rcpt") for _ in lines]
            data = await self._reply("data")
        self.in_transaction = first.positive
        self._accepted = sum(reply.positive for reply in rcpts) if first.positive else 0
        if self._invited(data) and not self._accepted:
            self.abort()  # 354 for nobody: a dot would send an empty message, so the transaction ends without one
        return first, rcpts, data

    async def _open(self, commands: list[bytes]) -> None:
        """XFORWARD, where there is something to tell, and ``commands``, whose replies the caller reads. Who the client
        is matters to the hop's log alone, so a refused XFORWARD changes nothing."""
        lines = self._introduction()
        if "PIPELINING" in self.extensions:
            self._wire.send(b"".join(lines + commands), len(lines) + len(commands))
            for _ in lines:
                self._note(await self._wire.reply())
            return
        for line in lines:
            self._wire.send(line, 1)
            self._note(await self._wire.reply())
        self._wire.send(b"".join(commands), len(commands))

    async def _after_data(self, data: Reply, chunks: Iterable[bytes]) -> list[Reply]:
        return await self._message(chunks) if self._invited(data) else [data]

    def _invited(self, reply: Reply) -> bool:
        """Whether the reply to DATA asks for the message. Raises ``HopError`` for one that makes no sense."""
        if reply.code < 400 and reply.code != 354:
            self.abort()
            raise HopError(OUT_OF_STEP, f"DATA was answered {reply.text}")
        return reply.code == 354

    async def _message(self, chunks: Iterable[bytes]) -> list[Reply]:
        stuffer, timeouts = DotStuffer(), self._settings.timeouts
        self.messages += 1
        held = b""
        with self._exchange("data", timeouts.body):
            for piece in _pieces(chunks):
                if held:
                    self._wire.send(held, 0)
                    await self._wire.drain()
                    failpoints.reach("during-nexthop-data")
                held = stuffer.feed(piece)
            await self._wire.drain()
        # The last piece goes out together with the dot, after a last look whether the hop has spoken too early.
        with self._exchange("dot", timeouts.dot):
            self._wire.check_silence()
            failpoints.reach("before-nexthop-dot")
            self._wire.send(held + stuffer.finish(), self._accepted if self._settings.address.lmtp else 1)
            replies = [await self._reply("dot")]
            if self._settings.address.lmtp:
                await self._further_replies(replies)
        self.in_transaction = False
        return replies

    async def _further_replies(self, replies: list[Reply]) -> None:
        """LMTP: if the connection dies between the replies, the first recipients keep theirs, the rest is put off."""
        while len(replies) < self._accepted:
            try:
                replies.append(await self._reply("dot"))
            except HopError as error:
                replies.append(error.reply)

    async def rset(self) -> Reply:
        """End the transaction. Raises ``HopError``."""
        with self._exchange("mail", self._settings.timeouts.command):
            self._wire.send(b"RSET\r\n", 1)
            reply = self._note(await self._wire.reply())
        self.in_transaction = not reply.positive
        return reply

    async def quit(self) -> None:
        """Say good-bye and close. Never raises but ``CancelledError``."""
        try:
            async with asyncio.timeout(self._settings.timeouts.quit):
                self._wire.send(b"QUIT\r\n", 1)
                await self._wire.reply()
            self._wire.close()
        except (HopError, TimeoutError):
            self.abort()
        except BaseException:
            self.abort()
            raise
        finally:
            self._closing = True

    def abort(self) -> None:
        """Drop the connection at once; an unfinished message is discarded by the hop."""
        self._wire.abort()

    # ---- one exchange

    def _exchange(self, stage: Stage, seconds: float) -> Exchange:
        return Exchange(self._wire, stage, seconds, self._count)

    async def _ask(self, stage: Stage, command: str) -> Reply:
        return await self._send(stage, command.encode("ascii") + b"\r\n")

    async def _send(self, stage: Stage, command: bytes) -> Reply:
        self._wire.send(command, 1)
        return await self._reply(stage)

    async def _reply(self, stage: Stage) -> Reply:
        reply = self._note(await self._wire.reply())
        self._count(stage, f"{reply.code // 100}xx")
        if 300 <= reply.code <= 399 and stage != "data":
            raise HopError(OUT_OF_STEP, f"neither yes nor no: {reply.text}")
        return reply

    def _note(self, reply: Reply) -> Reply:
        """421 announces the end of the connection, at whatever command (RFC 5321 §3.8)."""
        self._closing = self._closing or reply.code == 421
        return reply

    def _must(self, reply: Reply) -> Reply:
        if reply.positive:
            return reply
        if reply.code < 400:
            raise HopError(OUT_OF_STEP, f"a greeting was answered {reply.text}")
        raise Refused(reply, f"refused by the next hop: {reply.text}")

    def _command(self, path: str, parameters: str) -> tuple[bytes, Reply | None]:
        """The line of MAIL or RCPT, or the reply that says why it cannot be sent."""
        words = [word for word in parameters.split(" ") if word]
        if "SIZE" not in self.extensions:
            words = [word for word in words if not word.upper().startswith("SIZE=")]
        for word in words:
            needed = _NEEDS.get(word.partition("=")[0].upper())
            if needed and needed not in self.extensions:
                return b"", Reply.of(f"451 4.4.0 The next hop does not offer {needed} any more; please try again later")
        line = " ".join([path, *words]).encode("utf-8", "surrogateescape")
        if any(octet in line for octet in b"\r\n\0"):
            raise ValueError("a path or parameter with CR, LF or NUL cannot be a command")
        return line + b"\r\n", None


async def open_hop(settings: HopSettings, client: Client, count: Count) -> NextHop:
    """A connection that has been greeted, on behalf of ``client``. Raises ``HopError``."""
    try:
        async with asyncio.timeout(settings.timeouts.connect):
            wire = await connect(settings.address)
    except (OSError, UnicodeError) as error:  # TimeoutError is one; UnicodeError: a name that IDNA cannot take
        count("connect", "error")
        raise HopError(CANNOT_CONNECT, f"cannot connect to {settings.address}: {error or 'timed out'}") from error
    hop = NextHop(wire, settings, count)
    await hop.greet(client)
    hop.introduce(client)
    return hop


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """``chunks`` in pieces of at most ``PIECE`` octets, small ones together: our header line and the message below it
    are one write and not two."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE):
            piece = chunk[start : start + PIECE]
            if size + len(piece) > PIECE:
                yield b"".join(held)
                held, size = [], 0
            held.append(piece)
            size += len(piece)
    if held:
        yield b"".join(held)


def _extensions(reply: Reply) -> dict[str, str]:
    """RFC 5321 §4.1.1.1: behind the first line one keyword a line, then its parameters."""
    words = (line.decode("ascii", "replace").partition(" ") for line in reply.lines[1:])
    return {keyword.upper(): parameters for keyword, _, parameters in words if keyword}


def _paired(rcpts: list[Reply], finals: list[Reply]) -> list[Reply]:
    """One reply per recipient. ``finals``: one for all, or with LMTP one for each accepted recipient."""
    each = iter(finals if len(finals) > 1 else finals * len(rcpts))
    return [next(each) if rcpt.positive else rcpt for rcpt in rcpts]
