"""Sessions end; tries are counted; nothing grows without end."""

from __future__ import annotations

import pytest

from gateway.web import sessions
from gateway.web.sessions import IDLE, LONGEST, PENALTY, TRIES_OF_ADDRESS, TRIES_OF_NAME, Sessions, Tries, same


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_ends_when_nobody_uses_it() -> None:
    clock = Clock()
    known = Sessions(clock)
    token = known.begin("ann").token
    for _ in range(3):
        clock.now += IDLE - 1
        assert known.get(token) is not None
    clock.now += IDLE + 1
    assert known.get(token) is None


def test_a_session_ends_after_a_day_at_work() -> None:
    clock = Clock()
    known = Sessions(clock)
    token = known.begin("ann").token
    until = clock.now + LONGEST
    while clock.now + IDLE < until:
        clock.now += IDLE
        assert known.get(token) is not None
    clock.now = until + 1
    assert known.get(token) is None


def test_tokens_differ_and_strangers_have_none() -> None:
    known = Sessions()
    one, other = known.begin("ann"), known.begin("ann")
    assert len({one.token, one.form, other.token, other.form}) == 4
    assert known.get("") is None
    assert known.get("x" * 43) is None
    known.end(one.token)
    assert known.get(one.token) is None
    assert known.get(other.token) is not None


def test_there_is_an_end_to_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 3)
    clock = Clock()
    known = Sessions(clock)
    tokens = []
    for _ in range(5):
        clock.now += 1
        tokens.append(known.begin("ann").token)
    assert [known.get(token) is not None for token in tokens] == [False, False, True, True, True]


def test_wrong_passwords_from_one_address_are_stopped_and_forgotten() -> None:
    clock = Clock()
    tries = Tries(clock)
    for _ in range(TRIES_OF_ADDRESS):
        assert tries.may("ann", "192.0.2.1")
        tries.wrong("ann", "192.0.2.1")
    assert not tries.may("ann", "192.0.2.1")
    assert not tries.may("bob", "192.0.2.1")
    assert tries.may("ann", "192.0.2.2")
    tries.right("ann")
    assert not tries.may("ann", "192.0.2.1")
    clock.now += PENALTY + 1
    assert tries.may("ann", "192.0.2.1")


def test_many_addresses_do_not_get_more_tries_on_one_name() -> None:
    tries = Tries(Clock())
    for number in range(TRIES_OF_NAME):
        assert tries.may("ann", f"192.0.2.{number}")
        tries.wrong("ann", f"192.0.2.{number}")
    assert not tries.may("ann", "198.51.100.1")
    assert tries.may("bob", "198.51.100.1")


def test_secrets_are_compared() -> None:
    assert same("a", "a")
    assert not same("a", "b")
    assert not same("", "é\udcff")
