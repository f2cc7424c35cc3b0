"""A report in one frame, however much the scan has to tell.

Contract: what ``encode_report`` makes is accepted by ``wire.decode_answer``. The verdict and the header lines to cut
out are never changed; of parts, findings and their excerpts the worst are kept, and ``whole`` says when some that are
not clean are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from gateway.closed_sets import Verdict
from gateway.jail.checks import WireError, require, shown, texts_of
from gateway.jail.wire import MAX_FINDINGS, MAX_FORGED, MAX_PARTS, MAX_TEXT, Examined, encode_answer
from gateway.message import Finding, Headline, Part, Report, clip

MAX_EXCERPTS: Final = 50
"""Findings that keep their excerpt and indicators, the longest text of a report by far: the worst ones."""


def encode_report(job: int, report: Report, *, grown: bool = False) -> bytes:
    """``Examined`` cut to what ``decode_answer`` accepts. The verdict stays; of too many facts the worst are kept.

    Raises ``WireError`` for more forged header lines than any header block holds.
    """
    require(len(report.forged) <= MAX_FORGED, "more forged header lines than can be cut out")
    for share in (1, 4, 16, 64):  # the longest strings of the widest characters need the last one
        frame = encode_answer(_examined(job, report, grown, share))
        if len(frame) <= MAX_TEXT:
            return frame
    raise WireError("the report does not fit into a frame")


def _examined(job: int, report: Report, grown: bool, share: int) -> Examined:
    findings = [report.findings[index] for index in _worst(report.findings, MAX_FINDINGS // share)]
    parts = [report.parts[index] for index in _worst(report.parts, MAX_PARTS // share)]
    whole = _bad(findings) == _bad(report.findings) and _bad(parts) == _bad(report.parts)
    explained = set(_worst(findings, MAX_EXCERPTS // share))
    return Examined(
        job=job,
        verdict=report.verdict,
        findings=tuple(shown(finding, index in explained) for index, finding in enumerate(findings)),
        parts=tuple(replace(part, where=clip(part.where, 500)) for part in parts),
        headline=Headline(*(clip(text, 1000) for text in texts_of(report.headline))),
        sha256=report.sha256,
        forged=report.forged,
        recalled=report.recalled,
        seconds=report.seconds,
        whole=report.whole and whole,
        grown=grown,
    )


def _bad(items: Iterable[Finding | Part]) -> int:
    return sum(item.verdict > Verdict.CLEAN for item in items)


def _worst(items: Sequence[Finding | Part], limit: int) -> list[int]:
    """Where the ``limit`` worst items are, in their order."""
    if len(items) <= limit:
        return list(range(len(items)))
    return sorted(sorted(range(len(items)), key=lambda index: -items[index].verdict)[:limit])
