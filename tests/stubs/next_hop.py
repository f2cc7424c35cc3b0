"""A next hop that does what a test tells it to, on a free loopback port or a UNIX socket.

    async with StubHop({"RCPT TO:<b@x.example>": "550 5.1.1 Nobody", ".": ["451 4.3.0 Later", "250 2.0.0 Ok"]}) as hop:
        ...                      # hop.address goes into Endpoint.parse or [smtp] next_hop
        assert hop.messages[0].data == b"Subject: x\r\n\r\nbody\r\n"

The script maps an event to what is done there. Events are ``CONNECT``, the beginning of a command line (the longest
entry that fits wins, so ``RCPT TO:<b@`` goes before ``RCPT``), ``BODY`` (the first octets after 354 have come) and
``.`` (the end of the message has come). A list is used up one entry an event, then the default holds; anything else
holds for every event. An entry is one step, or a tuple of steps one after the other:

    "450 4.2.0 Busy"     a reply; CRLF is added, and every LF inside becomes CRLF
    b"\xff\0"            these octets
    drop, reset          close the connection; close it with RST
    silence              say nothing, ever
    hold(event)          wait for an ``asyncio.Event`` of the test
    drip("250 Ok", 0.01) one octet every so many seconds

A message is *accepted* once a 2yz was said after its end. Nothing is judged: what the script does not forbid is 250.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

EXTENSIONS = ("PIPELINING", "SIZE 104857600", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
POSTFIX_ATTRIBUTES = "NAME ADDR PROTO HELO PORT"

Step = str | bytes | Callable[["Conversation"], Awaitable[None]]
Turn = Step | tuple[Step, ...]
Script = Mapping[str, Turn | Sequence[Turn]]

CRLF = re.compile(rb"\r\n")
LINE_END = re.compile(rb"\r\n|\n|\r")
STRICT_END = re.compile(rb"(?:\A|\r\n)\.\r\n")
LENIENT_END = re.compile(rb"(?:\A|\r\n|\n|\r)\x00?\.[\x00 ]?(?:\r*\n|\r)")
"""Every end of data any server is known to have taken (S01 to S13); an emitter that is strict gives it one chance."""


@dataclass(slots=True)
class Received:
    """One message as it came over the wire. ``raw`` is what stood between 354 and the end, ``data`` the same without
    dot transparency. Attributes of XCLIENT and XFORWARD are decoded."""

    sender: str = ""
    mail_parameters: str = ""
    recipients: list[str] = field(default_factory=list)
    rcpt_parameters: list[str] = field(default_factory=list)
    raw: bytes = b""
    helo: str = ""
    tls: bool = False
    xclient: dict[str, str] = field(default_factory=dict)
    xforward: dict[str, str] = field(default_factory=dict)
    connection: int = 0
    accepted: bool = False

    @property
    def data(self) -> bytes:
        stuffed = b"\r\n" + self.raw
        return stuffed.replace(b"\r\n.", b"\r\n")[2:]


class StubHop:
    """See the head of the file. ``lenient`` ends messages and commands wherever any server ever did."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        extensions: Sequence[str] = EXTENSIONS,
        lmtp: bool = False,
        lenient: bool = False,
        tls: ssl.SSLContext | None = None,
        path: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.script: dict[str, Turn | Sequence[Turn]] = dict(script or {})
        self.extensions = [*extensions, *(["STARTTLS"] if tls else [])]
        self.lmtp, self.lenient, self.tls = lmtp, lenient, tls
        self.ended: list[Received] = []
        """Every message whose end was seen, accepted or not."""
        self.commands: list[str] = []
        """Every command line of every connection."""
        self.connections = 0
        self.open = 0
        self._path, self._host, self._port = path, host, port
        self._used: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None

    @property
    def messages(self) -> list[Received]:
        """The messages this hop has taken responsibility for."""
        return [message for message in self.ended if message.accepted]

    @property
    def address(self) -> str:
        where = f"unix:{self._path}" if self._path else f"{self._host}:{self._port}"
        return f"lmtp:{where}" if self.lmtp else where

    @property
    def port(self) -> int:
        return self._port

    async def __aenter__(self) -> StubHop:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after ``stop`` again, on the same port."""
        if self._path:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
            return
        self._server = await asyncio.start_server(self._serve, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def until(self, condition: Callable[[StubHop], bool], seconds: float = 10.0) -> None:
        """Wait until ``condition(self)`` holds. Raises ``TimeoutError``."""
        async with asyncio.timeout(seconds):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    def happened(self) -> None:
        self._changed.set()

    def turn(self, event: str) -> tuple[Step, ...] | None:
        """What the script says about this event, or None."""
        fits = [key for key in self.script if event.upper().startswith(key.upper())]
        if not fits:
            return None
        key = max(fits, key=len)
        entry = self.script[key]
        if isinstance(entry, list):
            used = self._used.get(key, 0)
            if used >= len(entry):
                return None
            self._used[key] = used + 1
            entry = entry[used]
        return entry if isinstance(entry, tuple) else (entry,)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        conversation = Conversation(self, reader, writer)
        try:
            await conversation.run()
        except (OSError, EOFError, asyncio.CancelledError):
            pass  # what the peer does to the connection, TLS trouble included, is its affair; cancelled is stopped
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()  # not awaited: after a TLS handshake that failed asyncio would never tell
            self.happened()


class Conversation:
    """One connection. Steps of a script get it as their argument."""

    def __init__(self, hop: StubHop, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hop, self.reader, self.writer = hop, reader, writer
        self.number = hop.connections
        self.last_code = 0
        self.buffer = bytearray()
        self.encrypted = False
        self.helo = ""
        self.xclient: dict[str, str] = {}
        self.xforward: dict[str, str] = {}
        self.message: Received | None = None
        self.finished: Received | None = None
        """The message whose end is being answered."""

    async def run(self) -> None:
        await self.do("CONNECT", "220 stub ESMTP")
        while True:
            line = await self._line()
            self.hop.commands.append(line)
            verb = line.partition(" ")[0].upper()
            await _COMMANDS.get(verb, Conversation._other)(self, line)
            self.hop.happened()
            if verb == "QUIT":
                return

    async def do(self, event: str, *default: Step) -> bool:
        """Do what the script or else the default says; whether the last reply was positive."""
        self.last_code = 0
        for step in self.hop.turn(event) or default:
            await self._step(step)
        return 200 <= self.last_code <= 299

    async def _step(self, step: Step) -> None:
        if isinstance(step, str):
            step = step.replace("\n", "\r\n").encode("utf-8", "surrogateescape") + b"\r\n"
        if not isinstance(step, bytes):
            await step(self)
            return
        await self.write(step)

    async def write(self, octets: bytes) -> None:
        codes = re.findall(rb"^(\d\d\d)(?: |\r\n)", octets, re.MULTILINE)
        self.last_code = int(codes[0]) if codes else self.last_code
        if self.finished is not None and 200 <= self.last_code <= 299:
            self.finished.accepted = True
        self.writer.write(octets)
        await self.writer.drain()

    async def _more(self) -> None:
        octets = await self.reader.read(1 << 18)
        if not octets:
            raise EOFError
        self.buffer += octets

    async def _line(self) -> str:
        while True:
            if self.hop.lenient:
                self.buffer = self.buffer.lstrip(b"\r\n")
            if match := (LINE_END if self.hop.lenient else CRLF).search(self.buffer):
                line = self.buffer[: match.start()].decode("utf-8", "surrogateescape")
                del self.buffer[: match.end()]
                return line
            await self._more()

    # ---- commands

    async def _hello(self, line: str) -> None:
        verb, _, self.helo = line.partition(" ")
        self.message = None
        offers = [] if verb.upper() == "HELO" else self.hop.extensions
        if self.encrypted:
            offers = [offer for offer in offers if offer != "STARTTLS"]
        lines = ["stub", *offers]
        await self.do(line, "".join(f"250-{text}\n" for text in lines[:-1]) + f"250 {lines[-1]}")

    async def _starttls(self, line: str) -> None:
        await self.do(line, "220 2.0.0 Go on")
        if self.last_code == 220 and self.hop.tls is not None:
            await self.writer.start_tls(self.hop.tls)
            self.encrypted, self.buffer = True, bytearray()

    async def _xclient(self, line: str) -> None:
        if await self.do(line, "220 stub ESMTP"):
            self.xclient |= _attributes(line)

    async def _xforward(self, line: str) -> None:
        if await self.do(line, "250 2.0.0 Ok"):
            self.xforward |= _attributes(line)

    async def _mail(self, line: str) -> None:
        if await self.do(line, "250 2.1.0 Ok"):
            sender, parameters = _path(line)
            self.message = Received(sender, parameters, helo=self.helo, tls=self.encrypted, connection=self.number)

    async def _rcpt(self, line: str) -> None:
        if await self.do(line, "250 2.1.5 Ok" if self.message else "503 5.5.1 MAIL first") and self.message:
            recipient, parameters = _path(line)
            self.message.recipients.append(recipient)
            self.message.rcpt_parameters.append(parameters)

    async def _data(self, line: str) -> None:
        valid = self.message is not None and self.message.recipients
        await self.do(line, "354 Go on" if valid else "503 5.5.1 RCPT first")
        if self.last_code != 354:
            return
        message = self.message or Received()
        message.raw = await self._body()
        message.xclient, message.xforward = dict(self.xclient), dict(self.xforward)
        self.hop.ended.append(message)
        self.finished = message
        for _ in message.recipients if self.hop.lmtp else [None]:
            await self.do(".", "250 2.0.0 Taken")
        self.finished = self.message = None
        self.xforward = {}

    async def _body(self) -> bytes:
        end = LENIENT_END if self.hop.lenient else STRICT_END
        touched = False
        searched = 0
        while True:
            if self.buffer and not touched:
                touched = True
                await self.do("BODY")
            if match := end.search(self.buffer, searched):
                line_end = LINE_END.match(match[0])
                raw = bytes(self.buffer[: match.start() + (line_end.end() if line_end else 0)])
                del self.buffer[: match.end()]
                return raw
            searched = max(0, len(self.buffer) - 8)
            await self._more()

    async def _rset(self, line: str) -> None:
        if await self.do(line, "250 2.0.0 Ok"):
            self.message = None

    async def _quit(self, line: str) -> None:
        await self.do(line, "221 2.0.0 Bye")

    async def _noop(self, line: str) -> None:
        await self.do(line, "250 2.0.0 Ok")

    async def _other(self, line: str) -> None:
        await self.do(line, "500 5.5.2 What?")


_COMMANDS: dict[str, Callable[[Conversation, str], Awaitable[None]]] = {
    "EHLO": Conversation._hello,
    "HELO": Conversation._hello,
    "LHLO": Conversation._hello,
    "STARTTLS": Conversation._starttls,
    "XCLIENT": Conversation._xclient,
    "XFORWARD": Conversation._xforward,
    "MAIL": Conversation._mail,
    "RCPT": Conversation._rcpt,
    "DATA": Conversation._data,
    "RSET": Conversation._rset,
    "NOOP": Conversation._noop,
    "QUIT": Conversation._quit,
}

# ---- steps


async def drop(conversation: Conversation) -> None:
    """Close the connection."""
    conversation.writer.close()
    raise EOFError


async def reset(conversation: Conversation) -> None:
    """Close the connection with RST, as a crashed or impatient host does."""
    linger = struct.pack("ii", 1, 0)
    conversation.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    conversation.writer.transport.abort()
    raise EOFError


async def silence(conversation: Conversation) -> None:
    """Say nothing more, and notice when the peer goes."""
    while True:
        await conversation._more()
        conversation.buffer = b""


def hold(event: asyncio.Event) -> Callable[[Conversation], Awaitable[None]]:
    """Go on once the test has set ``event``."""

    async def wait(conversation: Conversation) -> None:
        await event.wait()

    return wait


def drip(text: str, pause: float) -> Callable[[Conversation], Awaitable[None]]:
    """A reply, one octet every ``pause`` seconds."""

    async def write(conversation: Conversation) -> None:
        for octet in f"{text}\r\n".encode():
            await conversation.write(bytes([octet]))
            await asyncio.sleep(pause)

    return write


# ---- reading lines


def _path(line: str) -> tuple[str, str]:
    path, _, parameters = line.partition(":")[2].strip().partition(">")
    return path.removeprefix("<"), parameters.strip()


def _attributes(line: str) -> dict[str, str]:
    words = (word.partition("=") for word in line.split(" ")[1:])
    return {name.upper(): re.sub(r"\+([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), value) for name, _, value in words}
