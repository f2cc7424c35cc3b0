"""One connection of an MTA: the clients it speaks for, and their messages one after the other.

Contract: a message is accepted only after the pipeline's positive reply and only if every change to it has been handed
over; anything else that happens, here or there, leaves the MTA with a 4yz, a 5yz or a broken connection, and it then
does as ``milter_default_action`` says. Nothing of a message outlives it. The final word is the MTA's: 250 is said to
the client by Postfix, once its own queue has the message, or nobody but the quarantine.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gateway import failpoints
from gateway.events import MailLog
from gateway.message import Client, Edits, Envelope, Recipient, Reply, Transaction
from gateway.metrics import Metrics
from gateway.milter.edits import Untranslatable, translate
from gateway.milter.incoming import Incoming
from gateway.milter.packets import (
    AnyEvent,
    Body,
    Connect,
    Event,
    Header,
    Hello,
    Macros,
    Mail,
    MilterError,
    Offer,
    Rcpt,
)
from gateway.milter.peer import Peer, client_of
from gateway.milter.protocol import Milter, refusal, reply
from gateway.milter.settings import Gateway, MilterSettings, Patience
from gateway.milter.words import Action, Answer, Command, Stage, Step
from gateway.spool import CHUNK

LISTENER = "milter"

LINGER = 5.0
"""Seconds a closing connection may take to send what is left."""

NEEDED = Action.ADDHDRS | Action.CHGHDRS | Action.CHGBODY

TAKEN = (
    Step.NOUNKNOWN
    | Step.NODATA
    | Step.NR_CONN
    | Step.NR_HELO
    | Step.NR_MAIL
    | Step.NR_HDR
    | Step.NR_EOH
    | Step.NR_BODY
    | Step.HDR_LEADSPC
)
"""Only recipients and the end of a message are answered; nothing else waits for us."""

MACROS = {**dict.fromkeys(Stage, ""), Stage.ENVFROM: "{tls_version}", Stage.EOM: "i"}
"""No others: an MTA sends two dozen values a message to whoever does not say."""

OTHER_POLICY = Reply.of("452 4.5.3 This recipient is under another policy; please send a separate copy")
TOO_MANY = Reply.of("452 4.5.3 Too many recipients")
NO_RECIPIENT = Reply.of("554 5.5.1 No valid recipients")
HANDED_OVER = Reply.of("250 2.0.0 Handed over to the MTA")
GONE = Reply.of("451 4.4.2 The MTA hung up before it had the message")
NOT_NOW = Reply.of("451 4.3.0 The message could not be processed now, please try again later")


@dataclass(slots=True)
class House:
    """What the connections of one listener share."""

    settings: MilterSettings
    current: Callable[[], Gateway]
    metrics: Metrics
    events: MailLog
    patience: Patience
    sessions: dict[Session, asyncio.Task[None]] = field(default_factory=dict)
    draining: bool = False


@dataclass(slots=True)
class _Message:
    """A message between MAIL and its end."""

    gateway: Gateway
    mail: Mail
    incoming: Incoming
    began: float
    recipients: list[Recipient] = field(default_factory=list)
    group: Hashable = None
    queue_id: str = ""
    changing: bool = False
    """The MTA is being told of changes."""
    parting: bytes = b""
    """The last of the changes, which go out together with the verdict: a write less for us, a wait less for the MTA."""
    alive: asyncio.TimerHandle | None = None
    """When the MTA is next told that we are."""
    handed_over: bool = False
    """Nothing is left to be told but ``parting``."""


class Session:
    """One connection, from the negotiation to good-bye."""

    def __init__(self, house: House, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.house = house
        self.settings = house.settings
        self.finishing = False
        """A message is past its end: it is brought to its end whatever becomes of the connection."""
        self._reader = reader
        self._writer = writer
        self._peer = Peer(writer)
        self._milter = Milter()
        self._client = Client()
        self._message: _Message | None = None
        self._loop = asyncio.get_running_loop()

    # ---- from beginning to end

    async def run(self) -> None:
        """Everything. Raises nothing but cancellation."""
        end = "drained"
        try:
            end = await self._converse()
        except MilterError as error:
            end = "refused"
            self.house.events.session_refused(self._peer.client, f"milter: {error}")
        except TimeoutError:
            end = "timeout"
        except ConnectionError:
            end = "dropped"
        except Exception as error:  # noqa: BLE001 - a bug of ours must cost one session and no more
            end = "error"
            self.house.events.notice("session-error", client=self._client.address, error=repr(error)[:500])
        finally:
            self._forget()
            self.house.metrics.sessions.labels(LISTENER, end).inc()
            self._writer.close()
            if self._writer.transport.get_write_buffer_size():
                self._loop.call_later(LINGER, self._writer.transport.abort)

    async def _converse(self) -> str:
        self._admit()
        while not self.house.draining:
            limit = self.house.patience.idle if self._milter.idle else self.house.patience.message
            data = await self._read(limit)
            self._peer.hurry()
            if not data:
                return "dropped"
            for event in self._milter.receive(data):
                if event is Event.QUIT:
                    return "quit"
                await self._obey(event)
        return "drained"

    async def _read(self, seconds: float) -> bytes:
        """Raises ``TimeoutError``. A timer and no ``asyncio.timeout``, which costs ten times as much, on every read."""
        timer = self._loop.call_later(seconds, self._reader.set_exception, TimeoutError())
        try:
            return await self._reader.read(CHUNK)
        finally:
            timer.cancel()

    def _admit(self) -> None:
        """Raises ``MilterError`` for a peer that is not to be here, or one too many."""
        if len(self.house.sessions) > self.settings.max_sessions:
            raise MilterError("too many connections")
        if not self._peer.welcome(self.settings.trusted_peers):
            raise MilterError("the peer is neither this machine nor one of smtp.trusted_peers")
        self._peer.hurry()

    # ---- what the MTA says

    async def _obey(self, event: AnyEvent) -> None:  # noqa: C901, PLR0912 - a table of what there is
        match event:
            case Header():
                self._open().incoming.header(event)
                await self._continue(Command.HEADER)
            case Body():
                self._open().incoming.body(event.octets)
                await self._continue(Command.BODY)
            case Offer():
                needed = NEEDED | Action.QUARANTINE if self.settings.hold else NEEDED
                await self._say(self._milter.agree(event, needed, TAKEN, MACROS))
            case Macros():
                self._note(event)
            case Connect():
                self._client = client_of(event)
                await self._continue(Command.CONNECT)
            case Hello():
                self._client = replace(self._client, helo=event.name)
                await self._continue(Command.HELO)
            case Mail():
                self._begin(event)
                await self._continue(Command.MAIL)
            case Rcpt():
                await self._recipient(event)
            case Event.END_OF_HEADER:
                self._open().incoming.end_of_header()
                await self._continue(Command.EOH)
            case Event.END_OF_MESSAGE:
                await self._finish(self._open())
                self._forget()
            case Event.ABORT:
                self._forget()
            case Event.NEXT_CLIENT:
                self._forget()
                self._client = Client()
            case Event.DATA:
                await self._continue(Command.DATA)
            case Event.UNKNOWN:
                await self._continue(Command.UNKNOWN)

    async def _say(self, packet: bytes) -> None:
        self._writer.write(packet)
        if not self._writer.transport.get_write_buffer_size():
            await self._writer.drain()  # does not wait, but tells of a connection that is lost
            return
        async with asyncio.timeout(self.house.patience.message):
            await self._writer.drain()

    async def _continue(self, command: Command) -> None:
        if self._milter.awaits(command):
            await self._say(reply(command, Answer.CONTINUE))

    def _note(self, macros: Macros) -> None:
        if macros.command in {Command.HELO, Command.MAIL} and macros.values.get("{tls_version}"):
            self._client = replace(self._client, tls=True)
        if self._message is not None:
            self._message.queue_id = macros.values.get("i", self._message.queue_id)

    def _begin(self, mail: Mail) -> None:
        self._forget()
        gateway = self.house.current()
        incoming = Incoming(gateway.open_spool, self.settings.max_message_size)
        self._message = _Message(gateway, mail, incoming, self._loop.time())

    def _open(self) -> _Message:
        assert self._message is not None  # MAIL has come first (``protocol.FOLLOWS``)
        return self._message

    def _forget(self) -> None:
        """No message, as before MAIL."""
        if self._message is not None:
            self._message.incoming.close()
            self._message = None

    async def _recipient(self, event: Rcpt) -> None:
        message = self._open()
        group = message.gateway.recipient_class(self._client, message.mail.address, event.address)
        if len(message.recipients) >= self.settings.max_recipients:
            await self._say(refusal(Command.RCPT, TOO_MANY))
        elif message.recipients and group != message.group and self._client.port:
            await self._say(refusal(Command.RCPT, OTHER_POLICY))
        else:
            message.recipients.append(Recipient(event.address, event.parameters))
            message.group = group
            await self._continue(Command.RCPT)

    # ---- the end of a message

    async def _finish(self, message: _Message) -> None:
        refused = message.incoming.refusal
        if message.incoming.why:
            self.house.events.notice("spool-failed", why=message.incoming.why)
        if not message.recipients:
            refused = NO_RECIPIENT
        if refused is not None:
            await self._say(refusal(Command.BODYEOB, refused))
            return
        transaction = self._transaction(message)
        self.finishing = True
        try:
            answer = await self._judge(message, transaction)
            try:
                parting = message.parting if answer.positive else b""
                await self._say(parting + _verdict(answer, handed_over=message.handed_over))
            except (ConnectionError, TimeoutError):
                self.house.events.client_gone(transaction, answer)
                raise
        finally:
            self.finishing = False

    def _transaction(self, message: _Message) -> Transaction:
        return Transaction(
            id=base64.b32encode(secrets.token_bytes(8))[:12].decode("ascii").lower(),
            listener=LISTENER,
            client=self._client,
            envelope=Envelope(message.mail.address, tuple(message.recipients), message.mail.parameters),
            size=message.incoming.spool.size,
            received=datetime.now(UTC),
            receive_seconds=self._loop.time() - message.began,
            queue_id=message.queue_id,
        )

    async def _judge(self, message: _Message, transaction: Transaction) -> Reply:
        """The pipeline's reply. Meanwhile the MTA is told now and then that we are alive."""

        async def deliver(edits: Edits) -> Reply:
            return await self._hand_over(message, edits)

        async def hold(edits: Edits) -> Reply:
            self._writer.write(reply(Command.BODYEOB, Answer.QUARANTINE, b"Held by Macrogate"))
            return await self._hand_over(message, edits)

        in_queue = hold if self.settings.hold else None
        self._watch(message)
        try:
            return await message.gateway.process(transaction, message.incoming.spool, deliver, in_queue)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not lose mail: the client keeps it and tries again
            self.house.events.notice("message-error", id=transaction.id, error=repr(error)[:500])
            return NOT_NOW
        finally:
            if message.alive is not None:
                message.alive.cancel()

    def _watch(self, message: _Message) -> None:
        """Have the MTA told that we are alive, if the message takes long, again and again."""
        message.alive = self._loop.call_later(self.house.patience.progress, self._tell_alive, message)

    def _tell_alive(self, message: _Message) -> None:
        if not message.changing:  # a body is replaced by packets that follow each other
            self._writer.write(reply(Command.BODYEOB, Answer.PROGRESS))
        self._watch(message)

    async def _hand_over(self, message: _Message, edits: Edits) -> Reply:
        """Tell the MTA how the message is to be changed; whether it is accepted is said after that."""
        try:
            packets = translate(message.incoming, edits)
        except Untranslatable as error:
            self.house.events.notice("milter-untranslatable", why=str(error))
            return NOT_NOW
        message.changing = True
        parting = b""
        try:
            for packet in packets:
                if packet[4] != Answer.REPLBODY:
                    parting += packet
                    continue
                self._writer.write(packet)
                await self._writer.drain()
                failpoints.reach("milter-changing")
        except ConnectionError:
            return GONE
        if self._writer.is_closing() or self._reader.at_eof():
            return GONE
        failpoints.reach("milter-changed")
        message.parting = parting
        message.handed_over = True
        return HANDED_OVER


def _verdict(answer: Reply, *, handed_over: bool) -> bytes:
    """Accepted as changed; held by us, so that the MTA has nothing to deliver; or refused."""
    if not answer.positive:
        return refusal(Command.BODYEOB, answer)
    return reply(Command.BODYEOB, Answer.ACCEPT if handed_over else Answer.DISCARD)
