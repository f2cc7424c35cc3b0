"""The vocabulary: order of verdicts, replies on the wire, strings that survive a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import USUAL_VERDICT, Kind, Verdict
from gateway.message import MAX_INDICATORS, Finding, Reply, clip


def test_a_message_is_as_bad_as_its_worst_part() -> None:
    order = ["clean", "macro", "suspicious", "unscannable", "autoexec"]

    assert [verdict.label for verdict in sorted(Verdict)] == order
    assert max(Verdict.MACRO, Verdict.AUTOEXEC, Verdict.CLEAN) is Verdict.AUTOEXEC
    assert [Verdict.of(label) for label in order] == sorted(Verdict)


def test_every_kind_has_a_usual_verdict() -> None:
    assert set(USUAL_VERDICT) == set(Kind)


def test_a_finding_is_safe_to_print() -> None:
    finding = Finding.of(Kind.CORRUPT, "1/\x1b[31mred\r\n", "a\x00b" + "x" * 600, excerpt="Sub A()\n\tEnd\x07")

    assert finding.where == "1/?[31mred??"
    assert finding.detail.startswith("a?b")
    assert len(finding.detail) == 500
    assert finding.excerpt == "Sub A()\n\tEnd?"


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("is damaged", "Is damaged"),
        ("Is damaged", "Is damaged"),
        ("a.doc is damaged", "a.doc is damaged"),
        ("'a b.doc' is damaged", "'a b.doc' is damaged"),
        ("uBlock is damaged", "uBlock is damaged"),
        ("été is damaged", "été is damaged"),
        ("name", "name"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_and_a_name_stays_as_it_is(detail: str, told: str) -> None:
    assert Finding.of(Kind.CORRUPT, "1", detail).detail == told


def test_a_finding_is_bounded_however_much_there_is_to_tell() -> None:
    finding = Finding.of(
        Kind.VBA_AUTOEXEC, "2", "x", fingerprint="f" * 100, indicators=("a\nb" * 200 for _ in range(99))
    )

    assert len(finding.fingerprint) == 64
    assert len(finding.indicators) == MAX_INDICATORS
    assert {len(text) for text in finding.indicators} == {300}
    assert finding.indicators[0].startswith("a?ba?b")


@given(st.text(), st.integers(1, 40))
def test_clip_is_printable_and_bounded(text: str, limit: int) -> None:
    shown = clip(text, limit)

    assert shown.isprintable()
    assert len(shown) <= limit


@pytest.mark.parametrize(
    ("reply", "wire"),
    [
        (Reply.of("250 2.0.0 Ok"), b"250 2.0.0 Ok\r\n"),
        (Reply(250, (b"mx", b"SIZE 1", b"DSN")), b"250-mx\r\n250-SIZE 1\r\n250 DSN\r\n"),
        (Reply(220), b"220 \r\n"),
    ],
)
def test_a_reply_on_the_wire(reply: Reply, wire: bytes) -> None:
    assert reply.wire == wire


def test_a_reply_for_people_is_one_printable_line() -> None:
    assert Reply(550, (b"5.1.1 no\r\n\x1b", b"\xff")).text == "550 5.1.1 no??? / \ufffd"
    assert not Reply(451).positive
    assert Reply(252).positive
