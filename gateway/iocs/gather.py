"""From records of stopped mail to indicators.

Contract: a hash is that of a part whose verdict is one of those asked for; addresses are those in the findings about it
(what the macro holds, decoded, and what a document would fetch). Our own domains, those of the recipients included, are
in no indicator: ``left_out`` counts by reason what was passed over, each thing once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.closed_sets import Verdict
from gateway.iocs import Indicator, IocKind
from gateway.iocs.names import Host, host_of, shares, split, urls
from gateway.iocs.never import Never, below
from gateway.message import Finding, Report

MAX_HELD = 10
"""Ids and file names told with one indicator."""

DEFAULT_VERDICTS = frozenset({Verdict.SUSPICIOUS, Verdict.AUTOEXEC})
"""What is unscannable or holds a macro for a button may well be honest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of which messages, by when they were stopped (UTC, ``until`` not included), and of which of their parts. ``own``:
    domains that are never told, with all below them."""

    since: datetime | None = None
    until: datetime | None = None
    verdicts: frozenset[Verdict] = DEFAULT_VERDICTS
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collected:
    """What was found, what was left out (how often, by reason), and a sentence about each record that could not be
    read."""

    indicators: list[Indicator]
    left_out: dict[str, int]
    damaged: tuple[str, ...] = ()

    @property
    def notes(self) -> dict[str, Any]:
        """What is to be said about the list, ready for JSON."""
        counts = Counter(one.kind for one in self.indicators)
        told = {"indicators": {kind.value: counts[kind] for kind in IocKind}}
        return told | {"left_out": self.left_out, "not_read": len(self.damaged)}


@dataclass(slots=True)
class _Seen:
    verdict: Verdict
    first: datetime
    last: datetime
    host: str
    held: dict[str, datetime] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    messages: int = 0


class Gathering:
    """Indicators of the messages added so far."""

    def __init__(self, never: Never, own: Iterable[str] = (), verdicts: Iterable[Verdict] = DEFAULT_VERDICTS) -> None:
        self._never = never
        self._own = {name.lower().strip(".") for name in own}
        self._verdicts = frozenset(verdicts)
        self._seen: dict[tuple[IocKind, str], _Seen] = {}
        self._left_out: dict[str, str] = {}

    def add(self, held_id: str, seen: datetime, report: Report, recipients: Iterable[str] = ()) -> None:
        """One stopped message; ``recipients`` are addresses of its envelope."""
        self._own |= {address.rpartition("@")[2].lower() for address in recipients if "@" in address}
        judged = {part.where: part.verdict for part in report.parts if part.verdict in self._verdicts}
        found: dict[tuple[IocKind, str], tuple[Verdict, str, str]] = {}
        for part in report.parts:
            if part.where in judged:
                found[IocKind.SHA256, part.sha256] = (part.verdict, "", part.where.rpartition("/")[2])
        for finding in report.findings:
            if finding.verdict in self._verdicts or finding.where in judged:
                verdict = judged.get(finding.where, finding.verdict)
                for kind, value, host in self._addresses(finding):
                    found.setdefault((kind, value), (verdict, host, ""))
        for key, (verdict, host, name) in found.items():
            self._note(key, verdict, host, name, held_id, seen)

    def _note(
        self, key: tuple[IocKind, str], verdict: Verdict, host: str, name: str, held_id: str, seen: datetime
    ) -> None:
        known = self._seen.setdefault(key, _Seen(verdict, seen, seen, host))
        known.verdict = max(known.verdict, verdict)
        known.first, known.last = min(known.first, seen), max(known.last, seen)
        known.messages += 1
        known.held[held_id] = seen
        if len(known.held) > MAX_HELD:
            del known.held[min(known.held, key=lambda one: known.held[one])]
        if name and len(known.names) < MAX_HELD:
            known.names[name] = None

    def _addresses(self, finding: Finding) -> Iterator[tuple[IocKind, str, str]]:
        """Kind, value and host of everything ``finding`` names."""
        for text in (*finding.indicators, finding.detail):
            for raw in urls(text):
                url, host = split(raw)
                yield from self._told(raw, url, host)
            for raw in shares(text):
                yield from self._told(raw, "", host_of(raw))

    def _told(self, raw: str, url: str, host: Host) -> Iterator[tuple[IocKind, str, str]]:
        if host.why:
            self._left_out[raw] = host.why
        elif host.address:
            yield IocKind.IP, host.address, ""
        elif self._never.harmless(host.name):
            self._left_out[host.name] = "known to be harmless (rules/iocs.toml)"
            return
        elif self._never.shared(host.name):
            self._left_out[host.name] = "used by everybody (rules/iocs.toml)"
        else:
            yield IocKind.DOMAIN, host.name, host.name
        if url:
            yield IocKind.URL, url, host.name

    @property
    def size(self) -> int:
        """How many things are kept: memory is bounded by it."""
        return len(self._seen) + len(self._left_out)

    def indicators(self) -> list[Indicator]:
        """All of them, by kind and value."""
        own = frozenset(self._own)
        return [
            Indicator(
                kind=kind,
                value=value,
                verdict=seen.verdict,
                first_seen=seen.first,
                last_seen=seen.last,
                messages=seen.messages,
                names=tuple(seen.names),
                held=tuple(sorted(seen.held, key=lambda one: (seen.held[one], one), reverse=True)),
            )
            for (kind, value), seen in sorted(self._seen.items())
            if not (seen.host and below(seen.host, own))
        ]

    @property
    def left_out(self) -> dict[str, int]:
        """What was passed over, by reason."""
        own = frozenset(self._own)
        ours = {seen.host for seen in self._seen.values() if seen.host and below(seen.host, own)}
        reasons = Counter(self._left_out.values())
        return dict(reasons | Counter({"our own": len(ours)})) if ours else dict(reasons)
