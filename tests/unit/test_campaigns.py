"""One macro code is one campaign, for a day."""

from __future__ import annotations

import pytest

from gateway import campaigns
from gateway.campaigns import HOUR, Campaigns


class Clock:
    def __init__(self) -> None:
        self.now = 1e6

    def __call__(self) -> float:
        return self.now


def test_each_message_counts_once_for_each_code_in_it() -> None:
    seen = Campaigns(Clock())
    seen.seen(["a", "a", "b", ""])
    seen.seen(["a"])
    seen.seen([""])
    seen.seen([])
    assert seen.sizes() == [2, 1]


def test_a_day_later_it_is_forgotten_hour_by_hour() -> None:
    clock = Clock()
    seen = Campaigns(clock)
    seen.seen(["a"])
    clock.now += 12 * HOUR
    seen.seen(["a", "b"])
    assert seen.sizes() == [2, 1]
    clock.now += 12 * HOUR
    assert seen.sizes() == [1, 1]
    clock.now += 12 * HOUR
    assert seen.sizes() == []


def test_what_strangers_send_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "MAX_KNOWN", 10)
    seen = Campaigns(Clock())
    for number in range(100):
        seen.seen([str(number)])
    seen.seen(["3"])
    assert seen.sizes() == [2, *[1] * 9]
