"""The SMTP verbs, and how a message is received.

Contract: every reply is either the next hop's own, or one of ours with an enhanced status code. A message is spooled
as it comes; 250 is written only after the pipeline's 250. A client that leaves before the final dot has sent nothing;
one that leaves after it is not waited for, but its message is brought to its end, and that is logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from gateway import failpoints
from gateway.message import Client, Reply, Transaction
from gateway.smtp.conversation import Conversation, HangUpError, House
from gateway.smtp.parameters import checked_recipient, checked_sender, offered
from gateway.smtp.peers import XCLIENT_ATTRIBUTES, XFORWARD_ATTRIBUTES, client_told
from gateway.smtp.protocol import Command, CommandError, DataDecoder, Path, parse_hello, parse_path, received_fields
from gateway.smtp.relay import Relay
from gateway.spool import CHUNK, Spool

TRACE_LOOK = 64 * 1024
"""Octets of the header section in which trace fields are counted."""

MAX_RECEIVED = 100
"""RFC 5321 §6.3."""

OK = Reply.of("250 2.0.0 Ok")
GO_AHEAD = Reply.of("354 End data with <CR><LF>.<CR><LF>")
TOO_BIG = Reply.of("552 5.3.4 Message size exceeds the fixed limit")
NO_SPACE = Reply.of("452 4.3.1 Insufficient storage, please try again later")
BARE_NEWLINE = Reply.of("550 5.5.2 The message holds a bare <CR> or <LF>; lines end with <CR><LF>")
NUL = Reply.of("554 5.6.0 The message holds a NUL octet")
LOOP = Reply.of("554 5.4.6 Too many hops: the message goes round in circles")
NOT_NOW = Reply.of("451 4.3.0 The message could not be processed now, please try again later")

JUNK = frozenset({"NOOP", "RSET", "VRFY", "HELP", "EHLO", "HELO", "STARTTLS", "XFORWARD", "XCLIENT", "EXPN", "ETRN"})
"""Verbs that bring no mail nearer; the list of Postfix's ``smtpd_junk_command_limit`` and a few more."""


class SmtpSession(Conversation):
    """One client and its messages."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._relay = Relay(house.current, house.events, house.settings.max_recipients)
        self._forwarded: Client | None = None
        """The client of the next message, as XFORWARD tells it."""
        self._greeted = False
        self._announced: dict[str, str] = {}
        self._junk = 0

    async def obey(self, verb: str, method: Callable[[str], Awaitable[None]], argument: str) -> None:
        self._junk = self._junk + 1 if verb in JUNK else self._junk
        if self._junk > self.settings.max_junk:
            raise HangUpError("refused", Reply.of("421 4.7.0 Too many commands without mail"), "junk commands")
        await method(argument)

    async def part(self) -> None:
        await self._relay.close()

    # ---- hello and good-bye

    async def smtp_EHLO(self, argument: str) -> None:  # noqa: N802 - upstream finds verbs by these names
        await self._hello(argument, "ESMTP")
        extensions = await self._relay.offers(self.client)
        self._announced = offered(extensions, self.settings.max_message_size)
        words = [f"{keyword} {value}".rstrip() for keyword, value in self._announced.items()]
        if self.settings.tls_context is not None and not self._over_ssl:
            words.append("STARTTLS")
        if self.trusted:
            words += [f"XFORWARD {' '.join(XFORWARD_ATTRIBUTES)}", f"XCLIENT {' '.join(XCLIENT_ATTRIBUTES)}"]
        await self.say(Reply(250, tuple(word.encode("ascii") for word in [self.hostname, *words])))

    async def smtp_HELO(self, argument: str) -> None:  # noqa: N802 - as above
        await self._hello(argument, "SMTP")
        self._announced = {}
        await self.say(Reply(250, (self.hostname.encode("ascii"),)))

    async def _hello(self, argument: str, protocol: str) -> None:
        name = parse_hello(argument)
        self.expect_silence()
        await self._reset()
        self.client = replace(self.client, helo=name, protocol=protocol)
        self._greeted = True

    async def smtp_STARTTLS(self, argument: str) -> None:  # noqa: N802 - as above
        _no_argument(argument)
        if self._over_ssl:
            raise CommandError("503 5.5.1 TLS is already there")
        if self.settings.tls_context is None:
            raise CommandError("502 5.5.1 TLS is not available")
        self.expect_silence()
        await self._start_afresh()
        await self.start_tls()
        self.client = replace(self.client, tls=True)

    async def smtp_QUIT(self, argument: str) -> None:  # noqa: N802 - as above
        _no_argument(argument)
        raise HangUpError("quit", Reply.of("221 2.0.0 Bye"))

    async def smtp_RSET(self, argument: str) -> None:  # noqa: N802 - as above
        _no_argument(argument)
        await self._reset()
        await self.say(OK)

    async def smtp_NOOP(self, argument: str) -> None:  # noqa: ARG002, N802 - as above; RFC 5321 §4.1.1.9: ignored
        await self.say(OK)

    async def smtp_HELP(self, argument: str) -> None:  # noqa: ARG002, N802 - as above
        await self.say(Reply.of("214 2.0.0 See RFC 5321"))

    async def smtp_VRFY(self, argument: str) -> None:  # noqa: N802 - as above
        if not argument:
            raise CommandError("501 5.5.4 Syntax: VRFY address")
        await self.say(Reply.of("252 2.0.0 Cannot VRFY, but will take a message and attempt delivery"))

    # ---- verbs that are not for everybody

    async def smtp_XFORWARD(self, argument: str) -> None:  # noqa: N802 - as above
        self._for_trusted_peers_outside_mail()
        self._forwarded = client_told(argument, "XFORWARD", self._forwarded or Client(protocol="SMTP"))
        await self.say(OK)

    async def smtp_XCLIENT(self, argument: str) -> None:  # noqa: N802 - as above
        self._for_trusted_peers_outside_mail()
        told = client_told(argument, "XCLIENT", self.client)
        self.expect_silence()
        await self._start_afresh()
        if "ADDR=" in argument.upper():  # a proxy hands on what the client says: from here on a stranger may speak
            self.trusted = bool(told.address) and self.house.guests.trusts(told)
        self.client = replace(told, tls=False)
        await self.greet()

    def _for_trusted_peers_outside_mail(self) -> None:
        if not self.trusted:
            raise CommandError("550 5.7.0 Not for you")
        if self._relay.open:
            raise CommandError("503 5.5.1 A mail transaction is in progress")

    async def smtp_AUTH(self, argument: str) -> None:  # noqa: ARG002, N802 - as above
        raise CommandError("502 5.5.1 Command not implemented")

    async def smtp_EXPN(self, argument: str) -> None:  # noqa: N802 - as above
        await self.smtp_AUTH(argument)

    smtp_ETRN = smtp_TURN = smtp_ATRN = smtp_SEND = smtp_SOML = smtp_SAML = smtp_EXPN  # noqa: N815 - as above

    async def smtp_BDAT(self, argument: str) -> None:  # noqa: ARG002, N802 - as above
        raise CommandError("502 5.5.1 CHUNKING is not offered", fatal=True)  # the chunk behind it must not be obeyed

    # ---- one message

    async def smtp_MAIL(self, argument: str | None) -> None:  # noqa: N802 - as above
        if not self._greeted:
            raise CommandError("503 5.5.1 Send EHLO or HELO first")
        if self._relay.open:
            raise CommandError("503 5.5.1 Nested MAIL command")
        has_auth = "AUTH" in (self.house.current().hops.extensions_seen or {})
        path = parse_path(argument or "", "FROM")
        path = checked_sender(path, self._announced, trusted=self.trusted, hop_has_auth=has_auth)
        await self.say(await self._relay.mail(self._forwarded or self.client, path, self._recipient_ahead(path)))

    def _recipient_ahead(self, sender: Path) -> Path | None:
        """Whom the RCPT is for that the client has sent already, right behind the MAIL from ``sender``; None if that is
        not what follows, or will be refused by us in its turn."""
        try:
            command = Command.parse(self.next_line())
            if command.verb != "RCPT":
                return None
            path = parse_path(command.argument, "TO")
            return checked_recipient(path, self._announced, smtputf8="SMTPUTF8" in sender.keywords())
        except CommandError:
            return None

    async def smtp_RCPT(self, argument: str | None) -> None:  # noqa: N802 - as above
        if not self._relay.open:
            raise CommandError("503 5.5.1 Need MAIL command")
        path = parse_path(argument or "", "TO")
        path = checked_recipient(path, self._announced, smtputf8=self._relay.smtputf8)
        await self.say(await self._relay.rcpt(path))

    async def smtp_DATA(self, argument: str) -> None:  # noqa: N802 - as above
        _no_argument(argument)
        if not self._relay.open:
            raise CommandError("503 5.5.1 Need MAIL command")
        self.expect_silence()  # refused or not, what has been sent ahead could be a message, and no commands
        if not self._relay.recipients:
            raise CommandError("554 5.5.1 No valid recipients")
        lost = self._relay.lost()
        if lost is not None:
            await self._reset()
            await self.say(lost)
            return
        try:
            spool = self._relay.open_spool()
        except OSError as error:
            self.house.events.notice("spool-failed", why=str(error))
            await self._reset()
            await self.say(NO_SPACE)
            return
        await self._receive_and_finish(spool)

    async def _receive_and_finish(self, spool: Spool) -> None:
        began = self.loop.time()
        try:
            await self.say(GO_AHEAD)
            failpoints.reach("after-354")
            refusal = await self._receive(spool) or _looping(spool)
        except BaseException:
            spool.close()
            raise
        if refusal is None:
            reply = await self._finish(self._relay.transaction(spool.size, self.loop.time() - began), spool)
        else:
            spool.close()
            reply = refusal
        self._junk = 0
        if refusal is BARE_NEWLINE:
            raise HangUpError("refused", BARE_NEWLINE, "bare newline in a message")
        failpoints.reach("before-our-reply")
        await self.say(reply, at_once=True)  # each moment it is not heard is one in which the client may send a twin
        failpoints.reach("after-our-reply")
        await self._reset()

    async def _receive(self, spool: Spool) -> Reply | None:
        """Fill ``spool`` up to the final dot. The refusal, if there is one, is only told then, so that both sides keep
        the same notion of where the message ends."""
        decoder = DataDecoder()
        refusal: Reply | None = None
        began, received = self.loop.time(), 0
        while not decoder.done:
            self.wait_at_most(self._patience(began, received))
            octets = await self._reader.read(CHUNK)
            if not octets:
                raise HangUpError("dropped")
            received += len(octets)
            piece = decoder.feed(octets)
            refusal = refusal or self._objection(decoder, spool.size + len(piece)) or self._store(spool, piece)
            failpoints.reach("during-data")
        self.give_back(decoder.rest)
        return refusal

    def _patience(self, began: float, received: int) -> float:
        """Seconds to wait for the next octets: a slow line is fine, a dripping one is not."""
        limits = self.settings.timeouts
        return min(limits.data, began + limits.data_grace + received / limits.data_rate - self.loop.time())

    def _objection(self, decoder: DataDecoder, size: int) -> Reply | None:
        if decoder.bare and self.settings.bare_newline == "reject":
            return BARE_NEWLINE
        if decoder.nul:
            return NUL
        return TOO_BIG if size > self.settings.max_message_size else None

    def _store(self, spool: Spool, piece: bytes) -> Reply | None:
        try:
            spool.write(piece)
        except OSError as error:
            self.house.events.notice("spool-failed", why=str(error))
            return NO_SPACE
        return None

    async def _finish(self, transaction: Transaction, spool: Spool) -> Reply:
        """The rest of the message's life. It goes on if the client leaves; nobody but us may cut it short."""
        self.wait_no_more()
        self.finishing = self.loop.create_task(self._bring_to_an_end(transaction, spool))
        self.house.finishing.add(self.finishing)
        self.finishing.add_done_callback(self.house.finishing.discard)
        reply = await asyncio.shield(self.finishing)
        self.finishing = None
        self._reset_timeout(self.settings.timeouts.command)  # even past the session's end: this reply must be heard
        return reply

    async def _bring_to_an_end(self, transaction: Transaction, spool: Spool) -> Reply:
        try:
            failpoints.reach("after-dot")
            reply = await self._relay.finish(transaction, spool)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not lose mail: the client keeps it and tries again
            self.house.events.notice("message-error", id=transaction.id, error=repr(error)[:500])
            reply = NOT_NOW
        finally:
            spool.close()
        if self.transport is None or self._reader.at_eof():
            self.house.events.client_gone(transaction, reply)
        return reply

    # ---- state

    async def _reset(self) -> None:
        """As after RSET: no transaction, and nothing XFORWARD said holds any longer."""
        self._forwarded = None
        await self._relay.reset()

    async def _start_afresh(self) -> None:
        """As after the greeting: the client has said nothing yet, and no connection is held in its name."""
        self._forwarded = None
        await self._relay.close()
        self._greeted = False
        self._announced = {}
        self.client = replace(self.client, helo="", protocol="ESMTP")


def _no_argument(argument: str) -> None:
    if argument:
        raise CommandError("501 5.5.4 The command takes no argument")


def _looping(spool: Spool) -> Reply | None:
    return LOOP if received_fields(spool.read(0, TRACE_LOOK)) >= MAX_RECEIVED else None
