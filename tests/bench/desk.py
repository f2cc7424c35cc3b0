"""The pages with many messages held, and the mail while somebody looks at them.

    python -m tests.bench.desk [--held 100000] [--times 40] [--seconds 20] [--rate 100]

Fills the index of a gateway with rows as they would be (the files behind them are missing, which lists do not ask for),
then measures, through HTTP and one session: each kind of list, and the latency of mail at a steady rate without and
with browsers that search. Percentiles in milliseconds. Load generator and gateway share the same cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import http.client
import random
import re
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import quote, urlencode

from rich.console import Console

from gateway.closed_sets import Verdict
from gateway.message import Recipient
from gateway.quarantine import Quarantine
from gateway.quarantine.entering import add
from gateway.quarantine.journal import Journal
from gateway.quarantine.models import Files
from gateway.quarantine.sidecar import Record, encode
from gateway.web.people import Role
from gateway.web.users import Users
from tests.bench import load, mix
from tests.bench.peers import sink
from tests.e2e.gateway import GatewayProcess
from tests.e2e.tools import eventually
from tests.unit.quarantine.made import DECISION, REPORT, transaction

say = Console(highlight=False, soft_wrap=True).print
PASSWORD = "correct horse battery"
BATCH = 1000
WORDS = [
    "invoice",
    "payment",
    "order",
    "meeting",
    "report",
    "quarterly",
    "résumé",
    "rechnung",
    "bestellung",
    "urgent",
    "delivery",
    "statement",
    "scan",
    "fax",
    "copy",
    "document",
    "overdue",
    "reminder",
    "contract",
    "offer",
    "angebot",
    "lieferung",
    "mahnung",
    "zahlung",
    "tracking",
    "parcel",
    "請求書",
    "見積書",
    "注文",
]
MACROS = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(400)]


def record(rng: random.Random, number: int, count: int) -> Record:
    """One held message of the last 90 days; a few campaigns are most of them."""
    kept = datetime.now(UTC) - timedelta(days=90) * (1 - number / count)
    subject = f"{' '.join(rng.choices(WORDS, k=rng.randint(2, 6)))} {rng.randrange(10**6)}"
    name = f"{rng.choice(WORDS)}.{rng.randrange(20_000)}"
    sender = f"{name}@{rng.choice(WORDS)}{rng.randrange(300)}.example".encode("ascii", "ignore").decode()
    one = transaction(sender=sender)
    to = tuple(Recipient(f"user{rng.randrange(3000)}@example.com", "") for _ in range(rng.choice((1, 1, 1, 2, 3))))
    fingerprint = MACROS[min(int(rng.expovariate(0.02)), len(MACROS) - 1)]
    finding = replace(REPORT.findings[0], fingerprint=fingerprint)
    headline = replace(REPORT.headline, subject=subject, sender=name, message_id=f"<{rng.getrandbits(64):x}@{name}>")
    verdict = rng.choices((Verdict.AUTOEXEC, Verdict.SUSPICIOUS, Verdict.UNSCANNABLE), (90, 8, 2))[0]
    report = replace(REPORT, verdict=verdict, findings=(finding,), headline=headline)
    digest = hashlib.sha256(b"%d" % number).hexdigest()
    about = replace(one, envelope=replace(one.envelope, recipients=to))
    return Record(digest[:16], kept, about, report, DECISION, 40_000, digest)


async def fill(gateway: GatewayProcess, count: int) -> None:
    """Enter ``count`` messages, oldest first."""
    place = gateway.quarantine
    store = await Quarantine.open(
        f"sqlite://{place}/quarantine.db", f"file://{place}/messages", exclusive=True, two_person=False
    )
    rng, index = random.Random(7), store._ledger.index
    try:
        for start in range(0, count, BATCH):
            records = [record(rng, number, count) for number in range(start, min(start + BATCH, count))]
            files = [Files(one, Journal.of(one, encode(one)), one.size, 0.0) for one in records]
            await index.write(partial(add, new=files))
    finally:
        await store.close()


class Browser:
    """One session over one connection."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        form = urlencode({"name": "ann", "password": PASSWORD})
        self._line.request("POST", "/sign-in", form, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = self._line.getresponse()
        answer.read()
        self._cookie = (answer.getheader("set-cookie") or "").partition(";")[0]

    def get(self, path: str) -> tuple[str, float]:
        """A page, and how many milliseconds it took."""
        before = time.perf_counter()
        self._line.request("GET", path, headers={"Cookie": self._cookie})
        answer = self._line.getresponse()
        text = answer.read().decode()
        if answer.status != http.client.OK:
            raise SystemExit(f"{path}: {answer.status}\n{text[:500]}")
        return text, (time.perf_counter() - before) * 1000

    def close(self) -> None:
        """Hang up."""
        self._line.close()


def lists(browser: Browser) -> Iterator[tuple[str, str]]:
    """Every kind of list by name."""
    days = [f"{datetime.now(UTC) - timedelta(days=back):%Y-%m-%d}" for back in (40, 30)]
    middle = round((datetime.now(UTC) - timedelta(days=67.5)).timestamp() * 1_000_000)
    yield "start page", "/"
    yield "first page", "/quarantine"
    yield "page 500 and beyond", f"/quarantine?older={middle}"
    for name, query in (
        ("state all", {"state": "all"}),
        ("state without messages", {"state": "deleted"}),
        ("verdict frequent", {"verdict": "autoexec"}),
        ("verdict rare", {"verdict": "unscannable"}),
        ("verdict without messages", {"verdict": "clean"}),
        ("ten days", {"since": days[0], "until": days[1]}),
        ("campaign large", {"campaign": MACROS[0]}),
        ("campaign small", {"campaign": MACROS[200]}),
        ("subject frequent", {"subject": "invoice"}),
        ("subject rare", {"subject": "invoice 4711"}),
        ("subject no hit", {"subject": "qqzzqq"}),
        ("sender frequent", {"sender": ".example"}),
        ("recipient one", {"recipient": "user2222@"}),
        ("recipient frequent", {"recipient": "example.com"}),
        ("words frequent", {"text": "invoice urgent"}),
        ("words no hit", {"text": "example.community"}),
        ("two letters frequent", {"text": "in"}),
        ("two letters no hit", {"text": "qz"}),
        ("two signs of kanji", {"text": "請求"}),
        ("frequent text of a rare verdict", {"text": "example.com", "verdict": "unscannable"}),
        ("frequent text, state without messages", {"text": "example.com", "state": "deleted"}),
    ):
        yield name, f"/quarantine?{urlencode(query, quote_via=quote)}"


def measure(browser: Browser, times: int) -> None:
    """Each list so many times."""
    say(f"{'list':42} {'p50':>7} {'p95':>7}  told")
    for name, path in lists(browser):
        took, told = [], ""
        for _ in range(times):
            text, milliseconds = browser.get(path)
            took.append(milliseconds)
            told = next(iter(re.findall(r'class="told">([^<]+)', text)), "")
        say(f"{name:42} {statistics.median(took):7.1f} {percentile(took, 95):7.1f}  {told.strip()}")


def percentile(values: list[float], share: int) -> float:
    """The value that ``share`` percent do not exceed."""
    return sorted(values)[min(len(values) * share // 100, len(values) - 1)]


async def mail(port: int, rate: int, seconds: float) -> list[float]:
    """Send ``rate`` messages a second, whatever the answers take; the milliseconds of each."""
    rng, took = random.Random(3), list[float]()
    lines = [await load.connect(port) for _ in range(16)]
    free = asyncio.Queue[tuple[load.Line, bool]]()
    for line in lines:
        free.put_nowait(line)

    async def one(message: bytes, due: float) -> None:
        line, pipelining = await free.get()
        reply = await load.transact(line, pipelining, message)
        took.append((time.perf_counter() - due) * 1000)
        free.put_nowait((line, pipelining))
        assert reply.startswith(b"2"), reply

    start, tasks = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(mix.stuffed(mix.text(rng, number)), due)))
    await asyncio.gather(*tasks)
    for line, _ in lines:
        line.transport.close()
    return took


@contextlib.contextmanager
def looking(port: int, each_second: int) -> Iterator[list[float]]:
    """Somebody searches, so many times a second."""
    took, stop = list[float](), threading.Event()

    def look() -> None:
        browser = Browser(port)
        paths = [path for _, path in lists(browser)]
        while not stop.wait(1 / each_second):
            took.append(browser.get(paths[len(took) % len(paths)])[1])
        browser.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield took
    finally:
        stop.set()
        thread.join()


def compare(gateway: GatewayProcess, rate: int, seconds: float) -> None:
    """Mail alone and mail beside browsers, by turns."""
    for _ in range(3):
        for each_second in (0, 5):
            watched = looking(gateway.http, each_second) if each_second else contextlib.nullcontext([])
            before = time.perf_counter()
            with watched as pages:
                took = asyncio.run(mail(gateway.port, rate, seconds))
            speed = len(took) / (time.perf_counter() - before)
            beside = f", pages p95 {percentile(pages, 95):.1f}" if pages else ""
            figures = " ".join(f"p{share} {percentile(took, share):.2f}" for share in (50, 95, 99))
            say(f"{each_second} pages/s: {speed:.1f} messages/s, {figures}{beside}")


def main() -> None:
    """The command line described at the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.desk")
    parser.add_argument("--held", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=int, default=100)
    options = parser.parse_args()
    with sink() as hop:
        run(GatewayProcess(f'next_hop = "127.0.0.1:{hop}"'), options)


def run(gateway: GatewayProcess, options: argparse.Namespace) -> None:
    """Fill, start, measure."""
    try:
        before = time.perf_counter()
        asyncio.run(fill(gateway, options.held))
        say(f"{options.held} entered in {time.perf_counter() - before:.0f} s")
        Users(gateway.folder / "users.json").put("ann", Role.RELEASER, PASSWORD)
        gateway.start()
        browser = Browser(gateway.http)
        eventually("the pages", lambda: 'id="live"' in browser.get("/")[0])
        measure(browser, options.times)
        browser.close()
        compare(gateway, options.rate, options.seconds)
    finally:
        gateway.remove()


if __name__ == "__main__":
    main()
