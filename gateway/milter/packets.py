"""What an MTA says in the milter protocol: packets of bytes read as events.

Contract: pure. Each reader of ``READ`` takes the fields of one packet, whatever they are, and returns events, or raises
``MilterError`` and nothing else. Addresses and header fields are checked, because they end up in commands, in logs and
in the message that is scanned: no control character in an address, no line in a header value that would be a field or
an end of the header by itself.
"""

from __future__ import annotations

import enum
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.milter.words import Action, Command, Family, Step

MAX_ADDRESS = 1024
"""Octets of a path, as in the SMTP listener."""

_NAME = re.compile(rb"[!-9;-~]+")
_BAD_FOLD = re.compile(rb"\n(?![ \t])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class MilterError(Exception):
    """The other side does not speak this protocol, or not as agreed. The sentence repeats nothing it sent."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the MTA can do."""

    version: int
    actions: Action
    steps: Step


@dataclass(frozen=True, slots=True)
class Macros:
    """Values the MTA gives along with ``command``."""

    command: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Connect:
    """A client. ``port`` is 0 for mail that did not come by SMTP; ``address`` is as the MTA writes it."""

    name: str
    family: Family
    port: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True)
class Hello:
    """HELO or EHLO."""

    name: str


@dataclass(frozen=True, slots=True)
class Mail:
    """MAIL FROM: the path without its brackets, and the ESMTP parameters."""

    address: str
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Rcpt:
    """RCPT TO, likewise."""

    address: str
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """One field. ``value`` is everything between the colon and the last CRLF."""

    name: bytes
    value: bytes

    @property
    def line(self) -> bytes:
        """The field as it stands in the message."""
        return self.name + b":" + self.value + b"\r\n"


@dataclass(frozen=True, slots=True)
class Body:
    """A piece of the body, cut anywhere."""

    octets: bytes


class Event(enum.Enum):
    """Commands that carry nothing of interest to us."""

    DATA = enum.auto()
    UNKNOWN = enum.auto()
    END_OF_HEADER = enum.auto()
    END_OF_MESSAGE = enum.auto()
    ABORT = enum.auto()
    QUIT = enum.auto()
    NEXT_CLIENT = enum.auto()
    """The connection stays for another client (``SMFIC_QUIT_NC``)."""


AnyEvent = Offer | Macros | Connect | Hello | Mail | Rcpt | Header | Body | Event


def _texts(payload: bytes) -> list[bytes]:
    if not payload.endswith(b"\0"):
        raise MilterError("a text in a packet has no end")
    return payload[:-1].split(b"\0")


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


def _offer(payload: bytes) -> list[AnyEvent]:
    if len(payload) < 12:
        raise MilterError("the negotiation is too short")
    version, actions, steps = struct.unpack_from("!III", payload)
    return [Offer(version, Action(actions), Step(steps))]


def _macros(payload: bytes) -> list[AnyEvent]:
    texts = _texts(payload[1:]) if len(payload) > 1 else []
    if not payload or len(texts) % 2:
        raise MilterError("a macro has no value")
    return [Macros(payload[0], dict(zip(map(_text, texts[::2]), map(_text, texts[1::2]), strict=True)))]


def _connect(payload: bytes) -> list[AnyEvent]:
    name, nul, rest = payload.partition(b"\0")
    if not nul or not rest:
        raise MilterError("the client of a connection is not told")
    try:
        family = Family(rest[0])
    except ValueError:
        raise MilterError("a client has an address of an unknown kind") from None
    if family is Family.UNKNOWN:
        return [Connect(_text(name), family)]
    if len(rest) < 4:
        raise MilterError("the address of a client is not told")
    addresses = _texts(rest[3:])
    if len(addresses) != 1:
        raise MilterError("the address of a client holds NUL")
    return [Connect(_text(name), family, int.from_bytes(rest[1:3], "big"), _text(addresses[0]))]


def _hello(payload: bytes) -> list[AnyEvent]:
    texts = _texts(payload)
    if len(texts) != 1:
        raise MilterError("HELO holds NUL")
    return [Hello(_text(texts[0]))]


def _path(payload: bytes) -> tuple[str, str]:
    address, *parameters = map(_text, _texts(payload))
    if address.startswith("<") and address.endswith(">"):
        address = address[1:-1]
    if len(address) > MAX_ADDRESS or any(map(_CONTROL.search, (address, *parameters))):
        raise MilterError("an address is too long or holds control characters")
    return address, " ".join(filter(None, parameters))


def _header(payload: bytes) -> list[AnyEvent]:
    texts = _texts(payload)
    if len(texts) != 2:
        raise MilterError("a header is not one name and one value")
    name, value = texts
    if _NAME.fullmatch(name) is None or _BAD_FOLD.search(value):
        raise MilterError("a header has no proper name, or a line in it that would be another one")
    return [Header(name, value.replace(b"\n", b"\r\n"))]


def _body(payload: bytes) -> list[AnyEvent]:
    return [Body(payload)] if payload else []


def _nothing(event: Event) -> Callable[[bytes], list[AnyEvent]]:
    return lambda _payload: [event]


READ: dict[Command, Callable[[bytes], list[AnyEvent]]] = {
    Command.OPTNEG: _offer,
    Command.MACRO: _macros,
    Command.CONNECT: _connect,
    Command.HELO: _hello,
    Command.MAIL: lambda payload: [Mail(*_path(payload))],
    Command.RCPT: lambda payload: [Rcpt(*_path(payload))],
    Command.HEADER: _header,
    Command.BODY: _body,
    Command.BODYEOB: lambda payload: [*_body(payload), Event.END_OF_MESSAGE],
    Command.DATA: _nothing(Event.DATA),
    Command.UNKNOWN: _nothing(Event.UNKNOWN),
    Command.EOH: _nothing(Event.END_OF_HEADER),
    Command.ABORT: _nothing(Event.ABORT),
    Command.QUIT: _nothing(Event.QUIT),
    Command.QUIT_NC: _nothing(Event.NEXT_CLIENT),
}
"""What the fields of each command say. Each raises ``MilterError`` and nothing else."""
