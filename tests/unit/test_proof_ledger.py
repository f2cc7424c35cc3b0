"""The ledger of ``make proof`` sees what is lost, and excuses only twins that a cut-off attempt explains."""

import pytest

from tests.proof.copies import ARMED, SEAL, identify, identify_changed, seal
from tests.proof.ledger import Ledger, Release, Sent

TAKEN, REFUSED = "250 2.0.0 Ok", "550 5.1.1 No"


def ledger(**sent: Sent) -> Ledger:
    made = Ledger("x")
    made.sent.update(sent)
    return made


def test_everything_found_its_place() -> None:
    balance = ledger(a=Sent(TAKEN, 1), b=Sent(TAKEN, 2), c=Sent(REFUSED, 1)).balance({"a": 1}, {"b": 1})
    assert balance.balanced
    assert (balance.delivered, balance.held, balance.refused, balance.twins, balance.attempts) == (1, 1, 1, 0, 4)
    assert balance.sentence().startswith("balanced: 3 sent in 4 attempts = 1 delivered, 1 held, 1 refused")


def test_what_was_taken_and_is_nowhere_is_lost() -> None:
    balance = ledger(a=Sent(TAKEN, 1)).balance({}, {})
    assert balance.lost == ("a",)
    assert "NOT BALANCED" in balance.sentence()
    assert "1 LOST: a" in balance.sentence()


def test_a_twin_needs_an_attempt_that_was_cut_off() -> None:
    assert ledger(a=Sent(TAKEN, 2, unclear=1)).balance({"a": 2}, {}).balanced
    assert ledger(a=Sent(TAKEN, 2, put_off=1)).balance({"a": 1}, {"a": 1}).twins == 1
    assert ledger(a=Sent(TAKEN, 2)).balance({"a": 2}, {}).unexplained == ("a",)
    assert ledger(a=Sent(TAKEN, 2, unclear=1)).balance({"a": 3}, {}).unexplained == ("a",)


def test_what_was_refused_is_nowhere() -> None:
    assert ledger(a=Sent(REFUSED, 1)).balance({"a": 1}, {}).refused_and_taken == ("a",)


def test_what_waits_and_what_nobody_sent() -> None:
    balance = ledger(a=Sent()).balance({"b": 1}, {})
    assert balance.waiting == ("a",)
    assert balance.unknown == ("b",)


@pytest.mark.parametrize(
    ("release", "delivered", "twins", "balanced"),
    [
        (Release(1, 1), 1, 0, True),
        (Release(1, 1), 0, 0, False),  # it said that it had sent it
        (Release(2, 1), 2, 1, True),  # the first was cut off
        (Release(1, 1), 2, 1, False),
        (Release(1, 0), 0, 0, True),
    ],
)
def test_a_release_is_one_copy_more_and_a_second_needs_one_that_was_cut_off(
    release: Release, delivered: int, twins: int, balanced: bool
) -> None:
    made = ledger(a=Sent(TAKEN, 1))
    made.releases["a"] = release
    balance = made.balance({"a": delivered} if delivered else {}, {"a": 1})
    assert (balance.balanced, balance.twins, balance.released) == (balanced, twins, release.done)


def sealed(body: bytes, more: str = "") -> bytes:
    mark = seal(b"Subject: x\r\n\r\n" + body)
    return f"Message-ID: <a@x>\r\n{SEAL}: {mark}\r\n{more}\r\n".encode() + body


def test_a_copy_counts_when_its_body_is_the_one_that_was_sent() -> None:
    whole = sealed(b"one\r\ntwo\r\n")
    assert identify(whole) == "a@x"
    assert identify(b"Received: by x\n" + whole.replace(b"\r\n", b"\n")) == "a@x"
    assert identify(whole[:-5]) == "a@x (damaged)"
    assert identify(whole.replace(b"Message-ID: <a@x>\r\n", b"")) == "?"


def test_where_macros_are_taken_out_a_copy_with_them_does_not_count() -> None:
    armed = sealed(b"macros\r\n", f"{ARMED}\r\n")
    assert identify_changed(armed) == "a@x (with its macros)"
    assert identify_changed(armed.replace(b"macros", b"a notice")) == "a@x"
    assert identify_changed(sealed(b"text\r\n")) == "a@x"
    assert identify_changed(sealed(b"text\r\n")[:-4]) == "a@x (damaged)"
