"""What stands behind the gateway: a real Postfix whose mailbox is read, or a next hop that misbehaves on purpose. Both
count the copies they have taken responsibility for, by Message-ID."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.e2e.postfix import Postfix
from tests.e2e.tools import free_port
from tests.proof.copies import identify, identify_changed

SERVICE = "127.0.0.1:{port} inet n - n - 600 smtpd\n"
SETTINGS = """\
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = reject_unlisted_recipient, permit
smtpd_client_connection_count_limit = 0
smtpd_forbid_bare_newline = no
"""
MILTER = """\
milter_default_action = tempfail
milter_protocol = 6
"""


class RealPostfix:
    """A private Postfix with a Maildir, read and emptied all the time."""

    def __init__(self, milter: str = "") -> None:
        """``milter``: where Postfix asks what to do with a message, as ``inet:HOST:PORT``."""
        self.port = free_port()
        self.copies: Counter[str] = Counter()
        asking = f"smtpd_milters = {milter}\n{MILTER}" if milter else ""
        self._identify = identify_changed if milter else identify
        self._postfix = Postfix(SERVICE.format(port=self.port), SETTINGS + asking, (self.port,))

    def start(self) -> None:
        self._postfix.start()
        self._new = self._postfix.folder / "mail" / "alice" / "new"
        self._stop = threading.Event()
        self._reader = threading.Thread(target=self._read, name="mailbox")
        self._reader.start()

    def stop(self) -> None:
        self._stop.set()
        self._reader.join()
        self._postfix.stop()

    def settle(self) -> None:
        """Return when the queue is empty and the mailbox read."""
        queue = self._postfix.folder / "queue"
        for _ in range(1200):
            waiting = [name for kind in ("incoming", "active", "deferred", "maildrop") for name in _files(queue / kind)]
            if not waiting and not (self._new.is_dir() and os.listdir(self._new)):
                time.sleep(0.5)  # what was read last is being counted
                return
            time.sleep(0.1)

    def _read(self) -> None:
        while not self._stop.wait(0.2):
            for name in os.listdir(self._new) if self._new.is_dir() else ():
                path = self._new / name
                self.copies[self._identify(path.read_bytes())] += 1
                path.unlink()


def _files(folder: Path) -> list[str]:
    return [name for _, _, names in os.walk(folder) for name in names]


class BadHop:
    """A next hop of one's own that, now and then, is all a next hop should not be. ``trouble`` is how often."""

    EXTENSIONS = b"250-bad.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n"

    def __init__(self, trouble: float = 0.02, seed: int = 1047) -> None:
        self.port = free_port()
        self.copies: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._trouble = trouble
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bad-hop")

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 20, backlog=512)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def settle(self) -> None:
        """It counts a copy before it says so."""

    def _mood(self, *bad: str) -> str:
        return self._random.choice(bad) if self._random.random() < self._trouble else ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if not self._mood("gone"):
                writer.write(b"220 bad.test ESMTP\r\n")
                while await self._command(reader, writer):
                    await writer.drain()
        writer.transport.abort()

    async def _command(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line = (await reader.readuntil(b"\n")).upper()
        verb = line[:4]
        if verb == b"EHLO":
            writer.write(self.EXTENSIONS)
        elif verb == b"QUIT":
            writer.write(b"221 2.0.0 Bye\r\n")
            await writer.drain()
            return False
        elif verb in (b"MAIL", b"RCPT") and (mood := self._mood("later", "gone", "slow")):
            return await self._moody(mood, writer)
        elif b"<REFUSED@" in line:
            writer.write(b"550 5.1.1 No such user\r\n")
        elif verb == b"DATA":
            writer.write(b"354 Go ahead\r\n")
            await writer.drain()
            return await self._message(reader, writer)
        else:
            writer.write(b"250 2.0.0 Ok\r\n")
        return True

    async def _moody(self, mood: str, writer: asyncio.StreamWriter) -> bool:
        if mood == "slow":
            await asyncio.sleep(0.2)
        writer.write(b"451 4.3.0 Not now\r\n" if mood == "later" else b"" if mood == "gone" else b"250 2.0.0 Ok\r\n")
        return mood != "gone"

    async def _message(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        message = await reader.readuntil(b"\r\n.\r\n")
        mood = self._mood("later", "gone", "taken and gone", "slow", "reset")
        if mood in ("later", "gone"):
            return await self._moody(mood, writer)
        if mood == "slow":
            await asyncio.sleep(0.2)
        self.copies[identify(message[:-3].replace(b"\r\n..", b"\r\n."))] += 1
        if mood == "taken and gone":
            return False
        writer.write(b"250 2.0.0 Taken\r\n")
        await writer.drain()
        return mood != "reset"
