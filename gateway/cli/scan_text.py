"""How ``macrogate scan`` tells a result: a line a file, a page with ``-v``, an object with ``--json``.

Contract: every string that came from the file is printable and bounded. The keys of ``as_object`` are relied on by
other programs: keys may come, none may go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import click

from gateway.cli import finding_text
from gateway.cli.quarantine_text import size as shown_size
from gateway.closed_sets import Verdict
from gateway.message import Decision, Finding, Part, Report, clip

COLOURS = {Verdict.CLEAN: "green", Verdict.MACRO: "yellow", Verdict.SUSPICIOUS: "yellow"}


def brief(path: str, report: Report, decision: Decision) -> Iterator[str]:
    """One line for the file and one for each finding."""
    why = f" ({decision.why})" if report.findings else ""
    yield f"{clip(path, 1000)}: {_coloured(report.verdict)}, {decision.action.value}{clip(why, 500)}"
    for finding in report.findings:
        yield f"    {finding.kind.value}  {finding.where}  {finding.detail}"


def page(path: str, size: int, report: Report, decision: Decision) -> Iterator[str]:
    """Everything that explains the verdict: which part, which macro, what is in it, which rule decides."""
    yield click.style(clip(path, 1000), bold=True)
    yield f"  {_coloured(report.verdict)}, {decision.action.value}: {clip(decision.why, 500)} (rule {decision.rule})"
    yield f"  {shown_size(size)}, sha256 {report.sha256}, looked into in {report.seconds * 1000:.1f} ms"
    parts = {part.where: part for part in report.parts}
    for where, findings in groupby(report.findings, key=lambda finding: finding.where):
        yield ""
        yield f"  {_place(where, parts.get(where))}"
        for finding in findings:
            yield from (f"  {line}" for line in finding_text.lines(finding))
    quiet = Counter(part.type.value for part in report.parts if part.verdict is Verdict.CLEAN)
    if quiet:
        yield ""
        yield f"  Nothing found in: {', '.join(f'{count} {kind}' for kind, count in quiet.items())}"
    yield ""


def as_object(path: str, size: int, report: Report, decision: Decision) -> dict[str, Any]:
    """What ``--json`` says about one file."""
    return {
        "path": path,
        "size": size,
        "sha256": report.sha256,
        "verdict": report.verdict.label,
        "action": decision.action.value,
        "rule": decision.rule,
        "seconds": round(report.seconds, 6),
        "findings": [_finding(finding) for finding in report.findings],
        "parts": [
            {
                "where": part.where,
                "type": part.type.value,
                "size": part.size,
                "sha256": part.sha256,
                "verdict": part.verdict.label,
            }
            for part in report.parts
        ],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    """What every finding has; the rest only where there is something."""
    more = {
        "reference": finding.reference,
        "excerpt": finding.excerpt,
        "fingerprint": finding.fingerprint,
        "indicators": list(finding.indicators),
    }
    return {
        "kind": finding.kind.value,
        "where": finding.where,
        "detail": finding.detail,
        "verdict": finding.verdict.label,
        **{name: value for name, value in more.items() if value},
    }


def _place(where: str, part: Part | None) -> str:
    known = f"   {part.type.value}, {shown_size(part.size)}, {_coloured(part.verdict)}" if part else ""
    return click.style(clip(where, 500), bold=True) + known


def _coloured(verdict: Verdict) -> str:
    return click.style(verdict.label, fg=COLOURS.get(verdict, "red"))
