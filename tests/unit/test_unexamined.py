"""``on_failure = "deliver"``: what passes unexamined, and whom sender and recipients alone keep from passing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.closed_sets import Action, Effect, Kind
from gateway.events import MailLog
from gateway.message import Authentication, Reply, ScanFailed
from gateway.pipeline import Pipeline
from gateway.policy import Exceptions, Policy
from gateway.policy.entries import Entry, Subject, make
from gateway.spool import Spool
from tests.unit.test_pipeline import MESSAGE, TRANSACTION, Stage

BEFORE = TRANSACTION.received - timedelta(days=1)
RULES = """
[[rule]]
id = "no-offers"
title = "Offers nobody wants"
when = { sender = ["@offers.test"] }
action = "reject"
[[rule]]
id = "own"
title = "Our own"
when = { sender = ["boss@example.org"], client = ["192.0.2.0/24"] }
action = "deliver"
[[rule]]
id = "seen-and-clean"
title = "Told apart"
when = { verdict = ["clean"] }
action = "tag"
[[rule]]
id = "bad"
title = "Not to be had"
when = { verdict = ["autoexec", "unscannable"] }
action = "quarantine"
"""


def entry(effect: Effect, what: str, *to: str) -> Entry:
    return make(effect, Subject.SENDER, what, id="00000000aa", why="known", who="ann", now=BEFORE, recipients=to)


class Verifier:
    """Says whom From names."""

    async def verify(self, content: Spool) -> Authentication:
        return Authentication(author="fraud@evil.test")

    def stamp(self, found: Authentication) -> bytes:
        return b""


async def played(stage: Stage, sender: str, *entries: Entry, verifier: Verifier | None = None) -> Reply:
    """A message of ``sender`` that nobody could look into."""
    stage.scan_fails = ScanFailed(Kind.CRASH, "worker died")
    exceptions = Exceptions.of(entries)
    pipeline = Pipeline(
        *(stage, Policy.parse(RULES), stage, MailLog(stage.log), stage.metrics, stage.on_failure),
        exceptions=lambda: exceptions,
        authenticator=verifier,
    )
    envelope = replace(TRANSACTION.envelope, sender=sender)
    return await pipeline.process(replace(TRANSACTION, envelope=envelope), Spool.of(MESSAGE), stage.deliver)


async def test_a_blocked_sender_is_held_and_the_report_still_says_that_nobody_looked() -> None:
    stage = Stage(on_failure=Action.DELIVER)
    reply = await played(stage, "a@example.org", entry(Effect.BLOCK, "example.org"))
    assert reply.text.startswith("250 2.0.0 Held by Macrogate as ")
    assert stage.diary == ["scan", "keep"]
    assert (stage.event["verdict"], stage.event["rule"]) == ("unscannable", "exception")
    assert stage.event["exceptions"] == [{"id": "00000000aa", "effect": "block"}]


async def test_a_sender_whom_the_policy_refuses_is_refused() -> None:
    stage = Stage(on_failure=Action.DELIVER)
    assert (await played(stage, "shop@offers.test")).code == 550
    assert (stage.diary, stage.event["rule"]) == (["scan"], "no-offers")


@pytest.mark.parametrize(
    ("sender", "entries"),
    [
        ("a@example.org", ()),
        ("a@example.org", (entry(Effect.BLOCK, "other.test"),)),
        ("a@example.org", (entry(Effect.BLOCK, "example.org", "carol@example.net"),)),
        ("a@example.org", (entry(Effect.ALLOW, "example.org"),)),
        ("boss@example.org", ()),
    ],
)
async def test_everybody_else_passes_and_the_mark_says_unexamined(sender: str, entries: tuple[Entry, ...]) -> None:
    stage = Stage(on_failure=Action.DELIVER)
    assert (await played(stage, sender, *entries)).code == 250
    assert stage.diary == ["scan", "deliver"]
    assert b"X-Macrogate: verdict=unscannable; action=deliver; rule=on-failure; id=" in stage.delivered


async def test_who_is_named_in_from_is_blocked_where_signatures_are_verified() -> None:
    stage = Stage(on_failure=Action.DELIVER)
    block = entry(Effect.BLOCK, "evil.test")
    await played(stage, "a@example.org", block)
    assert stage.diary == ["scan", "deliver"]
    stage = Stage(on_failure=Action.DELIVER)
    await played(stage, "a@example.org", block, verifier=Verifier())
    assert stage.diary == ["scan", "keep"]


@pytest.mark.parametrize("setting", [Action.DEFER, Action.QUARANTINE])
async def test_where_nothing_passes_unexamined_nobody_needs_to_be_asked(setting: Action) -> None:
    stage = Stage(on_failure=setting)
    await played(stage, "shop@offers.test")
    assert (stage.event["action"], stage.event["rule"]) == (setting, "on-failure")
