"""The milter protocol, version 6, as bytes in and bytes out: the side of the filter.

Contract: no socket, no clock, no task. ``receive`` turns whatever an MTA sends, cut anywhere, into events in the order
they came, or raises ``MilterError`` with a sentence: for a packet beyond its limit, an unknown command, fields that
are not what they have to be, or a command that may not follow the one before it (``FOLLOWS``). After that the
connection is of no further use. ``reply`` makes only what the MTA may hear then (``words.LEGAL``). Memory is bounded
by one packet.

A packet is its length (32 bits, network order), one letter, and fields: text ends with NUL, numbers are 32 bits
(``libmilter/comm.c``). Header values keep every octet behind the colon (``SMFIP_HDR_LEADSPC``); between their lines
stands LF on the wire and CRLF in events, as in the message.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Mapping

from gateway.message import Reply
from gateway.milter.packets import READ, AnyEvent, MilterError, Offer
from gateway.milter.words import LEGAL, NO_REPLY, Action, Answer, Command, Stage, Step

VERSION = 6
"""Sendmail 8.14 (2007) and Postfix 2.6 speak it, and everything newer."""

MAX_PACKET = 1 << 20
"""Octets of a header or a piece of a body: the most Sendmail may be told to send (``SMFIP_MDS_1M``)."""

MAX_WORDS = 1 << 16
"""Octets of any other packet."""

_HEAD = struct.Struct("!IB")
"""Length of what follows, and its letter."""

BODY_PIECE = 65535
"""Octets of a body to send in one packet (``MILTER_CHUNK_SIZE``)."""

_COMMANDS = {command.value: command for command in Command}

_LIMITS = {
    **dict.fromkeys(Command, MAX_WORDS),
    **dict.fromkeys((Command.HEADER, Command.BODY, Command.BODYEOB), MAX_PACKET),
}


class State(enum.IntEnum):
    """What has been heard so far."""

    NEW = enum.auto()
    AGREED = enum.auto()
    CONNECTED = enum.auto()
    ENVELOPE = enum.auto()
    HEADER = enum.auto()
    BODY = enum.auto()
    OVER = enum.auto()


FOLLOWS: dict[State, dict[Command, State]] = {
    State.NEW: {Command.OPTNEG: State.AGREED},
    State.AGREED: {Command.CONNECT: State.CONNECTED, Command.ABORT: State.AGREED},
    State.CONNECTED: {
        Command.HELO: State.CONNECTED,
        Command.MAIL: State.ENVELOPE,
        Command.UNKNOWN: State.CONNECTED,
        Command.ABORT: State.CONNECTED,
    },
    State.ENVELOPE: {
        Command.HELO: State.ENVELOPE,  # Postfix tells of an EHLO in the midst of a transaction before it aborts that
        Command.RCPT: State.ENVELOPE,
        Command.DATA: State.ENVELOPE,
        Command.UNKNOWN: State.ENVELOPE,
        Command.HEADER: State.HEADER,
        Command.EOH: State.BODY,
        Command.ABORT: State.CONNECTED,
    },
    State.HEADER: {Command.HEADER: State.HEADER, Command.EOH: State.BODY, Command.ABORT: State.CONNECTED},
    State.BODY: {Command.BODY: State.BODY, Command.BODYEOB: State.CONNECTED, Command.ABORT: State.CONNECTED},
    State.OVER: {},
}
"""Which command may follow, and where it leads."""

for _state in (State.AGREED, State.CONNECTED, State.ENVELOPE, State.HEADER, State.BODY):
    FOLLOWS[_state] |= {Command.MACRO: _state, Command.QUIT: State.OVER, Command.QUIT_NC: State.AGREED}


class Milter:
    """The filter's side of one connection."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._state = State.NEW
        self._silent: frozenset[Command] = frozenset()
        """What the MTA waits for no answer to."""

    def receive(self, data: bytes) -> list[AnyEvent]:
        """The events that ``data`` completes. Raises ``MilterError``."""
        rest = self._rest
        rest += data
        events: list[AnyEvent] = []
        position, end = 0, len(rest)
        while end - position >= 5:
            length, letter = _HEAD.unpack_from(rest, position)
            command = _command(letter)
            if not 0 < length <= _LIMITS[command]:
                raise MilterError("a packet of the milter protocol is empty or longer than its limit")
            if end - position < 4 + length:
                break
            payload = bytes(rest[position + 5 : position + 4 + length])
            position += 4 + length
            self._step(command)
            events += READ[command](payload)
        del rest[:position]
        return events

    @property
    def idle(self) -> bool:
        """The next word may take long: no packet has begun, and the MTA has not begun to tell of a message. Between
        envelope and header it receives the message from its own client first."""
        return not self._rest and self._state not in {State.HEADER, State.BODY}

    def _step(self, command: Command) -> None:
        following = FOLLOWS[self._state].get(command)
        if following is None:
            raise MilterError(f"{command.name} cannot follow here (state {self._state.name.lower()})")
        self._state = following

    def agree(self, offer: Offer, actions: Action, steps: Step, macros: Mapping[Stage, str]) -> bytes:
        """The answer to ``offer``: ``actions`` are needed, ``steps`` taken as far as they are offered, but that values
        keep their leading blank is needed too. ``macros`` are asked for, where one may. Raises ``MilterError``."""
        if offer.version < VERSION:
            raise MilterError(f"the MTA speaks version {offer.version} of the milter protocol; version 6 is needed")
        if missing := (actions & ~offer.actions):
            raise MilterError(f"the MTA does not offer {_names(missing)}, without which mail cannot be changed")
        if Step.HDR_LEADSPC not in offer.steps:
            raise MilterError("the MTA does not offer HDR_LEADSPC, without which headers would not be what they are")
        taken = steps & offer.steps
        self._silent = frozenset(command for command, step in NO_REPLY.items() if step in taken)
        lists = b""
        if Action.SETSYMLIST in offer.actions and macros:
            actions |= Action.SETSYMLIST
            lists = b"".join(struct.pack("!I", stage) + names.encode() + b"\0" for stage, names in macros.items())
        head = struct.pack("!III", VERSION, actions, taken)
        return _packet(Command.OPTNEG, head + lists)

    def awaits(self, command: Command) -> bool:
        """Whether the MTA waits for an answer to ``command``."""
        return command is Command.BODYEOB or (command in NO_REPLY and command not in self._silent)


def reply(to: Command, answer: Answer, *fields: int | bytes) -> bytes:
    """One packet. ``fields`` are as in ``FIELDS``; texts are given without their NUL. Raises ``ValueError`` for an
    answer that is not legal after ``to`` and for fields that are not its own: a bug of the caller's."""
    if answer not in LEGAL[to]:
        raise ValueError(f"{answer.name} is no answer to {to.name}")
    shape = FIELDS.get(answer, "")
    if len(shape) != len(fields):
        raise ValueError(f"{answer.name} has {len(shape)} fields")
    return _packet(answer, b"".join(map(_field, shape, fields)))


FIELDS: dict[Answer, str] = {
    Answer.ADDRCPT: "t",
    Answer.ADDRCPT_PAR: "tt",
    Answer.DELRCPT: "t",
    Answer.CHGFROM: "tt",
    Answer.ADDHEADER: "tv",
    Answer.INSHEADER: "ntv",
    Answer.CHGHEADER: "ntv",
    Answer.REPLBODY: "b",
    Answer.QUARANTINE: "t",
    Answer.REPLYCODE: "t",
}
"""n: a number; t: text; v: a header value, its lines as in the message; b: a piece of a body."""


def refusal(to: Command, refused: Reply) -> bytes:
    """``refused`` (4yz or 5yz) word for word. Postfix takes only replies with an enhanced code of their class; a
    percent sign is doubled, because Sendmail takes the text for a format."""
    head = b"%03d" % refused.code
    texts = [text.translate(None, b"\0\r\n") for text in refused.lines]
    if any(text[:2] != head[:1] + b"." for text in texts):
        texts = [head[:1] + b".0.0 " + text for text in texts]
    lines = [head + b"-" + text for text in texts[:-1]] + [head + b" " + texts[-1]]
    return reply(to, Answer.REPLYCODE, b"\r\n".join(lines).replace(b"%", b"%%"))


def _packet(letter: int, payload: bytes) -> bytes:
    return _HEAD.pack(len(payload) + 1, letter) + payload


def _field(shape: str, value: int | bytes) -> bytes:
    if isinstance(value, int):
        if shape != "n":
            raise ValueError("a number stands where text has to")
        return struct.pack("!I", value)
    if shape == "b":
        if not 0 < len(value) <= BODY_PIECE:
            raise ValueError("a piece of a body is too long, or empty")
        return value
    if shape == "n" or b"\0" in value:
        raise ValueError("a text holds NUL, or stands where a number has to")
    return (value.replace(b"\r\n", b"\n") if shape == "v" else value) + b"\0"


def _command(letter: int) -> Command:
    command = _COMMANDS.get(letter)
    if command is None:
        raise MilterError("a packet begins with no command of the milter protocol")
    return command


def _names(flags: Action) -> str:
    return ", ".join(flag.name or hex(flag) for flag in flags)
