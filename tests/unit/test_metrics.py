"""Metrics: closed label sets, good names, nothing global."""

import random
import re

from prometheus_client import generate_latest

from gateway.closed_sets import Action, FileType, Kind, Verdict
from gateway.message import Client, Decision, Envelope, Finding, Outcome, Part, Recipient, Reply, Report, Transaction
from gateway.metrics import Metrics
from tests.unit.test_events import outcome


def test_two_gateways_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.message(outcome())

    assert b'macrogate_messages_total{action="quarantine",listener="smtp"} 1.0' in generate_latest(first.registry)
    assert b'macrogate_messages_total{action="quarantine",listener="smtp"} 0.0' in generate_latest(second.registry)


def _random_outcome(chance: random.Random) -> Outcome:
    def words() -> str:
        return "".join(chance.choices('abc\n"\\{}é', k=8))

    usual = outcome().transaction
    transaction = Transaction(
        id=words(),
        listener="smtp",
        client=Client(address=words(), helo=words()),
        envelope=Envelope(words(), (Recipient(words()),)),
        size=chance.randrange(10**6),
        received=usual.received,
    )
    findings = tuple(Finding.of(chance.choice(list(Kind)), words(), words()) for _ in range(3))
    parts = (Part(words(), chance.choice(list(FileType)), 1, words(), chance.choice(list(Verdict))),)
    report = Report(chance.choice(list(Verdict)), findings, parts)
    decision = Decision(chance.choice(list(Action)), chance.choice(["one", "two"]), words(), shadow=("three",))
    return Outcome(
        transaction, report, decision, Reply.of("250 ok"), words(), {"scan": 0.1, "deliver": 0.1, "total": 1}
    )


def test_strangers_cannot_make_series() -> None:
    metrics = Metrics()
    chance = random.Random(1)
    for _ in range(5_000):
        metrics.message(_random_outcome(chance))
    settled = len(generate_latest(metrics.registry).splitlines())
    for _ in range(5_000):
        metrics.message(_random_outcome(chance))

    assert len(generate_latest(metrics.registry).splitlines()) == settled


def test_names_are_as_prometheus_asks() -> None:
    text = generate_latest(Metrics().registry).decode()
    names = set(re.findall(r"^# TYPE (macrogate_\S+) (\S+)$", text, re.MULTILINE))

    assert names
    for name, kind in names:
        if kind == "counter":
            assert name.endswith("_total"), name
        assert re.fullmatch(r"[a-z_]+", name), name


def _with(*findings: Finding, rule: str = "r", action: Action = Action.QUARANTINE) -> Outcome:
    usual = outcome()
    report = Report(Verdict.AUTOEXEC, findings)
    return Outcome(usual.transaction, report, Decision(action, rule, "w"), usual.reply, seconds={"total": 0.1})


def test_triggers_are_counted_by_message_and_only_known_ones_by_name() -> None:
    metrics = Metrics()
    metrics.know_triggers(["word-auto-open", "excel-auto-open"])
    found = Finding.of(Kind.VBA_AUTOEXEC, "2/a.docm", "x", reference="word-auto-open")
    again = Finding.of(Kind.VBA_AUTOEXEC, "3/b.docm", "x", reference="word-auto-open")
    odd = Finding.of(Kind.XLM_AUTOEXEC, "4", "x", reference="what a worker says")
    rule = Finding.of(Kind.YARA, "4", "x", reference="excel-auto-open")
    metrics.message(_with(found, again, odd, rule))
    text = generate_latest(metrics.registry).decode()
    assert 'macrogate_triggers_total{trigger="word-auto-open"} 1.0' in text
    assert 'macrogate_triggers_total{trigger="excel-auto-open"} 0.0' in text
    assert 'macrogate_triggers_total{trigger="other"} 1.0' in text
    assert "what a worker says" not in text


def test_campaigns_are_told_by_rank() -> None:
    metrics = Metrics()
    for name, count in (("a" * 64, 3), ("b" * 64, 5)):
        for _ in range(count):
            metrics.message(_with(Finding.of(Kind.VBA_AUTOEXEC, "2", "x", fingerprint=name)))
    metrics.refresh_campaigns()
    text = generate_latest(metrics.registry).decode()
    assert "macrogate_campaigns 2.0" in text
    assert [f'rank="{rank}"}} {size}.0' in text for rank, size in ((1, 5), (2, 3), (3, 0), (10, 0))] == [True] * 4


def test_a_message_without_a_verdict_is_counted_by_what_was_done() -> None:
    metrics = Metrics()
    metrics.message(_with(rule="on-failure", action=Action.DELIVER))
    assert 'macrogate_unexamined_total{action="deliver"} 1.0' in generate_latest(metrics.registry).decode()
