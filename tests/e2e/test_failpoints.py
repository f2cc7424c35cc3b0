"""The daemon dies at an exact place, or is out of something it needs; the client tries again, and nothing is lost.

Three of the places of ``gateway/failpoints.py``; ``make proof`` kills at every one, under load.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Callable
from contextlib import ExitStack

from gateway.failpoints import VARIABLE
from tests.e2e.conftest import Pair
from tests.e2e.mails import marker, plain
from tests.e2e.talk import Talk, attempt, send, stuffed
from tests.e2e.test_restarts import delivered, reached
from tests.e2e.tools import eventually

Start = Callable[..., Pair]


def test_killed_at_a_place_the_message_is_not_lost(pair: Start) -> None:
    """Two copies only where the next hop has replied and we have not (RFC 1047)."""
    running = pair(start={VARIABLE: "after-dot:kill"})
    for place, copies, following in (
        ("after-dot", 1, "after-scan"),
        ("after-scan", 1, "after-nexthop-250"),
        ("after-nexthop-250", 2, ""),
    ):
        mark = marker()
        message = plain(mark)
        assert attempt(running.gateway.port, message, "alice@example.com") == ""
        assert running.gateway.wait() == -signal.SIGKILL
        assert running.gateway.events("failpoint")[-1]["set"].startswith(f"{place}:kill")
        running.gateway.start(MACROGATE_FAILPOINT=f"{following}:kill:2" if following else "")
        assert send(running.gateway.port, message, "alice@example.com") == "250 2.0.0 Taken"
        assert delivered(running.hop)[mark] == copies
    assert running.gateway.held() == []


def test_two_polite_signals_and_a_rude_one(pair: Start) -> None:
    never = asyncio.Event()

    async def wait(_: object) -> None:
        await never.wait()

    running = pair({".": [(wait,)]})
    mark = marker()
    message = plain(mark)
    with Talk(running.gateway.port) as talk:
        talk.hello()
        talk.envelope("sender@outside.test", "alice@example.com")
        talk.say("DATA")
        talk.write(stuffed(message))
        eventually("the next hop has the dot", lambda: reached(running.hop, "."))
        assert running.gateway.process is not None
        for _ in range(2):
            running.gateway.process.send_signal(signal.SIGTERM)
        eventually("it takes no more", lambda: not attempt(running.gateway.port, message, "alice@example.com"))
        assert running.gateway.process.poll() is None  # it finishes what is past its dot
        running.gateway.kill()
        assert talk.reply() == ""
    running.gateway.start()
    assert send(running.gateway.port, message, "alice@example.com").startswith("250")
    assert delivered(running.hop)[mark] in {1, 2}


def test_without_descriptors_open_sessions_are_answered_and_it_passes_by_itself(pair: Start) -> None:
    running = pair()
    assert running.gateway.process is not None
    process = running.gateway.process.pid
    before = resource.prlimit(process, resource.RLIMIT_NOFILE)
    mark = marker()
    with Talk(running.gateway.port) as talk, ExitStack() as stack:
        talk.hello()
        assert talk.envelope("sender@outside.test", "alice@example.com") == ["250 2.1.0 Ok", "250 2.1.5 Ok"]
        open_now = {int(name) for name in os.listdir(f"/proc/{process}/fd")}
        resource.prlimit(process, resource.RLIMIT_NOFILE, (max(open_now) + 1, before[1]))
        crowd = [stack.enter_context(Talk(running.gateway.port, timeout=0.5)) for _ in range(20)]
        used = processor_seconds(process)
        for one in crowd:
            assert one.impatient_reply() == ""  # waits, or was closed
        assert processor_seconds(process) - used < 5.0  # of about ten: no busy loop
        assert talk.content(plain(mark))[:3] in {"250", "451"}  # a message needs descriptors too
        resource.prlimit(process, resource.RLIMIT_NOFILE, before)
    again = marker()
    eventually("mail flows again", lambda: attempt(running.gateway.port, plain(again), "alice@example.com"))
    assert delivered(running.hop)[again] == 1


def processor_seconds(process: int) -> float:
    """User and system time so far."""
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
