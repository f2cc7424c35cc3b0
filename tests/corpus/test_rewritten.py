"""Every armed mail of the corpus through a rewrite: disarmed, stripped or refused, and only the chosen parts change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.closed_sets import Action, Verdict
from gateway.message import Span
from gateway.scan import Limits, examine, mime
from gateway.scan.budget import Budget
from gateway.scan.notice import Facts
from gateway.scan.rewrite import RewriteFailed, Setting, Wanted, apply, rewrite
from gateway.scan.wording import LANGUAGES
from tests.corpus.test_corpus import FOLDERS, files_of, reports_of, rules

_NUMBER = re.compile(r"[1-9]\d*(\.[1-9]\d*)*")


def has_mails(folder: Path) -> bool:
    """By what is expected of it: to make the files takes long for somebody who runs another test."""
    expected = folder / "expected.json"
    return expected.exists() and '.eml": {' in expected.read_text("utf-8")


MAILS = [folder for folder in FOLDERS if has_mails(folder)]


def places(data: bytes, targets: set[str]) -> list[Span]:
    """Where the bytes of the parts of these numbers are, headers included."""
    tree = mime.parse(data, Budget(Limits()))
    return [Span(one.header.start, one.body.end) for one in tree.walk() if one.number in targets]


@pytest.mark.parametrize("folder", MAILS, ids=lambda folder: folder.name)
def test_what_is_changed_is_clean_and_the_rest_is_as_it_was(folder: Path) -> None:
    for name, data in files_of(folder).items():
        report = reports_of(folder)[name]
        bad = [found.where.partition("/")[0] for found in report.findings if found.verdict is not Verdict.CLEAN]
        targets = {number for number in bad if _NUMBER.fullmatch(number)}
        if not name.endswith(".eml") or not targets:
            continue
        wanted = Wanted(Facts("it is armed", "0" * 16), disarm=tuple(sorted(targets)))
        try:
            edits = rewrite(data, wanted, Setting(rules(), Limits(), LANGUAGES["en"]))
        except RewriteFailed:
            continue  # held
        spans = places(data, targets)
        for splice in edits.splices:
            assert any(span.start <= splice.span.start <= splice.span.end <= span.end for span in spans), name
        assert {change.part for change in edits.changes} == targets
        assert {change.action for change in edits.changes} <= {Action.DISARM, Action.STRIP}
        changed = apply(data, edits)
        left = set(bad) - targets
        if not left:
            assert examine(changed, rules=rules(), limits=Limits()).verdict is Verdict.CLEAN, name
