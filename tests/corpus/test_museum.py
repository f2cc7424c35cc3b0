"""The Emotet museum: the ways it came, from 2014 to 2023, are stopped by the default policy and explained."""

from datetime import UTC, datetime

import pytest

from gateway.closed_sets import Action, Kind, Verdict
from gateway.message import Client, Envelope, Transaction
from gateway.policy import Policy
from tests.corpus import test_corpus as corpus

ROOMS = [folder for folder in corpus.FOLDERS if folder.name.startswith("emotet-")]
POLICY = Policy.load(corpus.RULES.parent / "policy.toml")
STOPPED = {Action.QUARANTINE, Action.REJECT, Action.STRIP, Action.DISARM}
WITH_CODE = {Kind.VBA_AUTOEXEC, Kind.XLM_AUTOEXEC}


def action(report) -> Action:
    transaction = Transaction("x", "smtp", Client(), Envelope("a@example.com", ()), 1, datetime.now(UTC))
    return POLICY.decide(transaction, report).action


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_every_wave_is_stopped_and_explained_and_its_twin_passes(room):
    purposes = set()
    for name, report in corpus.reports_of(room).items():
        purpose = corpus.purpose(name)
        purposes.add(purpose)
        if purpose == "clean":
            assert report.verdict is Verdict.CLEAN, f"{name}: {corpus.shown(report)}"
            assert action(report) is Action.DELIVER
            continue
        assert action(report) in STOPPED, f"{name}: {corpus.shown(report)}"
        worst = [finding for finding in report.findings if finding.verdict is report.verdict]
        assert all(finding.where.startswith("2/") and finding.detail for finding in worst), worst
        assert all(finding.reference for finding in worst if finding.kind in WITH_CODE), worst
    assert purposes == {"armed", "clean"}


def test_the_museum_spans_the_years():
    years = {int(room.name.split("-")[1]) for room in ROOMS}
    assert years >= {2014, 2015, 2017, 2018, 2019, 2020, 2021, 2022, 2023}
    assert len(ROOMS) >= 20
