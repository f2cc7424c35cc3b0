"""The mail log: one line a fact, whatever a stranger wrote, and never an exception."""

import io
import json
from datetime import UTC, datetime

from gateway.events import MailLog
from gateway.message import (
    Action,
    Client,
    Decision,
    Envelope,
    Finding,
    Headline,
    Kind,
    Outcome,
    Recipient,
    Reply,
    Report,
    Transaction,
    Verdict,
)


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
