"""The parts of the proof. Each runs a lane of its own under load, does its worst, and returns what came of it."""

from __future__ import annotations

import itertools
import os
import random
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.failpoints import PLACES, VARIABLE
from tests.e2e.talk import Talk
from tests.e2e.tools import eventually
from tests.proof.lane import Lane
from tests.proof.ledger import Balance
from tests.proof.watch import Watch, descendants, growth_per_hour, look
from tests.proof.zygote import Zygote

Tell = Callable[[str], None]
"""Shows how far a part has come."""

BY_MILTER = ("milter-changing", "milter-changed")
"""Places that only mail on its way through the milter passes."""
OF_RELEASES = ("release-begun", "release-sent", "release-noted", "journal-written")
"""Places that are passed when somebody releases a message."""


@dataclass
class Result:
    """What came of one part. ``done`` is how often its worst was done, ``facts`` are figures for the report."""

    part: str
    behind: str
    done: int
    seconds: float
    balance: Balance
    facts: dict[str, Any] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return self.balance.balanced and not self.complaints

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "good": self.good}


STILLBORN = 0.2
"""The share of starts that are killed before they are done."""


def kills(
    behind: str, times: int, tell: Tell, *, zygote: Zygote | None, seed: int, until: float, rate: float
) -> Result:
    """SIGKILL at random moments, and a start behind each. Most deaths come while messages are under way, some during a
    start, when there may be something to put in order."""
    rng, began = random.Random(seed), time.monotonic()
    done: Counter[str] = Counter()
    with Lane(f"kills{seed}", behind, rate=rate, zygote=zygote, senders=12) as lane:
        lane.send()
        while done["kills"] < times and time.monotonic() < until:
            _some_mail(lane, rng.choice((0, 0, 1, 2, 5)))
            time.sleep(rng.uniform(0.0, 0.5) ** 2)  # the moment of death is what varies
            under_way, past_dot = lane.at_work()
            lane.gateway.kill()
            done.update(["kills"] + ["under way"] * (under_way > 0) + ["past dot"] * (past_dot > 0))
            while rng.random() < STILLBORN and done["kills"] < times:
                lane.gateway.spawn()
                time.sleep(rng.uniform(0.0, 1.0))  # as above
                lane.gateway.kill()
                done.update(["kills", "starts"])
            lane.gateway.start()
            tell(f"kill {done['kills']}, {len(lane.ledger.sent)} messages")
        balance = lane.balance()
    facts = {"seed": seed, "forked": zygote is not None, **done}
    return Result("kills", behind, done["kills"], time.monotonic() - began, balance, facts)


def _some_mail(lane: Lane, messages: int) -> None:
    """Wait until so many more have found their end and the next are under way; not for ever."""
    enough, until = _ended(lane) + messages, time.monotonic() + 10.0
    while (_ended(lane) < enough or not lane.at_work()[0]) and time.monotonic() < until:
        time.sleep(0.01)


def places(behind: str, rounds: int, tell: Tell, *, zygote: Zygote | None, milter: bool = False, rate: float) -> Result:
    """SIGKILL at every place of ``gateway/failpoints.py``, at a random one of the messages that pass it, while what is
    held is released; with ``milter`` at the places of the milter."""
    rng, began, done, missed = random.Random(7), time.monotonic(), 0, []
    reached = BY_MILTER if milter else [place for place in PLACES if place not in BY_MILTER]
    name = "milter" if milter else "places"
    with Lane(name, behind, rate=rate, zygote=zygote, milter=milter) as lane:
        lane.send()
        if not milter:
            lane.release()
        for place in (*reached,) * rounds:
            if place == "start-adopted":  # there is something to adopt after a death here
                _die(lane, "message-renamed:kill")
            lane.gateway.kill()
            first = place.startswith("start") or place in OF_RELEASES
            if _die(lane, f"{place}:kill:{1 if first else rng.randint(1, 12)}"):
                done += 1
            else:
                missed.append(f"{place} was not reached")
            lane.gateway.start()
            _some_mail(lane, 20)
            tell(f"{place}, {len(lane.ledger.sent)} messages")
        balance = lane.balance()
    facts = {"places": len(reached), "rounds": rounds, "forked": zygote is not None}
    return Result(name, behind, done, time.monotonic() - began, balance, facts, missed)


def _die(lane: Lane, failpoint: str) -> bool:
    """Start with this fail point and wait for the death; False if it does not come."""
    if lane.gateway.process is not None and lane.gateway.process.poll() is None:
        lane.gateway.kill()
    lane.gateway.spawn(**{VARIABLE: failpoint})
    try:
        return lane.gateway.wait(90.0) == -signal.SIGKILL
    except subprocess.TimeoutExpired:
        lane.gateway.kill()
        return False


OF_SERVERS = 0.1
"""The share of kills among workers that hit the process they come from, and them with it."""


def workers(behind: str, times: int, tell: Tell, *, until: float = float("inf"), rate: float) -> Result:
    """SIGKILL to a worker, or to the process that starts them, at random moments; the daemon goes on."""
    rng, began, done = random.Random(9), time.monotonic(), 0
    with Lane("workers", behind, rate=rate) as lane:
        assert lane.gateway.process is not None
        process = lane.gateway.process.pid
        lane.send()
        while done < times and time.monotonic() < until:
            time.sleep(rng.uniform(0.1, 2.0))
            server, *hands = descendants(process) or [0]
            if not hands:
                continue  # a new one still loads, and a kill a second would keep it from ever being done
            with suppress(ProcessLookupError):
                os.kill(server if rng.random() < OF_SERVERS else rng.choice(hands), signal.SIGKILL)
                done += 1
            tell(f"worker {done}, {len(lane.ledger.sent)} messages")
        balance = lane.balance()
        complaints = [] if lane.gateway.process.poll() is None else ["the daemon ended"]
        deaths = len(lane.gateway.events("worker-died"))
    return Result("workers", behind, done, time.monotonic() - began, balance, {"deaths noticed": deaths}, complaints)


def reloads(behind: str, times: int, tell: Tell, *, rate: float) -> Result:
    """SIGHUP, with a setting that changed; nobody may notice."""
    began = time.monotonic()
    with Lane("reloads", behind, rate=rate) as lane:
        lane.send()
        for number in range(1, times + 1):
            lane.gateway.configure(f"{lane.smtp}\nmax_recipients = {500 + number}", "[scan]\nworkers = 2\n")
            lane.gateway.reload()
            eventually(f"reload {number}", lambda number=number: _taken(lane, number), 60)  # type: ignore[misc]
            tell(f"reload {number}, {len(lane.ledger.sent)} messages")
        balance = lane.balance()
        refused = lane.refused_connections
    complaints = [f"{balance.unclear} attempts were cut off"] if balance.unclear and behind == "postfix" else []
    complaints += [f"{refused} connections were refused"] if refused else []
    return Result("reloads", behind, times, time.monotonic() - began, balance, {}, complaints)


def _taken(lane: Lane, number: int) -> bool:
    return lane.gateway.metric('macrogate_reloads_total{result="taken"}') == number


def stops(behind: str, times: int, tell: Tell, *, zygote: Zygote | None, rate: float) -> Result:
    """SIGTERM and a start; no twins, for whatever is past its dot is finished."""
    rng, began = random.Random(11), time.monotonic()
    complaints = []
    with Lane("stops", behind, rate=rate, zygote=zygote) as lane:
        lane.send()
        for number in range(1, times + 1):
            _some_mail(lane, rng.randint(1, 8))
            time.sleep(rng.uniform(0.0, 0.3))
            status = lane.gateway.terminate()
            complaints += [f"stop {number} ended with {status}"] if status else []
            lane.gateway.start()
            tell(f"stop {number}, {len(lane.ledger.sent)} messages")
        balance = lane.balance()
    if behind == "postfix" and (balance.twins or balance.unclear):
        complaints.append(f"{balance.twins} twins, {balance.unclear} attempts cut off: a stop must make none")
    return Result("stops", behind, times, time.monotonic() - began, balance, {}, complaints)


def rolling(behind: str, times: int, tell: Tell, *, zygote: Zygote | None, rate: float) -> Result:
    """A restart with socket activation: nobody's connection is refused."""
    rng, began = random.Random(13), time.monotonic()
    with Lane("rolling", behind, rate=rate, activated=True, zygote=zygote) as lane:
        lane.send()
        for number in range(1, times + 1):
            _some_mail(lane, rng.randint(1, 8))
            time.sleep(rng.uniform(0.0, 0.3))
            lane.gateway.terminate()
            lane.gateway.start()
            tell(f"restart {number}, {len(lane.ledger.sent)} messages")
        balance = lane.balance()
        refused = lane.refused_connections
    complaints = [f"{refused} connections were refused"] if refused else []
    if behind == "postfix" and (balance.twins or balance.unclear):
        complaints.append(f"{balance.twins} twins, {balance.unclear} attempts cut off: a restart must make none")
    return Result("rolling", behind, times, time.monotonic() - began, balance, {"refused": refused}, complaints)


def soak(behind: str, seconds: float, tell: Tell, *, rate: float) -> Result:
    """Mixed mail, and what the gateway uses meanwhile."""
    began = time.monotonic()
    with Lane("soak", behind, rate=rate) as lane:
        assert lane.gateway.process is not None
        lane.send()
        sending = time.monotonic()
        watch = Watch(lane.gateway.process.pid, min(5.0, seconds / 60))
        for _ in _every(2.0, began + seconds):
            tell(f"{time.monotonic() - began:.0f} of {seconds:.0f} s, {len(lane.ledger.sent)} messages")
        samples, rate = watch.stop(), _ended(lane) / (time.monotonic() - sending)
        assert lane.load is not None
        balance = lane.balance()
    names = ("daemon", "workers", "descriptors", "threads", "processes")
    slopes = {name: growth_per_hour(samples, name) for name in names}
    facts = {
        "samples": [asdict(sample) for sample in samples],
        "growth_per_hour": slopes,
        "messages_per_second": rate,
        "put_off": dict(lane.load.put_off),
    }
    complaints = [f"the daemon's memory grows by {slopes['daemon'] / 2**20:.0f} MiB an hour"]
    flat = slopes["daemon"] < FLAT and slopes["descriptors"] < 20 and slopes["threads"] < 5
    return Result("soak", behind, 1, time.monotonic() - began, balance, facts, [] if flat else complaints)


FLAT = 32 << 20
"""Octets an hour the daemon may seem to grow by: the noise of a run of half an hour."""


def _every(seconds: float, until: float) -> Iterator[int]:
    for number in itertools.count():
        if time.monotonic() >= until:
            return
        time.sleep(seconds)
        yield number


def crowd(behind: str, idle: int, slow: int, tell: Tell, *, seconds: float = 60.0, rate: float) -> Result:
    """Idle sessions by the thousand and drips by the hundred, while mail flows; then more than are allowed."""
    began = time.monotonic()
    room = idle + slow + 200
    with Lane("crowd", behind, rate=rate, smtp=f"max_sessions = {room}") as lane, ExitStack() as stack:
        assert lane.gateway.process is not None
        process = lane.gateway.process.pid
        lane.send()
        time.sleep(5.0)
        before, sent_before = look(process, began), _ended(lane)
        guests = [stack.enter_context(socket.create_connection(("127.0.0.1", lane.port), 30)) for _ in range(idle)]
        tell(f"{idle} idle sessions")
        drips = [stack.enter_context(Talk(lane.port, f"127.0.1.{1 + n % 200}")) for n in range(slow)]
        for drip in drips:
            drip.hello()
            drip.envelope("sender@outside.test", "alice@example.com")
        for half in drips[::2]:
            half.say("DATA")
        full, sent_full, then = look(process, began), _ended(lane), time.monotonic()
        for _ in _every(1.0, then + seconds):
            for drip in drips:
                with suppress(OSError):
                    drip.write(b"X")
            tell(f"{idle} idle and {slow} dripping sessions, {len(lane.ledger.sent)} messages")
        rate = (_ended(lane) - sent_full) / (time.monotonic() - then)
        told = _one_too_many(lane.port, 400, stack)
        balance = lane.balance()
        refused = sum(1 for guest in guests if _hung_up(guest))
    facts = {
        "idle": idle,
        "slow": slow,
        "messages_before": sent_before,
        "messages_per_second": rate,
        "octets_per_session": (full.daemon - before.daemon) / (idle + slow),
        "descriptors": full.descriptors,
        "turned_away": told,
        "idle_hung_up": refused,
    }
    complaints = [] if told else ["nobody was turned away beyond max_sessions"]
    complaints += [] if rate > 20 else [f"only {rate:.0f} messages a second while the crowd was there"]
    return Result("crowd", behind, idle + slow, time.monotonic() - began, balance, facts, complaints)


def _ended(lane: Lane) -> int:
    return lane.load.ended if lane.load else 0


def _one_too_many(port: int, times: int, stack: ExitStack) -> int:
    """How many of so many more connections are turned away with 421."""
    told = 0
    for _ in range(times):
        with suppress(OSError):
            extra = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            told += extra.recv(64).startswith(b"421")
    return told


def _hung_up(guest: socket.socket) -> bool:
    guest.setblocking(False)
    with suppress(BlockingIOError, OSError):
        while data := guest.recv(4096):
            if data.startswith(b"421") or b"\r\n421" in data:
                return True
        return True
    return False
