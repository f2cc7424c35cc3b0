"""What of a message a rule is about, and what is left of it then.

Contract: pure functions over a report; never raise. The time they take grows with the number of findings and
parts and the depth of their paths, not with the product of the two numbers: strangers choose both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.closed_sets import Kind, Verdict
from gateway.message import Finding, Part, Report


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule is about: these findings, and these parts with all that is in them; neither: the whole message."""

    findings: tuple[Finding, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is about the message as such."""
        return not self.findings and not self.parts

    @property
    def paths(self) -> Iterator[str]:
        """Where all of it is."""
        yield from (finding.where for finding in self.findings)
        yield from (part.where for part in self.parts)


def enclosing(path: str) -> Iterator[str]:
    """``path`` and the path of everything it is in: ``2/a.zip/b.doc``, ``2/a.zip``, ``2``."""
    yield path
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def is_within(path: str, places: frozenset[str]) -> bool:
    """Whether ``path`` is one of ``places`` or in one of them."""
    return bool(places) and any(place in places for place in enclosing(path))


def bad(report: Report) -> Iterator[str]:
    """Where anything is that is not clean."""
    yield from (part.where for part in report.parts if part.verdict > Verdict.CLEAN)
    yield from (finding.where for finding in report.findings if finding.verdict > Verdict.CLEAN)


def numbers(paths: Iterable[str]) -> tuple[str, ...]:
    """The MIME part numbers of ``paths``, in order, without those that lie in another one (``2.1`` is in ``2``)."""
    found = dict.fromkeys(path.partition("/")[0] for path in paths)
    return tuple(number for number in found if not any(outer in found for outer in _outer(number)))


def _outer(number: str) -> Iterator[str]:
    while "." in number:
        number = number.rpartition(".")[0]
        yield number


def without(report: Report, match: Match) -> Report:
    """What is left to be decided about when a rule has decided about ``match``.

    A matched part goes with what was found about itself, not with what lies in it by its path: names in an archive are
    the sender's, and ``a.doc/b.doc`` may be no part of ``a.doc``. A matched finding goes alone: another one in the same
    part is another matter, and the part stays as bad as what is left in it, or as what no finding explains. What the
    report had no room for may be as bad as all of it.
    """
    matched = frozenset(match.parts)
    gone = frozenset(part.where for part in matched)
    decided = frozenset(match.findings)
    gone -= {part.where for part in report.parts if part not in matched}  # another content of the same name
    findings = tuple(f for f in report.findings if f not in decided and f.where not in gone)
    explained, remaining = _worst_inside(match.findings), _worst_inside(findings)
    parts = []
    for part in report.parts:
        if part in matched:
            continue
        if part.verdict <= explained.get(part.where, Verdict.CLEAN):
            parts.append(replace(part, verdict=remaining.get(part.where, Verdict.CLEAN)))
        else:
            parts.append(part)
    if not report.whole:
        untold = "More was found in the message than is told; what is left out may be as bad as the rest"
        findings = (*findings, Finding.of(Kind.LIMIT, "message", untold, verdict=report.verdict))
    return _report(findings, tuple(parts))


def _worst_inside(findings: Iterable[Finding]) -> dict[str, Verdict]:
    worst: dict[str, Verdict] = {}
    for finding in findings:
        for place in enclosing(finding.where):
            worst[place] = max(finding.verdict, worst.get(place, Verdict.CLEAN))
    return worst


def stripped(report: Report, match: Match) -> Report:
    """What is left when the MIME parts of ``match`` are taken out as a whole."""
    gone = frozenset(numbers(match.paths))

    def stays(path: str) -> bool:
        number = path.partition("/")[0]
        return number not in gone and not any(outer in gone for outer in _outer(number))

    return _report(
        tuple(finding for finding in report.findings if stays(finding.where)),
        tuple(part for part in report.parts if stays(part.where)),
    )


def _report(findings: tuple[Finding, ...], parts: tuple[Part, ...]) -> Report:
    verdicts = [*(finding.verdict for finding in findings), *(part.verdict for part in parts)]
    return Report(verdict=max(verdicts, default=Verdict.CLEAN), findings=findings, parts=parts)
