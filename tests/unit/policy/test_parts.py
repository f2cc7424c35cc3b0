"""What is left of a report when a rule has decided about some of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.message import Finding, Part, Report
from gateway.policy.parts import Match, enclosing, is_within, numbers, stripped, without

PLACES = st.sampled_from(["1", "2", "2/a", "2/a/b", "2.1", "2.1/c", "20", "message"])
FINDINGS = st.builds(lambda kind, where: Finding.of(kind, where, "x"), st.sampled_from(Kind), PLACES)
PARTS = st.builds(lambda where, verdict: Part(where, FileType.DOC, 1, "", verdict), PLACES, st.sampled_from(Verdict))


def test_paths() -> None:
    assert list(enclosing("2/a.zip/b.doc")) == ["2/a.zip/b.doc", "2/a.zip", "2"]
    assert is_within("2/a/b", frozenset({"2/a"}))
    assert not is_within("2/ab", frozenset({"2/a"}))
    assert not is_within("20", frozenset({"2"}))


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["2/a", "2/b", "3"], ("2", "3")),
        (["2.1/a", "2"], ("2",)),
        (["2.1.3", "2.1.1", "20"], ("2.1.3", "2.1.1", "20")),
        ([], ()),
    ],
)
def test_numbers(paths: list[str], expected: tuple[str, ...]) -> None:
    assert numbers(paths) == expected


def test_part_keeps_what_no_finding_explains() -> None:
    finding = Finding.of(Kind.DDE, "2", "x")
    worse = Part("2", FileType.DOC, 1, "", Verdict.AUTOEXEC)
    assert without(Report(Verdict.AUTOEXEC, (finding,), (worse,)), Match((finding,))).verdict is Verdict.AUTOEXEC
    same = Part("2", FileType.DOC, 1, "", Verdict.SUSPICIOUS)
    assert without(Report(Verdict.SUSPICIOUS, (finding,), (same,)), Match((finding,))).verdict is Verdict.CLEAN


def test_stripped_part_goes_with_all_that_is_in_it() -> None:
    parts = tuple(Part(where, FileType.DOC, 1, "", Verdict.MACRO) for where in ("2", "2/a", "2.1", "20", "3"))
    left = stripped(Report(Verdict.MACRO, (), parts), Match(parts=parts[1:2]))
    assert [part.where for part in left.parts] == ["20", "3"]


@settings(max_examples=100)
@given(st.lists(FINDINGS, max_size=6), st.lists(PARTS, max_size=4), st.data())
def test_what_is_left_was_there_and_never_grows_worse(
    findings: list[Finding], parts: list[Part], data: st.DataObject
) -> None:
    worst = max((entry.verdict for entry in (*findings, *parts)), default=Verdict.CLEAN)
    whole = Report(worst, tuple(findings), tuple(parts))
    match = Match(
        tuple(data.draw(st.lists(st.sampled_from(findings), max_size=3))) if findings else (),
        tuple(data.draw(st.lists(st.sampled_from(parts), max_size=2))) if parts else (),
    )
    for left in (without(whole, match), stripped(whole, match)):
        assert set(left.findings) <= set(whole.findings) - set(match.findings)
        assert {part.where for part in left.parts} <= {part.where for part in whole.parts}
        assert left.verdict <= whole.verdict
