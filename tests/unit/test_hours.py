"""What is counted by the hour, and that it stays small whatever the clock does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Action
from gateway.hours import HOUR, HOURS, Fate, Hours, Mishap, fate
from gateway.message import Decision, Reply
from gateway.metrics import Metrics
from tests.unit.test_events import outcome


class Clock:
    def __init__(self, now: float = 1000 * HOUR) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("action", "reply", "became"),
    [
        (Action.DELIVER, "250 ok", Fate.PASSED),
        (Action.DELIVER, "451 later", Fate.DEFERRED),
        (Action.DELIVER, "554 no", Fate.REFUSED),
        (Action.TAG, "250 ok", Fate.TAGGED),
        (Action.STRIP, "250 ok", Fate.DISARMED),
        (Action.DISARM, "250 ok", Fate.DISARMED),
        (Action.DISARM, "452 no room", Fate.DEFERRED),
        (Action.QUARANTINE, "250 held", Fate.HELD),
        (Action.QUARANTINE, "452 no room", Fate.DEFERRED),
        (Action.REJECT, "550 no", Fate.REFUSED),
        (Action.DEFER, "451 later", Fate.DEFERRED),
    ],
)
def test_what_the_client_was_told_is_what_became_of_it(action: Action, reply: str, became: Fate) -> None:
    one = replace(outcome(), decision=Decision(action, "rule", "why"), reply=Reply.of(reply))
    assert fate(one) is became


def test_every_action_has_a_fate_where_the_next_hop_takes_it() -> None:
    for action in Action:
        assert fate(replace(outcome(), decision=Decision(action, "rule", "why"), reply=Reply.of("250 ok"))) in Fate


def test_hours_move_on_and_are_forgotten_after_a_day() -> None:
    clock = Clock()
    hours = Hours(clock)
    hours.count(Fate.HELD, 3)
    assert hours.of(Fate.HELD) == (0,) * 23 + (3,)
    clock.now += 2 * HOUR
    hours.count(Fate.HELD)
    assert hours.of(Fate.HELD) == (0,) * 21 + (3, 0, 1)
    assert hours.lately(Fate.HELD) == 1
    clock.now += 21 * HOUR
    assert hours.of(Fate.HELD)[:3] == (3, 0, 1)
    clock.now += HOUR
    assert sum(hours.of(Fate.HELD)) == 1


def test_it_says_since_when_it_counts_and_when_the_last_message_came() -> None:
    clock = Clock(86400.0)
    hours = Hours(clock)
    assert (hours.since, hours.last) == (datetime(1970, 1, 2, tzinfo=UTC), None)
    clock.now += 60
    hours.message(outcome())
    assert hours.last == datetime(1970, 1, 2, 0, 1, tzinfo=UTC)
    assert hours.since == datetime(1970, 1, 2, tzinfo=UTC)
    assert sum(map(sum, (hours.of(one) for one in Fate))) == 1


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=200))
def test_a_clock_that_jumps_costs_no_memory_and_invents_nothing(jumps: list[int]) -> None:
    clock = Clock()
    hours = Hours(clock)
    for now in jumps:
        clock.now = float(now)
        hours.count(Fate.PASSED)
    assert len(hours._counts) <= HOURS
    assert 1 <= sum(hours.of(Fate.PASSED)) <= len(jumps)


def test_the_gateway_counts_what_goes_wrong() -> None:
    metrics = Metrics()
    metrics.worker_died("crash")
    metrics.not_kept()
    for action in (Action.DELIVER, Action.DEFER):
        metrics.message(replace(outcome(), decision=Decision(action, "on-failure", "no verdict")))
    assert [metrics.hours.lately(one) for one in Mishap] == [1, 1, 1, 0]
    assert metrics.registry.get_sample_value("macrogate_worker_deaths_total", {"reason": "crash"}) == 1
    assert metrics.registry.get_sample_value("macrogate_keep_failures_total") == 1
