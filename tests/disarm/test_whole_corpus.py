"""Every file of the corpus that is not clean: what disarming makes of it is clean, or nothing is made of it.

How many of each type come out is printed, and nothing is asked of that number here.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from gateway.closed_sets import Verdict
from gateway.scan import Limits, disarm, examine, sniff
from gateway.scan.disarm import CannotDisarm, Disarmed
from gateway.scan.passwords import Passwords
from tests.corpus.test_corpus import FOLDERS, files_of, reports_of, rules

MESSAGES = (".eml", ".mbox")
"""Whole messages are the affair of the rewrite."""


def armed() -> Iterator[tuple[str, bytes]]:
    for folder in FOLDERS:
        for name, content in files_of(folder).items():
            if not name.endswith(MESSAGES) and reports_of(folder)[name].verdict is not Verdict.CLEAN:
                yield name, content


def outcome(content: bytes, name: str, passwords: Passwords) -> Disarmed | str:
    """The result, or the sentence that says why there is none."""
    try:
        return disarm.disarm(content, name, rules=rules(), limits=Limits(), passwords=passwords)
    except CannotDisarm as refusal:
        return str(refusal)


def test_what_comes_out_is_clean_or_nothing_comes_out(capsys: pytest.CaptureFixture[str]) -> None:
    done: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for name, content in armed():
        kind = sniff.sniff(content)
        tried[kind] += 1
        passwords = Passwords(Limits().seconds)
        result = outcome(content, name, passwords)
        if isinstance(result, str):
            assert result.strip(), f"{name}: refused without a word"
            assert result.isprintable(), f"{name}: refused with letters that a terminal obeys"
            continue
        known = tuple(candidate.text for candidate in passwords.opened)
        report = examine(result.content, rules=rules(), limits=Limits(), name=result.name, mail=False, passwords=known)
        assert report.verdict is Verdict.CLEAN, f"{name}: {report.findings}"
        assert result.content != content
        assert result.removed, f"{name}: what was removed is not told"
        done[kind] += 1
    assert done
    told = ", ".join(f"{kind} {done[kind]}/{count}" for kind, count in sorted(tried.items()))
    with capsys.disabled():
        sys.stdout.write(f"\ndisarmed: {told}\n")
