"""A message in a message: parts are handed on under their numbers, doubts are told with the right weight."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Kind, Verdict
from gateway.scan import Limits, examine
from gateway.scan.containers import mail
from tests.makers.looks import RULES, SHORTCUT, look
from tests.makers.mail import encode, message, part, raw, single, text


def test_parts_are_handed_on_decoded_under_number_and_name() -> None:
    data = message([text("hello\n"), part(SHORTCUT, name="a/b.lnk"), part(b"x=y", coding="quoted-printable")])
    assert look(mail.unpack, data).handed == [("1", b"hello\r\n"), ("2/a_b.lnk", SHORTCUT), ("3", b"x=y")]


def test_a_part_is_handed_on_once_for_each_coding() -> None:
    data = raw("Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\n") + encode(b"hello", "base64")
    notes = look(mail.unpack, data)
    assert [content for _, content in notes.handed] == [b"hello", encode(b"hello", "base64")]
    assert notes.verdicts == [Verdict.CLEAN]


@pytest.mark.parametrize(
    ("content", "verdict"),
    [(b"only text", Verdict.CLEAN), (SHORTCUT, None)],
)
def test_a_doubt_weighs_as_much_as_what_is_behind_it(content: bytes, verdict: Verdict | None) -> None:
    data = raw("Content-Type: text/plain\nContent-Type: image/png\n\n") + content
    notes = look(mail.unpack, data)
    assert notes.kinds == {Kind.MIME_AMBIGUOUS}
    assert notes.verdicts == [verdict]


def test_a_file_between_the_parts_is_a_doubt_itself() -> None:
    notes = look(mail.unpack, message([text()], preamble=SHORTCUT + bytes(100) + b"\r\n"))
    assert ("message/between parts", SHORTCUT + bytes(100)) in notes.handed
    assert (Kind.MIME_AMBIGUOUS, "x/message") in [found[:2] for found in notes.found]


def test_the_usual_sentence_between_the_parts_is_not_looked_at() -> None:
    notes = look(mail.unpack, message([text()], preamble=b"This is a multi-part message in MIME format.\r\n"))
    assert [name for name, _ in notes.handed] == ["1"]


def test_an_unfinished_multipart_is_told_and_clean() -> None:
    notes = look(mail.unpack, message([part(SHORTCUT)])[:-30])
    assert notes.verdicts == [Verdict.CLEAN]


def test_decoded_bytes_are_paid_for() -> None:
    assert look(mail.unpack, single(bytes(1000), coding="base64")).budget.unpacked == 1000


def test_what_an_ordinary_message_holds_is_looked_at_once() -> None:
    data = message([text(), part(bytes(range(256)) * 99, name="a.bin"), part(SHORTCUT)])
    notes = look(mail.unpack, data)
    assert len(notes.handed) == 3
    assert notes.budget.unpacked == 256 * 99 + len(SHORTCUT)


def test_a_message_in_doubt_is_read_once_more_and_only_what_is_new_is_handed_on() -> None:
    document = samples.doc()
    seen = message([part(document, name="a.doc")])[: -len("--=_test_boundary--\r\n")]
    assert [content for _, content in look(mail.unpack, seen).handed] == [document]
    hidden = seen.replace(b"Content-Transfer", b"Content-Transfe(r")
    assert ("message/hidden/a.doc", document) in look(mail.unpack, hidden).handed


@pytest.mark.parametrize(
    ("body", "verdicts"),
    [
        (b"Content-Transfer-Encoding: base64\r\n\r\n", [None]),
        (b"some words\r\nContent-Transfer-Encoding: base64\r\n\r\n", [Verdict.CLEAN]),
    ],
)
def test_a_part_in_the_body_of_a_part(body: bytes, verdicts: list[Verdict | None]) -> None:
    data = message([b"X: y\r\n\r\n" + body + encode(samples.doc(), "base64")])
    notes = look(mail.unpack, data)
    assert notes.handed[-1][1] == samples.doc()
    assert notes.verdicts == verdicts


def test_an_attachment_before_the_parts_depends_on_what_is_in_it() -> None:
    for content, verdict in ((b"words\r\n" * 30, Verdict.CLEAN), (samples.doc(), None)):
        notes = look(mail.unpack, message([text()], preamble=part(content)))
        assert set(notes.verdicts) == {verdict}


FRAGMENTS = [
    *(b"--b\r\n", b"--b--\r\n", b"\r\n", b"\r", b"\0", b" ", b"(", b'"', b"A: b\r\n", b"words\r\n"),
    *(b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: multipart/mixed; boundary=(x)b\r\n"),
    *(b"Content-Type: message/rfc822\r\n", b"Content-Transfer-Encoding: base64\r\n", b"QUJD" * 40 + b"\r\n"),
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=4)), max_size=60))
def test_any_bytes_are_looked_at_within_the_budget(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    report = examine(data, rules=RULES, limits=Limits(max_files=200))
    assert Kind.CRASH not in {finding.kind for finding in report.findings}
    assert len(report.parts) <= 200
    assert report.seconds < 5


def test_second_readings_are_paid_for() -> None:
    levels = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\nno field\n\n--b{n}\n" for n in range(6))
    report = examine(raw(levels) + b"\r\n" + b"x" * 100_000, rules=RULES, limits=Limits(max_unpacked_size=500_000))
    assert [finding.detail for finding in report.findings if finding.kind is Kind.LIMIT] == [
        "Unpacks to more than 500000 bytes"
    ]
