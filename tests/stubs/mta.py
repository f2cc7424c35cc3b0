"""The MTA's side of the milter protocol: packets as Postfix writes them, and its copy of a message with edits done.

Nothing here uses the codec under test. ``Copy`` counts header fields as ``cleanup_milter.c`` does: a field to change by
its rank among those of its name below the MTA's own Received, a field to insert by its place with that one counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

OFFERED_ACTIONS = 0x1FF
OFFERED_STEPS = 0x1FFFFF
"""What Postfix 3.7 offers."""

_FIELD = re.compile(rb"([^:\n]+):([^\n]*(?:\n[ \t][^\n]*)*)\r\n")


def packet(letter: bytes, payload: bytes = b"") -> bytes:
    """One packet."""
    return struct.pack("!I", len(payload) + 1) + letter + payload


def texts(*words: bytes) -> bytes:
    """Fields of text."""
    return b"".join(word + b"\0" for word in words)


def negotiation(version: int = 6, actions: int = OFFERED_ACTIONS, steps: int = OFFERED_STEPS) -> bytes:
    """The first packet."""
    return packet(b"O", struct.pack("!III", version, actions, steps))


def client(
    name: bytes = b"client.test", address: bytes = b"192.0.2.7", port: int = 4711, family: bytes = b"4"
) -> bytes:
    """Who connected."""
    return packet(b"C", texts(name) + family + struct.pack("!H", port) + texts(address))


def envelope(sender: bytes = b"sender@outside.test", recipients: Iterable[bytes] = (b"alice@example.com",)) -> bytes:
    """MAIL and every RCPT, without waiting for a reply."""
    mail = packet(b"M", texts(b"<" + sender + b">", b"SIZE=100"))
    return mail + b"".join(packet(b"R", texts(b"<" + address + b">")) for address in recipients)


def parted(message: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The fields of a message, values with everything behind the colon, and its body."""
    head, _, body = (b"\r\n" + message).partition(b"\r\n\r\n")
    head = (head + b"\r\n")[2:]
    return [(found[1], found[2]) for found in _FIELD.finditer(head)], body


def content(message: bytes, piece: int = 65535) -> bytes:
    """Header, pieces of the body, and the end, as ``milter8.c`` sends them."""
    fields, body = parted(message)
    whole = len(body) - len(body) % piece
    return b"".join(
        [
            *(packet(b"L", texts(name, value.replace(b"\r\n", b"\n"))) for name, value in fields),
            packet(b"N"),
            *(packet(b"B", body[at : at + piece]) for at in range(0, whole, piece)),
            packet(b"D", b"E" + texts(b"i", b"4XYZ")),
            packet(b"E", body[whole:]),
        ]
    )


@dataclass
class Copy:
    """The message as the MTA has it, its own Received field on top."""

    fields: list[tuple[bytes, bytes]]
    body: bytes
    replaced: bool = False

    @classmethod
    def of(cls, message: bytes) -> Copy:
        """As it came in."""
        fields, body = parted(message)
        return cls([(b"Received", b" by mta.test"), *fields], body)

    def edit(self, letter: bytes, payload: bytes) -> None:
        """One change."""
        match letter:
            case b"b":
                self.body = (self.body if self.replaced else b"") + payload
                self.replaced = True
            case b"i":
                name, value = payload[4:].split(b"\0")[:2]
                self.fields.insert(int.from_bytes(payload[:4], "big"), (name, value.replace(b"\n", b"\r\n")))
            case b"m":
                name, value = payload[4:].split(b"\0")[:2]
                rank = int.from_bytes(payload[:4], "big")
                of_name = [at for at, (known, _) in enumerate(self.fields) if at and known.lower() == name.lower()]
                at = of_name[rank - 1]
                self.fields[at : at + 1] = [(name, value.replace(b"\n", b"\r\n"))] if value else []
            case _:
                raise AssertionError(f"unexpected edit {letter!r}")

    @property
    def below_own(self) -> bytes:
        """Everything below the MTA's own field."""
        assert self.fields[0] == (b"Received", b" by mta.test")
        head = b"".join(name + b":" + value + b"\r\n" for name, value in self.fields[1:])
        return head + b"\r\n" + self.body


@dataclass
class Mta:
    """One connection to a filter."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    progress: int = 0
    held: bytes = b""
    """The reason for which a message goes on hold."""
    heard: list[tuple[bytes, bytes]] = field(default_factory=list)

    @classmethod
    async def at(cls, address: str) -> Mta:
        """Connected and negotiated, with a client that said HELO."""
        if address.startswith("unix:"):
            mta = cls(*await asyncio.open_unix_connection(address.removeprefix("unix:")))
        else:
            host, _, port = address.rpartition(":")
            mta = cls(*await asyncio.open_connection(host.strip("[]"), int(port)))
        mta.say(negotiation())
        letter, _ = await mta.hear()
        assert letter == b"O"
        mta.say(client() + packet(b"H", texts(b"helo.test")))
        return mta

    def say(self, octets: bytes) -> None:
        """Send as it is."""
        self.writer.write(octets)

    async def hear(self) -> tuple[bytes, bytes]:
        """The next packet. Raises ``asyncio.IncompleteReadError`` when the filter hung up."""
        async with asyncio.timeout(20):
            length = int.from_bytes(await self.reader.readexactly(4), "big")
            octets = await self.reader.readexactly(length)
        self.heard.append((octets[:1], octets[1:]))
        return self.heard[-1]

    async def envelope(self, *recipients: bytes, sender: bytes = b"sender@outside.test") -> list[tuple[bytes, bytes]]:
        """MAIL and every RCPT; the answers to the latter."""
        self.say(envelope(sender, recipients))
        return [await self.hear() for _ in recipients]

    async def verdict(self, message: bytes) -> tuple[bytes, bytes, Copy]:
        """The last answer to a message, and the message with all edits done."""
        self.say(content(message))
        return await self.end(Copy.of(message))

    async def end(self, copy: Copy) -> tuple[bytes, bytes, Copy]:
        """The same for a message that is sent already."""
        while True:
            letter, payload = await self.hear()
            if letter == b"p":
                self.progress += 1
            elif letter == b"q":
                self.held = payload
            elif letter in (b"b", b"i", b"m"):
                copy.edit(letter, payload)
            else:
                return letter, payload, copy

    async def send(self, message: bytes, *recipients: bytes) -> tuple[bytes, bytes, Copy]:
        """A whole message, to alice unless told otherwise."""
        answers = await self.envelope(*(recipients or (b"alice@example.com",)))
        assert all(letter == b"c" for letter, _ in answers)
        return await self.verdict(message)

    async def hung_up(self) -> bool:
        """Whether the filter ends the connection without another packet."""
        async with asyncio.timeout(20):
            return not await self.reader.read(1)

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()
