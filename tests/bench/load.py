"""The load generator: a process of its own that sends prepared messages over a few sessions and times each.

    python -m tests.bench.load --port 2525 --sessions 8 --messages FILE [--seconds 10] [--one-a-connection]

It reads a file of messages (``mix.write``), sends each once in order, stops after ``--seconds`` at the latest, and
prints one JSON object: how many were accepted, how many bytes, wall-clock seconds, latencies in milliseconds, refusals.
A latency is the time from writing MAIL to reading the reply to the final dot, connecting included where a session
carries one message only. MAIL, RCPT and DATA go in one segment where the server offers PIPELINING.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

from tests.bench.mix import read

PATIENCE = 60.0
"""Seconds until a server that does not answer counts as a refusal."""

SENDER = b"sender@outside.test"
RECIPIENT = b"user@bench.test"

Work = Coroutine[None, None, "Tally"]


class Line(asyncio.Protocol):
    """One SMTP connection; replies are waited for one by one."""

    def __init__(self) -> None:
        self._buffer = b""
        self._replies: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._lost = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._replies += (line.removesuffix(b"\r") for line in lines)
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    async def reply(self) -> bytes:
        """The next reply, lines joined. Raises ``ConnectionError`` when there is none."""
        whole = b""
        while True:
            while not self._replies:
                if self._lost:
                    raise ConnectionResetError("the server hung up")
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
            line = self._replies.pop(0)
            whole += line + b"\n"
            if line[3:4] != b"-":
                return whole


class Tally:
    """What the sessions saw."""

    def __init__(self) -> None:
        self.milliseconds: list[float] = []
        self.bytes = 0
        self.refused: Counter[str] = Counter()


async def connect(port: int) -> tuple[Line, bool]:
    """A greeted session, and whether it may be pipelined."""
    _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    await line.reply()
    line.transport.write(b"EHLO bench.test\r\n")
    return line, b"PIPELINING" in await line.reply()


async def transact(line: Line, pipelining: bool, message: bytes) -> bytes:
    """One message; the reply to its dot, or the first refusal."""
    commands = (b"MAIL FROM:<%b>\r\n" % SENDER, b"RCPT TO:<%b>\r\n" % RECIPIENT, b"DATA\r\n")
    if pipelining:
        line.transport.write(b"".join(commands))
        replies = [await line.reply() for _ in commands]
    else:
        replies = []
        for command in commands:
            line.transport.write(command)
            replies.append(await line.reply())
    for reply in replies:
        if reply[:1] not in b"23":
            return reply
    line.transport.write(message)
    return await line.reply()


async def session(port: int, queue: Iterator[bytes], reuse: bool, until: float, tally: Tally) -> None:
    """Take messages from the common queue until it is empty or time is up."""
    line: Line | None = None
    pipelining = False
    for message in queue:
        start = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                if line is None:
                    line, pipelining = await connect(port)
                reply = await transact(line, pipelining, message)
        except (OSError, TimeoutError) as failure:
            tally.refused[repr(failure)[:120]] += 1
            if time.perf_counter() > until:
                return
            line = None
            continue
        now = time.perf_counter()
        if reply.startswith(b"2"):
            tally.milliseconds.append((now - start) * 1000)
            tally.bytes += len(message)
        else:
            tally.refused[reply.decode("latin-1").strip()[:120]] += 1
        if not reuse or not reply.startswith(b"2"):
            line.transport.write(b"QUIT\r\n")
            line.transport.close()
            line = None
        if now > until:
            break
    if line is not None:
        line.transport.close()


async def run(port: int, sessions: int, messages: list[bytes], seconds: float, reuse: bool) -> Tally:
    """All sessions at once over one queue."""
    tally, queue = Tally(), iter(messages)
    until = time.perf_counter() + seconds
    await asyncio.gather(*(session(port, queue, reuse, until, tally) for _ in range(sessions)))
    return tally


def measure(parser: argparse.ArgumentParser, prepare: Callable[[argparse.Namespace, list[bytes]], Work]) -> None:
    """Read the options every generator has, do what was prepared, and print what came of it; preparing is not timed."""
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--messages", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    work = prepare(options, read(options.messages))
    start = time.perf_counter()
    tally = asyncio.run(work)
    wall = time.perf_counter() - start
    facts = {
        "accepted": len(tally.milliseconds),
        "bytes": tally.bytes,
        "seconds": wall,
        "milliseconds": sorted(round(value, 3) for value in tally.milliseconds),
        "refused": dict(tally.refused),
    }
    json.dump(facts, sys.stdout)


def main() -> None:
    """The command line described at the head of this file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--one-a-connection", action="store_true")
    measure(
        parser,
        lambda given, messages: run(
            given.port, given.sessions, messages, given.seconds, reuse=not given.one_a_connection
        ),
    )


if __name__ == "__main__":
    main()
