"""What one session has with the next hop: at most one connection, and at most one transaction.

Contract: MAIL and RCPT go to the next hop at once and its replies come back verbatim; the message goes there only when
the pipeline says so. Trouble with the next hop is a reply too, never an exception. Without XCLIENT a connection is
held only during a transaction, so idle clients cannot use up the next hop's processes; with XCLIENT it belongs to one
client and stays with the session. A client that lingers in a transaction loses the connection after ``LINGER`` seconds:
the next hop is told the envelope once more when there is something to say, and has none of the message before, so there
can be no twin.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime

from gateway import failpoints
from gateway.events import MailLog
from gateway.message import Client, Edits, Envelope, Recipient, Reply, Transaction
from gateway.smtp.client import HopError, HopPool, NextHop
from gateway.smtp.protocol import Path
from gateway.smtp.settings import Gateway
from gateway.smtp.wire import LOST, TIMED_OUT
from gateway.spool import Spool

LISTENER = "smtp"

LINGER = 2.0
"""Seconds without a word to the next hop after which others may have its process."""

OTHER_POLICY = Reply.of("452 4.5.3 This recipient is under another policy; please send a separate copy")
ONE_AT_A_TIME = Reply.of("452 4.5.3 One recipient a message here; please send a separate copy")
TOO_MANY = Reply.of("452 4.5.3 Too many recipients")


class Relay:
    """The session's side of the next hop."""

    def __init__(self, current: Callable[[], Gateway], events: MailLog, max_recipients: int) -> None:
        self._current = current
        self._events = events
        self._max_recipients = max_recipients
        self._hop: NextHop | None = None
        self._pool: HopPool | None = None
        self._hop_client = Client()
        self._patience: asyncio.TimerHandle | None = None
        self._parting: asyncio.Task[None] | None = None
        self._forget()

    def _forget(self) -> None:
        self.gateway: Gateway | None = None
        """The configuration of the open transaction; None outside one."""
        self.recipients: list[Recipient] = []
        self._client = Client()
        self._path = Path("")
        self._class: Hashable = None
        self._id = ""

    @property
    def open(self) -> bool:
        """The next hop has accepted MAIL."""
        return self.gateway is not None

    @property
    def smtputf8(self) -> bool:
        """MAIL asked for internationalized addresses."""
        return "SMTPUTF8" in self._path.keywords()

    async def offers(self, client: Client) -> Mapping[str, str]:
        """The EHLO keywords of the next hop; while it is down, those it had when last seen."""
        gateway = self._current()
        try:
            extensions = (await self._connect(gateway, client)).extensions
            await self._let_go()
        except HopError as error:
            self._note(gateway, error)
            return gateway.hops.extensions_seen or {}
        return extensions

    async def mail(self, client: Client, path: Path, ahead: Path | None = None) -> Reply:
        """MAIL FROM. A positive reply opens the transaction. ``ahead`` is what ``rcpt`` is going to be asked next: it
        saves a round trip to send it along."""
        gateway, self._id = self._current(), _new_id()
        recipient = None if ahead is None else Recipient(ahead.address, ahead.parameters)
        try:
            reply = await self._mail(gateway, client, path, recipient)
        except HopError as error:
            self._note(gateway, error)
            reply = error.reply
        if reply.positive:
            self.gateway, self._client, self._path = gateway, client, path
            failpoints.reach("after-mail")
            self._linger()
        else:
            await self._let_go()
        return reply

    async def _mail(self, gateway: Gateway, client: Client, path: Path, ahead: Recipient | None) -> Reply:
        """An idle connection may have died unnoticed; the client need not hear of it."""
        hop = await self._connect(gateway, client)
        try:
            hop.introduce(client, self._id)
            reply = await hop.mail(path.address, path.parameters, ahead)
            if reply.code != 421:
                return reply
        except HopError as error:
            if error.reply == TIMED_OUT:
                raise
        await self._release()
        hop = await self._connect(gateway, client)
        hop.introduce(client, self._id)
        return await hop.mail(path.address, path.parameters, ahead)

    async def rcpt(self, path: Path) -> Reply:
        """RCPT TO, within an open transaction."""
        assert self.gateway is not None
        refusal, group = self._no_room_for(path.address)
        if refusal is not None:
            return refusal
        recipient = Recipient(path.address, path.parameters)
        await self._settle()
        try:
            hop = self._hop or await self._attentive_hop(self.gateway)
            reply = await hop.rcpt(recipient)
        except HopError as error:
            self._note(self.gateway, error)
            return error.reply
        self._linger()
        if reply.positive:
            self.recipients.append(recipient)
            failpoints.reach("after-rcpt")
            self._class = group
        return reply

    def _no_room_for(self, address: str) -> tuple[Reply | None, Hashable]:
        """Why ``address`` cannot be in this transaction, and the policy class it is in."""
        assert self.gateway is not None
        if len(self.recipients) >= self._max_recipients:
            return TOO_MANY, None
        group = self.gateway.recipient_class(self._client, self._path.address, address)
        if self.recipients and self.gateway.hops.settings.address.lmtp:
            return ONE_AT_A_TIME, group  # RFC 2033: two recipients may meet two fates, and SMTP has one reply
        if self.recipients and group != self._class:
            return OTHER_POLICY, group
        return None, group

    def lost(self) -> Reply | None:
        """The reply to DATA if the next hop was lost since RCPT: better told now than after the message."""
        return None if self._hop is None or self._hop.usable else LOST

    def open_spool(self) -> Spool:
        """Room for the message. Raises ``OSError``."""
        assert self.gateway is not None
        return self.gateway.open_spool()

    def transaction(self, size: int, receive_seconds: float) -> Transaction:
        """The open transaction, with a message of ``size`` octets received now."""
        return Transaction(
            id=self._id,
            listener=LISTENER,
            client=self._client,
            envelope=Envelope(self._path.address, tuple(self.recipients), self._path.parameters),
            size=size,
            received=datetime.now(UTC),
            receive_seconds=receive_seconds,
        )

    async def finish(self, transaction: Transaction, content: Spool) -> Reply:
        """Hand a received message to the pipeline; it calls back to deliver. What ``process`` raises goes through."""
        gateway = self.gateway
        assert gateway is not None
        await self._settle()  # from here on it is we who take time, and not long

        async def deliver(edits: Edits) -> Reply:
            try:
                hop = await self._attentive_hop(gateway)
                failpoints.reach("before-nexthop-data")
                reply = (await hop.data(content.chunks(edits)))[0]
            except HopError as error:
                self._note(gateway, error)
                return error.reply
            if reply.positive:
                failpoints.reach("after-nexthop-250")
            return reply

        return await gateway.process(transaction, content, deliver)

    async def _attentive_hop(self, gateway: Gateway) -> NextHop:
        """The connection of this transaction. A next hop that tired of waiting while a slow client sent its message
        (Postfix under stress: after 10 s), or whose connection was given back meanwhile, is told the envelope once
        more. Raises ``HopError``, also when it now says anything else than before."""
        await self._settle()
        if self._hop is not None and self._hop.silent:
            return self._hop
        hop = await self._connect(gateway, self._client)
        hop.introduce(self._client, self._id)
        replies = [await hop.mail(self._path.address, self._path.parameters)]
        replies += [await hop.rcpt(recipient) for recipient in self.recipients]
        for reply in replies:
            if not reply.positive:
                hop.abort()  # or whoever is accepted after this would be all who get the message
                raise HopError(LOST, f"the envelope was accepted, then refused on a new connection: {reply.text}")
        return hop

    def _linger(self) -> None:
        """From now on the client is waited for."""
        self._patience = asyncio.get_running_loop().call_later(LINGER, self._part)

    def _part(self) -> None:
        self._parting = asyncio.get_running_loop().create_task(self._release())

    async def _settle(self) -> None:
        """The client is back. A connection on its way back to the others is waited for."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._parting is not None:
            parting, self._parting = self._parting, None
            await parting

    async def reset(self) -> None:
        """End the transaction, if there is one; at the next hop too."""
        await self._settle()
        self._forget()
        await self._let_go()

    async def close(self) -> None:
        """Have nothing more to do with the next hop for now. Never raises."""
        await self._settle()
        self._forget()
        await self._release()

    async def _connect(self, gateway: Gateway, client: Client) -> NextHop:
        """The connection held, if it still fits, or a new one. Raises ``HopError``."""
        fits = self._pool is gateway.hops and self._hop_client == client and self._hop is not None and self._hop.silent
        if self._hop is None or not fits:
            await self._release()
            self._pool, self._hop_client = gateway.hops, client
            self._hop = await gateway.hops.acquire(client)
        return self._hop

    async def _let_go(self) -> None:
        """Give the connection back, or, where it belongs to this client, only end its transaction."""
        if self._hop is None or self._pool is None:
            return
        if not self._pool.settings.xclient or not self._hop.usable:
            await self._release()
        elif self._hop.in_transaction:
            try:
                await self._hop.rset()
            except HopError:
                await self._release()

    async def _release(self) -> None:
        if self._hop is not None and self._pool is not None:
            hop, self._hop = self._hop, None
            await self._pool.release(hop)

    def _note(self, gateway: Gateway, error: HopError) -> None:
        self._events.hop_failed(str(gateway.hops.settings.address), str(error))


def _new_id() -> str:
    """Twelve letters and digits, random: unique without a clock and safe to show to anybody."""
    return base64.b32encode(secrets.token_bytes(8))[:12].decode("ascii").lower()
