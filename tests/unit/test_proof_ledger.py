"""The ledger of ``make proof`` sees what is lost, and excuses only twins that a cut-off attempt explains."""

from tests.proof.ledger import Ledger, Sent

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
