"""The other load generator: an MTA without a queue, which asks a milter about prepared messages and throws them away.

    python -m tests.bench.mta --socket PATH --sessions 8 --messages FILE [--seconds 10]

What Postfix costs is in every figure of mail that passes through it, and it is more than a fast milter needs; here is
the milter alone. Each session does as Postfix does for one of its clients (``src/milter/milter8.c``): it negotiates,
tells of the client once, then of message after message, in pieces of 65,535 octets, waits for an answer only where the
filter has not waived it, and writes what it need not wait for together. Options, output and latencies are those of
``tests.bench.load``; a message counts as accepted when the MTA would have said 250 (accept, continue, discard).
"""

from __future__ import annotations

import argparse
import asyncio
import struct
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from gateway.milter.words import NO_REPLY, Action, Answer, Command, Family, Step
from tests.bench.load import PATIENCE, RECIPIENT, SENDER, Tally, measure
from tests.e2e.talk import unstuffed

PIECE = 65535
OFFERED_ACTIONS = Action(0x1FF)
OFFERED_STEPS = Step(0x1FFFFF) & ~Step.RCPT_REJ
NEVER_SENT = {
    Command.CONNECT: Step.NOCONNECT,
    Command.HELO: Step.NOHELO,
    Command.MAIL: Step.NOMAIL,
    Command.RCPT: Step.NORCPT,
    Command.DATA: Step.NODATA,
    Command.HEADER: Step.NOHDRS,
    Command.EOH: Step.NOEOH,
    Command.BODY: Step.NOBODY,
}
TAKEN = frozenset({Answer.ACCEPT, Answer.CONTINUE, Answer.DISCARD})
LAST = TAKEN | {Answer.REJECT, Answer.TEMPFAIL, Answer.REPLYCODE, Answer.SHUTDOWN, Answer.SKIP}

Said = tuple[Command, bytes]
"""A command, and its packets: macros come before it."""


def packet(command: Command, payload: bytes = b"") -> bytes:
    return struct.pack("!IB", len(payload) + 1, command) + payload


def macros(command: Command, *pairs: bytes) -> bytes:
    return packet(Command.MACRO, bytes([command]) + b"".join(text + b"\0" for text in pairs))


def introduction() -> list[Said]:
    """What is said of a client."""
    address = bytes([Family.INET]) + struct.pack("!H", 40000) + b"192.0.2.1\0"
    connect = macros(Command.CONNECT, b"j", b"mta.test", b"{daemon_name}", b"mta.test", b"v", b"Postfix")
    return [
        (Command.CONNECT, connect + packet(Command.CONNECT, b"client.outside.test\0" + address)),
        (Command.HELO, packet(Command.HELO, b"bench.test\0")),
    ]


def telling(message: bytes) -> list[Said]:
    """What is said of one message (with CRLF lines)."""
    head, _, body = message.partition(b"\r\n\r\n")
    recipient = macros(Command.RCPT, b"i", b"4bXyZ12345z1", b"{rcpt_addr}", RECIPIENT)
    steps = [
        (Command.MAIL, macros(Command.MAIL, b"{mail_addr}", SENDER) + packet(Command.MAIL, b"<%b>\0" % SENDER)),
        (Command.RCPT, recipient + packet(Command.RCPT, b"<%b>\0" % RECIPIENT)),
        (Command.DATA, macros(Command.DATA, b"i", b"4bXyZ12345z1") + packet(Command.DATA)),
    ]
    for field in _fields(head):
        name, _, value = field.partition(b":")
        steps.append((Command.HEADER, packet(Command.HEADER, name + b"\0" + value + b"\0")))
    steps.append((Command.EOH, macros(Command.EOH, b"i", b"4bXyZ12345z1") + packet(Command.EOH)))
    cuts = [*range(0, len(body), PIECE), len(body)]
    steps += [(Command.BODY, packet(Command.BODY, body[start:end])) for start, end in pairwise(cuts)]
    steps.append((Command.BODYEOB, macros(Command.BODYEOB, b"i", b"4bXyZ12345z1") + packet(Command.BODYEOB)))
    return steps


def _fields(head: bytes) -> Iterator[bytes]:
    field = b""
    for line in head.split(b"\r\n"):
        if line[:1] in b" \t" and field:
            field += b"\n" + line
            continue
        if field:
            yield field
        field = line
    yield field


class Asking:
    """One connection to a milter."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._steps = Step(0)
        self._waived: frozenset[Command] = frozenset()
        self._unsent: frozenset[Command] = frozenset()

    @classmethod
    async def open(cls, path: Path) -> Asking:
        """Negotiated, and told of its client. Raises ``OSError``."""
        asking = cls(*await asyncio.open_unix_connection(path, limit=1 << 20))
        asking._writer.write(packet(Command.OPTNEG, struct.pack("!III", 6, OFFERED_ACTIONS, OFFERED_STEPS)))
        letter, payload = await asking._packet()
        if letter != Command.OPTNEG:
            raise ConnectionAbortedError("no negotiation")
        steps = Step(struct.unpack_from("!III", payload)[2])
        asking._steps = steps
        asking._waived = frozenset(command for command, step in NO_REPLY.items() if step in steps)
        asking._unsent = frozenset(command for command, step in NEVER_SENT.items() if step in steps)
        await asking.say(introduction())
        return asking

    async def say(self, steps: Iterable[Said]) -> int:
        """Each step in turn, and the letter of the last answer. A final verdict before the end ends it there."""
        waiting: list[bytes] = []
        letter, skip = int(Answer.CONTINUE), False
        for command, said in steps:
            if command in self._unsent or (skip and command is Command.BODY):
                continue
            blank = Step.HDR_LEADSPC in self._steps or command is not Command.HEADER
            waiting.append(said if blank else _without_blank(said))
            if command in self._waived:
                continue
            self._writer.writelines(waiting)
            waiting.clear()
            letter = await self._answer()
            if letter == Answer.SKIP:
                skip = True
            elif letter != Answer.CONTINUE:
                return letter
        self._writer.writelines(waiting)
        return letter

    async def _answer(self) -> int:
        """The letter of the answer that ends a step; what comes before it are edits and signs of life."""
        while True:
            letter, _ = await self._packet()
            if letter in LAST:
                return letter

    async def _packet(self) -> tuple[int, bytes]:
        length, letter = struct.unpack("!IB", await self._reader.readexactly(5))
        return letter, await self._reader.readexactly(length - 1) if length > 1 else b""

    def close(self) -> None:
        self._writer.write(packet(Command.QUIT))
        self._writer.close()


def _without_blank(said: bytes) -> bytes:
    name, _, value = said[5:-1].partition(b"\0")
    return packet(Command.HEADER, name + b"\0" + value.removeprefix(b" ") + b"\0")


async def session(path: Path, queue: Iterator[list[Said]], until: float, tally: Tally) -> None:
    """Take messages from the common queue until it is empty or time is up."""
    asking: Asking | None = None
    clock = asyncio.get_running_loop().time
    for steps in queue:
        start = clock()
        try:
            async with asyncio.timeout(PATIENCE):
                asking = asking or await Asking.open(path)
                letter = await asking.say(steps)
        except (OSError, EOFError, TimeoutError) as failure:
            tally.refused[repr(failure)[:120]] += 1
            asking = None
        else:
            if letter in TAKEN:
                tally.milliseconds.append((clock() - start) * 1000)
                tally.bytes += sum(len(said) for _, said in steps)
            else:
                tally.refused[f"the milter said {Answer(letter).name.lower()}"] += 1
        if clock() > until:
            break
    if asking is not None:
        asking.close()


async def run(path: Path, sessions: int, messages: list[list[Said]], seconds: float) -> Tally:
    """All sessions at once over one queue."""
    tally, queue = Tally(), iter(messages)
    until = asyncio.get_running_loop().time() + seconds
    await asyncio.gather(*(session(path, queue, until, tally) for _ in range(sessions)))
    return tally


def main() -> None:
    """The command line described at the head of this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=Path, required=True)
    measure(
        parser,
        lambda given, messages: run(
            given.socket, given.sessions, [telling(unstuffed(message)) for message in messages], given.seconds
        ),
    )


if __name__ == "__main__":
    main()
