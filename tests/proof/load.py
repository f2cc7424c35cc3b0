"""The senders: each message stays in their queue until somebody takes responsibility for it or refuses it for good."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.samples import mail as samples
from tests.e2e.talk import stuffed
from tests.proof.copies import ARMED as ARMED_MARK
from tests.proof.copies import SEAL, seal
from tests.proof.ledger import Ledger, Sent

SENDER = "sender@outside.test"
TAKEN, REFUSED = "alice@example.com", "refused@example.com"
LINE = "Good day, and so on.  \r\n"
PICTURE = b"\x89PNG\r\n\x1a\n" + random.Random(2).randbytes(200_000)  # in base64 more than one piece at the next hop
HELD_TURNS = (3, 9, 15)
ARMED = (samples.docm_autoopen_message, samples.xls_workbook_open_message, samples.forwarded_zip_message)
CLEAN = (samples.docx_message, samples.xlsx_message, samples.japanese_message)
PATIENCE = 30.0
"""Seconds to wait for any one reply."""
BACKOFF = 0.2
"""Seconds before a message is tried again; an MTA takes minutes, and has days for it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as it is handed to a sender."""

    message_id: str
    recipient: str
    wire: bytes


def letters(ledger: Ledger) -> Iterator[Letter]:
    """Mail without end: of twenty, fourteen that are plain or HTML, three to be held, two clean documents and, for the
    last, either a large picture or mail to nobody. What is held and what is clean changes from round to round."""
    text = (
        f"From: <{SENDER}>\r\nTo: <{TAKEN}>\r\nSubject: plain\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{LINE * 60}"
    ).encode()
    common = itertools.cycle(
        [_template(message) for message in (text, text, text, samples.html_message(SENDER, TAKEN))]
    )
    armed = itertools.cycle([_template(make(SENDER, TAKEN)) for make in ARMED])
    clean = itertools.cycle([_template(make(SENDER, TAKEN)) for make in CLEAN])
    large = _template(samples.attached("picture", "Scan.png", "image/png", PICTURE, sender=SENDER, recipient=TAKEN))
    for turn in itertools.count():
        kind = turn % 20
        message_id = ledger.fresh()
        template = next(armed if kind in HELD_TURNS else clean if kind in (7, 12) else common)
        if kind == 18 and turn % 40 == 18:
            template = large
        recipient = REFUSED if kind == 18 and turn % 40 == 38 else TAKEN
        mark = f"{ARMED_MARK}\r\n" if kind in HELD_TURNS else ""
        header = f"Message-ID: <{message_id}>\r\n{SEAL}: {template.seal}\r\n{mark}".encode()
        yield Letter(message_id, recipient, header + template.wire)


@dataclass(frozen=True, slots=True)
class Template:
    """A message without its Message-ID, ready for the wire, and the seal of its body."""

    wire: bytes
    seal: str


def _template(message: bytes) -> Template:
    bare = re.sub(rb"(?im)^message-id:.*\r\n(?:[ \t].*\r\n)*", b"", message, count=1)
    return Template(stuffed(bare), seal(bare))


class Load:
    """``senders`` clients on a thread of their own, ``rate`` messages a second together."""

    def __init__(self, port: int, ledger: Ledger, *, senders: int, rate: float) -> None:
        self.refused_connections = 0
        self.put_off: Counter[str] = Counter()
        """What was said to those who were told to try again."""
        self.ended = 0
        """Messages taken or refused."""
        self.under_way = 0
        """Messages between MAIL and the reply that ends it."""
        self.past_dot = 0
        """Those of them that are out of the client's hands and not yet in anybody's."""
        self._port, self._ledger, self._senders, self._rate = port, ledger, senders, rate
        self._letters = letters(ledger)
        self._stop = threading.Event()
        self._give_up = float("inf")
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load")
        self._thread.start()

    def finish(self, seconds: float = 120.0) -> None:
        """Send nothing new, and return when every message has found its end, or when time is up."""
        self._give_up = time.monotonic() + seconds
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        self._next = time.monotonic()
        await asyncio.gather(*(self._sender() for _ in range(self._senders)))

    async def _sender(self) -> None:
        """One client: several messages in a session, as an MTA with a connection cache."""
        session: Session | None = None
        while not self._stop.is_set():
            self._next = max(self._next, time.monotonic() - 1.0) + 1.0 / self._rate
            await asyncio.sleep(max(0.0, self._next - time.monotonic()))
            letter = next(self._letters)
            sent = self._ledger.sent[letter.message_id]
            while not sent.reply and time.monotonic() < self._give_up:
                session = await self._attempt(session, letter, sent)
                if not sent.reply:
                    await asyncio.sleep(BACKOFF)
        if session is not None:
            session.close()

    async def _attempt(self, session: Session | None, letter: Letter, sent: Sent) -> Session | None:
        """One try; returns the session if it can be used again."""
        sent.attempts += 1
        dotted = False
        try:
            if session is None:
                session = await Session.open(self._port)
            self.under_way += 1
            try:
                reply = await session.envelope(letter.recipient)
                if reply.startswith("3"):
                    session.write(letter.wire)
                    dotted = True  # from here on the other side may have all of it
                    self.past_dot += 1
                    reply = await session.reply()
                    sent.put_off += reply.startswith("4")
            finally:
                self.under_way -= 1
                self.past_dot -= dotted
            if reply[:1] in ("2", "5"):
                sent.reply = reply
                self.ended += 1
            if not reply.startswith("4"):
                return session
            self.put_off[reply[:80]] += 1
        except ConnectionRefusedError:
            self.refused_connections += 1
        except (OSError, TimeoutError):
            sent.unclear += dotted
        if session is not None:
            session.close()
        return None


class Session:
    """SMTP as a client speaks it. Every method raises ``OSError`` or ``TimeoutError`` when the other side is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._open = False

    @classmethod
    async def open(cls, port: int) -> Session:
        session = cls(*await asyncio.open_connection("127.0.0.1", port))
        try:
            session._must("220", await session.reply())
            session._must("250", await session._ask("EHLO client.test"))
        except BaseException:
            session.close()
            raise
        return session

    def _must(self, code: str, reply: str) -> None:
        if not reply.startswith(code):
            raise ConnectionAbortedError(f"heard {reply}")

    async def envelope(self, recipient: str) -> str:
        """The reply to DATA, or the refusal of what comes before it."""
        if self._open:
            await self._ask("RSET")
        self._open = True
        reply = await self._ask(f"MAIL FROM:<{SENDER}>")
        if reply.startswith("2"):
            reply = await self._ask(f"RCPT TO:<{recipient}>")
        if reply.startswith("2"):
            reply = await self._ask("DATA")
        return reply

    async def _ask(self, line: str) -> str:
        self.write(line.encode() + b"\r\n")
        return await self.reply()

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def reply(self) -> str:
        """The last line of the next reply."""
        async with asyncio.timeout(PATIENCE):
            await self._writer.drain()
            while True:
                line = await self._reader.readline()
                if not line.endswith(b"\n"):
                    raise ConnectionResetError("hung up")
                if line[3:4] != b"-":
                    return line.decode("utf-8", "replace").rstrip()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.transport.abort()
