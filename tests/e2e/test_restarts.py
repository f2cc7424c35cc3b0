"""Nothing is lost when the gateway dies, stops or reloads in the middle of everything.

The ledger: a client that tries again until it hears 2yz or 5yz, what the next hop has taken responsibility for, and
what the quarantine holds. Afterwards every message sent must be found, and twins only where the gateway died between
the next hop's 250 and its own (RFC 1047).
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import pytest

from gateway.samples import mail as samples
from tests.e2e.conftest import Pair
from tests.e2e.mails import marker, plain
from tests.e2e.talk import Talk, attempt, send
from tests.e2e.tools import eventually
from tests.stubs.next_hop import StubHop

Start = Callable[..., Pair]
MARK = re.compile(rb"marker-[0-9a-f-]+")
HOP_REFUSES = {"RCPT TO:<refused@": "550 5.1.1 No such user"}


@dataclass
class Ledger:
    """What became of every message sent."""

    replies: dict[str, str] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)

    def deliver(self, port: int, mark: str, recipient: str, message: bytes, seconds: float = 60.0) -> None:
        """Try until somebody takes responsibility or refuses for good."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.attempts[mark] += 1
            reply = attempt(port, message, recipient)
            if reply[:1] in ("2", "5"):
                self.replies[mark] = reply
                return
            time.sleep(0.05)

    def check(self, pair: Pair) -> Counter[str]:
        """``sent == delivered ∪ quarantined ∪ refused``; returns how often each mark was delivered or held."""
        copies = delivered(pair.hop)
        for row in pair.gateway.held("--limit", "100000"):
            copies[row["subject"].split()[-1]] += 1
        for mark in self.attempts:
            reply = self.replies.get(mark, "")
            assert reply, f"{mark} found nobody in {self.attempts[mark]} attempts"
            refused = reply.startswith("5")
            assert refused == (copies[mark] == 0), f"{mark}: {reply!r}, {copies[mark]} copies"
        return copies


def delivered(hop: StubHop) -> Counter[str]:
    """How often each marked message was accepted by the next hop."""
    found = (MARK.search(message.raw) for message in list(hop.messages))
    return Counter(match[0].decode() for match in found if match)


def traffic(pair: Pair, ledger: Ledger, stop: threading.Event, number: int) -> None:
    """One sender: clean mail, documents that are held, and mail the next hop refuses."""
    for turn in range(number, 10_000):
        if stop.is_set():
            return
        mark = marker()
        recipient = "refused@example.com" if turn % 7 == 0 else "alice@example.com"
        message = held_message(mark) if turn % 5 == 0 else plain(mark)
        ledger.deliver(pair.gateway.port, mark, recipient, message)


def held_message(mark: str) -> bytes:
    """A document that runs a macro, with ``mark`` as the last word of its subject."""
    message = samples.docm_autoopen_message("sender@outside.test", "alice@example.com")
    return re.sub(rb"(?m)^Subject: [^\r]*", f"Subject: document {mark}".encode(), message, count=1)


def under_traffic(pair: Pair, trouble: Callable[[], None], senders: int = 3) -> Ledger:
    """Run ``trouble`` while ``senders`` clients send; returns their ledger once all of them are done."""
    ledger, stop = Ledger(), threading.Event()
    with ThreadPoolExecutor(senders) as pool:
        jobs = [pool.submit(traffic, pair, ledger, stop, number) for number in range(1, senders + 1)]
        try:
            trouble()
        finally:
            stop.set()
        for job in jobs:
            job.result(90)
    return ledger


def test_nothing_is_lost_when_the_daemon_is_killed_again_and_again(pair: Start) -> None:
    running = pair(HOP_REFUSES)
    rng = random.Random(1047)

    def kills() -> None:
        for _ in range(10):
            time.sleep(rng.uniform(0.05, 0.3))  # the moment of death is what varies here
            running.gateway.kill()
            running.gateway.start()

    ledger = under_traffic(running, kills)
    copies = ledger.check(running)
    for mark, count in copies.items():
        assert count <= ledger.attempts[mark]
    assert running.gateway.metric('macrogate_quarantine_messages{state="held"}') > 0


def test_a_stop_in_traffic_loses_nothing_and_makes_no_twins(pair: Start) -> None:
    running = pair(HOP_REFUSES)

    def stops() -> None:
        for pause in (0.1, 0.3, 0.2):
            time.sleep(pause)  # traffic has to be under way
            assert running.gateway.terminate() == 0
            running.gateway.start()

    copies = under_traffic(running, stops).check(running)
    assert set(copies.values()) == {1}


def test_a_hundred_reloads_in_traffic_cost_nothing(pair: Start) -> None:
    running = pair(HOP_REFUSES)
    hop = f'next_hop = "{running.hop.address}"'

    def taken(number: int) -> bool:
        return len(running.gateway.events("reloaded")) == number

    def reloads() -> None:
        for number in range(1, 101):
            running.gateway.configure(f"{hop}\nmax_recipients = {500 + number}")
            running.gateway.reload()
            eventually(f"reload {number} is taken", partial(taken, number))

    ledger = under_traffic(running, reloads)
    copies = ledger.check(running)
    assert set(copies.values()) == {1}
    assert set(ledger.attempts.values()) == {1}
    assert running.gateway.metric('macrogate_reloads_total{result="taken"}') == 100


def test_a_bad_file_is_refused_and_the_old_configuration_stays(pair: Start) -> None:
    running = pair()
    running.gateway.configure('next_hop = "127.0.0.1:1"\nmax_recipients = 0\nnonsense = true')
    running.gateway.reload()
    why = running.gateway.event("reload-refused")["why"]
    assert "max_recipients" in why
    assert "nonsense" in why
    assert send(running.gateway.port, plain(marker()), "alice@example.com") == "250 2.0.0 Taken"
    assert running.gateway.metric('macrogate_reloads_total{result="refused"}') == 1


STAGES = ("connected", "mail", "rcpt", "data", "half the message")


@pytest.mark.parametrize("stage", STAGES)
def test_killed_before_the_dot_the_client_keeps_its_mail(pair: Start, stage: str) -> None:
    running = pair()
    mark = marker()
    message = plain(mark)
    with Talk(running.gateway.port) as talk:
        talk.hello()
        if STAGES.index(stage) >= 1:
            talk.say("MAIL FROM:<sender@outside.test>")
        if STAGES.index(stage) >= 2:
            talk.say("RCPT TO:<alice@example.com>")
        if STAGES.index(stage) >= 3:
            talk.say("DATA")
        if STAGES.index(stage) >= 4:
            talk.write(message[: len(message) // 2])
        running.gateway.kill()
        assert talk.reply() == ""
    assert delivered(running.hop)[mark] == 0
    running.gateway.start()
    assert send(running.gateway.port, message, "alice@example.com").startswith("250")
    assert delivered(running.hop)[mark] == 1


@pytest.mark.parametrize(("event", "copies"), [("DATA", {1}), ("BODY", {1}), (".", {1, 2})])
def test_killed_while_the_next_hop_takes_it_the_message_is_not_lost(pair: Start, event: str, copies: set[int]) -> None:
    """Before the dot the next hop forgets the unfinished transaction; after it, it may have taken it already."""
    never = asyncio.Event()

    async def wait(_: object) -> None:
        await never.wait()

    running = pair({event: [(wait,)]})
    mark = marker()
    message = plain(mark)
    with Talk(running.gateway.port) as talk:
        talk.hello()
        talk.envelope("sender@outside.test", "alice@example.com")
        talk.say("DATA")
        talk.write(message + b".\r\n")
        eventually("the next hop gets it", lambda: reached(running.hop, event))
        running.gateway.kill()
        assert talk.reply() == ""
    running.gateway.start()
    assert send(running.gateway.port, message, "alice@example.com").startswith("250")
    assert delivered(running.hop)[mark] in copies


def reached(hop: StubHop, event: str) -> bool:
    """Whether the next hop has come to a step of its script that is a list used up by now."""
    return bool(hop._used.get(event))
