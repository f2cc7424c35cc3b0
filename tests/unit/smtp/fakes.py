"""A gateway and a next hop without a network, and a client that says exactly the bytes it is told to."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from gateway.events import MailLog
from gateway.message import Client, Edits, Recipient, Reply, Transaction
from gateway.metrics import Metrics
from gateway.smtp.conversation import Conversation
from gateway.smtp.server import ServerSettings, SmtpListener
from gateway.smtp.wire import LOST, HopError
from gateway.spool import Spool

EXTENSIONS = {
    "PIPELINING": "",
    "SIZE": "10240000",
    "8BITMIME": "",
    "SMTPUTF8": "",
    "DSN": "",
    "ENHANCEDSTATUSCODES": "",
    "XFORWARD": "NAME ADDR",
}

Deliver = Callable[[Edits], Awaitable[Reply]]


class FakeHop:
    """Answers at once. ``answers`` has the reply to a command by its text; an exception there is raised."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.extensions = dict(world.extensions)
        self.usable = True
        self.in_transaction = False
        self.messages = 0

    @property
    def silent(self) -> bool:
        return self.usable

    def introduce(self, client: Client, ident: str = "") -> None:
        self.world.introduced.append((client, ident))

    async def _answer(self, command: str) -> Reply:
        self.world.commands.append(command)
        if not self.usable:
            raise HopError(LOST, "gone")
        answer = self.world.answers.get(command, Reply.of("250 2.1.0 Ok"))
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            self.usable = False
            raise answer
        return answer

    async def mail(self, sender: str, parameters: str = "", ahead: Recipient | None = None) -> Reply:
        self.in_transaction = True
        return await self._answer(f"MAIL FROM:<{sender}> {parameters}".rstrip())

    async def rcpt(self, recipient: Recipient) -> Reply:
        return await self._answer(f"RCPT TO:<{recipient.address}> {recipient.parameters}".rstrip())

    async def data(self, chunks: Iterable[bytes]) -> list[Reply]:
        content = b"".join(chunks)
        reply = await self._answer("DATA")
        self.in_transaction = False
        if reply.positive:
            self.world.delivered.append(content)
        return [reply]

    async def rset(self) -> Reply:
        self.in_transaction = False
        return await self._answer("RSET")

    def abort(self) -> None:
        self.usable = False


class FakePool:
    """Every connection is new; ``acquired`` less ``released`` are the ones in use."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.acquired: list[Client] = []
        self.released = 0
        self.extensions_seen: dict[str, str] | None = None
        self.settings = SimpleNamespace(xclient=world.xclient, address=SimpleNamespace(lmtp=world.lmtp))

    async def acquire(self, client: Client) -> FakeHop:
        if self.world.down is not None:
            raise self.world.down
        self.acquired.append(client)
        self.extensions_seen = dict(self.world.extensions)
        return FakeHop(self.world)

    async def release(self, hop: FakeHop) -> None:
        assert hop is not None
        if self.world.parting is not None:
            await self.world.parting.wait()
        self.released += 1


@dataclass
class World:
    """Everything outside the listener, and what it saw."""

    extensions: dict[str, str] = field(default_factory=lambda: dict(EXTENSIONS))
    answers: dict[str, Any] = field(default_factory=dict)
    xclient: bool = False
    lmtp: bool = False
    down: HopError | None = None
    verdict: Callable[[Transaction, Spool, Deliver], Awaitable[Reply]] | None = None
    spool: Callable[[], Spool] = Spool
    classes: dict[str, Hashable] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    introduced: list[tuple[Client, str]] = field(default_factory=list)
    delivered: list[bytes] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    log: io.StringIO = field(default_factory=io.StringIO)
    metrics: Metrics = field(default_factory=Metrics)
    parting: asyncio.Event | None = None
    """Connections are not given back before this is set."""
    successor: World | None = None
    """The next configuration, once there has been a reload."""

    def __post_init__(self) -> None:
        self.hops = FakePool(self)

    def recipient_class(self, client: Client, sender: str, recipient: str) -> Hashable:
        return self.classes.get(recipient, "usual")

    async def process(self, transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        self.transactions.append(transaction)
        if self.verdict is not None:
            return await self.verdict(transaction, content, deliver)
        return await deliver(Edits())

    def open_spool(self) -> Spool:
        return self.spool()

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if line["event"] == name]

    def ended(self, end: str) -> float:
        labels = {"listener": "smtp", "end": end}
        return self.metrics.registry.get_sample_value("macrogate_sessions_total", labels) or 0.0


class Talker:
    """A client. ``say`` sends bytes, ``hear`` reads one whole reply, ``ends`` tells that the other side has closed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> bytes:
        reply = b""
        async with asyncio.timeout(10):
            while True:
                line = await self.reader.readline()
                reply += line
                if not line or line[3:4] != b"-":
                    return reply

    async def ask(self, line: bytes) -> bytes:
        await self.say(line + b"\r\n")
        return await self.hear()

    async def ends(self) -> bool:
        try:
            async with asyncio.timeout(10):
                return await self.reader.read() == b""
        except ConnectionError:
            return True

    def reset(self) -> None:
        """Vanish: RST instead of FIN."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def envelope(self, recipients: Iterable[bytes] = (b"to@example.com",)) -> None:
        assert (await self.ask(b"MAIL FROM:<from@example.com>")).startswith(b"250")
        for recipient in recipients:
            assert (await self.ask(b"RCPT TO:<%s>" % recipient)).startswith(b"250")

    async def data(self, body: bytes) -> bytes:
        assert (await self.ask(b"DATA")).startswith(b"354")
        await self.say(body)
        return await self.hear()


class Stage:
    """A listener at work, and clients for it."""

    def __init__(self, listener: SmtpListener, address: tuple[str, int] | str) -> None:
        self.listener, self.address = listener, address
        self._talkers: list[Talker] = []

    async def connect(self) -> Talker:
        if isinstance(self.address, str):
            talker = Talker(*await asyncio.open_unix_connection(self.address))
        else:
            talker = Talker(*await asyncio.open_connection(*self.address))
        self._talkers.append(talker)
        return talker

    async def greeted(self, hello: bytes = b"EHLO client.example") -> Talker:
        talker = await self.connect()
        assert (await talker.hear()).startswith(b"220 mx.example ESMTP")
        assert (await talker.ask(hello)).startswith(b"250")
        return talker

    async def sessions_end(self) -> None:
        """Every session there is now comes to its end by itself."""
        async with asyncio.timeout(10):
            await asyncio.gather(*(session.task() for session in self.sessions), return_exceptions=True)

    async def client_has_closed(self) -> None:
        """The one session there is has seen the client's end of file."""
        (session,) = self.sessions
        async with asyncio.timeout(10):
            while not session._reader.at_eof():  # noqa: ASYNC110 - the reader has no event for it
                await asyncio.sleep(0)

    @property
    def sessions(self) -> set[Conversation]:
        return self.listener._house.sessions

    async def close(self) -> None:
        for talker in self._talkers:
            talker.writer.close()
        await self.listener.drain(5)


@asynccontextmanager
async def stage(world: World, where: str = "127.0.0.1:0", **settings: Any) -> AsyncIterator[Stage]:
    """``async with stage(World()) as at: client = await at.greeted()``."""
    told = ServerSettings(hostname="mx.example", **settings)
    listener = SmtpListener(told, lambda: world.successor or world, world.metrics, MailLog(world.log))
    sockets = await listener.start(where)
    name = sockets[0].getsockname()
    at = Stage(listener, name if isinstance(name, str) else name[:2])
    try:
        yield at
    finally:
        await at.close()
