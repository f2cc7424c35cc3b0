"""The mail log: one line a fact, whatever a stranger wrote, and never an exception."""

import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway import samples
from gateway.closed_sets import Action, Kind, Verdict
from gateway.events import Line, MailLog
from gateway.message import (
    Client,
    Decision,
    Envelope,
    Finding,
    Headline,
    Outcome,
    Recipient,
    Reply,
    Report,
    Transaction,
)
from gateway.scan import Limits, examine
from tests.makers import locks, mail
from tests.makers.looks import RULES


def outcome(**changes: object) -> Outcome:
    transaction = Transaction(
        id="abc",
        listener="smtp",
        client=Client(address="192.0.2.1", helo="evil\r\nhelo\x1b[31m"),
        envelope=Envelope("a\n@example.org", (Recipient("b@example.net"),)),
        size=10,
        received=datetime(2026, 1, 1, tzinfo=UTC),
    )
    finding = Finding.of(Kind.VBA_AUTOEXEC, "2/a.docm", "Sub AutoOpen")
    report = Report(Verdict.AUTOEXEC, (finding,), headline=Headline(subject="Invoice"))
    decision = Decision(Action.QUARANTINE, "autoexec", "Runs by itself")
    return Outcome(transaction, report, decision, Reply.of("250 2.0.0 Held"), "0123", {"scan": 0.123456, "total": 0.2})


def test_one_message_is_one_line_that_explains_it() -> None:
    stream = io.StringIO()
    MailLog(stream).message(outcome())
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)

    assert event["event"] == "message"
    assert event["action"] == "quarantine"
    assert event["verdict"] == "autoexec"
    assert event["rule"] == "autoexec"
    assert event["held"] == "0123"
    assert event["subject"] == "Invoice"
    assert event["findings"] == [{"kind": "vba-autoexec", "where": "2/a.docm", "detail": "Sub AutoOpen"}]
    assert event["seconds"] == {"scan": 0.1235, "total": 0.2}
    assert event["helo"] == "evil??helo?[31m"
    assert event["sender"] == "a?@example.org"


def test_a_closed_log_costs_no_mail() -> None:
    stream = io.StringIO()
    log = MailLog(stream)
    stream.close()
    log.message(outcome())
    log.reloaded(ok=False, why="x")

    assert log.dropped == 2


def test_text_for_people_and_levels() -> None:
    stream = io.StringIO()
    log = MailLog(stream, format="text", level="error")
    log.started(listen="127.0.0.1:25")
    log.worker_died("timeout", "job 1")

    (line,) = stream.getvalue().splitlines()
    assert "worker-died" in line
    assert "timeout" in line


def test_every_fact_has_its_line() -> None:
    stream = io.StringIO()
    log = MailLog(stream)
    transaction = outcome().transaction
    log.keep_failed(transaction, "no space")
    log.session_refused(Client(address="192.0.2.1"), "too many")
    log.client_gone(transaction, Reply.of("250 ok"))
    log.poison("00")
    log.hop_failed("127.0.0.1:25", "refused")
    log.reloaded(ok=True)
    log.stopped()
    log.notice("jail", missing=["landlock"])

    names = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert names == [
        "keep-failed",
        "session-refused",
        "client-gone",
        "poison",
        "next-hop-failed",
        "reloaded",
        "stopped",
        "jail",
    ]


class Also:
    """A further receiver."""

    name, lost, waiting = "file", 0, 0

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def put(self, line: Line) -> None:
        self.lines.append(line)


@pytest.mark.parametrize("format", ["json", "text"])
def test_further_receivers_get_json_whatever_stderr_gets(format: str) -> None:  # noqa: A002 - the setting's own name
    stream, also = io.StringIO(), Also()
    log = MailLog(stream, format=format, level="warning", also=[also])
    log.started()
    log.worker_died("timeout", "job 1")

    (line,) = also.lines
    event = json.loads(line.text)
    assert (line.level, line.event, line.timestamp) == ("error", "worker-died", event["timestamp"])
    assert event["detail"] == "job 1"
    assert (line.text + "\n" == stream.getvalue()) is (format == "json")


def test_a_subject_can_be_told_from_another_without_being_told() -> None:
    stream = io.StringIO()
    log = MailLog(stream, hash_subjects=True)
    log.message(outcome())
    whole = outcome()
    log.message(replace(whole, report=replace(whole.report, headline=Headline(subject=""))))

    subjects = [json.loads(line)["subject"] for line in stream.getvalue().splitlines()]
    assert subjects == [f"sha256:{hashlib.sha256(b'Invoice').hexdigest()}", ""]


HOSTILE = ("\r\nevent=message", "\x1b]0;title\x07", "\u2028", "\x85", "\udcff", "x" * 2**20)
"""Line ends, escapes, halves of characters, too much."""


@pytest.mark.parametrize("evil", HOSTILE)
@pytest.mark.parametrize("format", ["json", "text"])
def test_what_strangers_write_stays_one_bounded_line(evil: str, format: str) -> None:  # noqa: A002 - as above
    stream = io.StringIO()
    log = MailLog(stream, format=format)
    usual = outcome()
    client = Client(address="192.0.2.1", name=evil, helo=evil)
    envelope = Envelope(evil, (Recipient(evil),))
    log.message(replace(usual, transaction=replace(usual.transaction, client=client, envelope=envelope)))
    log.session_refused(client, evil)
    log.hop_failed("127.0.0.1:25", evil)

    text = stream.getvalue()
    assert len(text.splitlines()) == 3
    assert "\x1b" not in text
    assert len(text) < 10_000
    if format == "json":
        assert all(json.loads(line)["event"] for line in text.split("\n")[:-1])


def test_no_template_is_made_of_what_strangers_write() -> None:
    evil, stream = "%s%n{0.__class__}${jndi:ldap://x}{{7*7}}", io.StringIO()
    MailLog(stream).session_refused(Client(helo=evil), evil)
    event = json.loads(stream.getvalue())
    assert (event["helo"], event["why"]) == (evil, evil)


def test_no_password_and_no_text_of_a_message_is_in_its_event() -> None:
    """The password stands in the message and opens the document in it."""
    locked = locks.office(samples.docm_autoopen(), "Xy7bQ-secret")
    parts = [mail.text("Private words.\npassword: Xy7bQ-secret\n"), mail.part(locked, name="invoice.docm")]
    report = examine(mail.message(parts), rules=RULES, limits=Limits())
    assert {finding.kind for finding in report.findings} >= {Kind.DECRYPTED, Kind.VBA_AUTOEXEC}
    assert any("AutoOpen" in finding.excerpt for finding in report.findings)

    stream = io.StringIO()
    MailLog(stream).message(replace(outcome(), report=report))
    assert '"decrypted"' in stream.getvalue()
    for secret in ("Xy7bQ", "Private words", "Sub AutoOpen()"):
        assert secret not in stream.getvalue()
