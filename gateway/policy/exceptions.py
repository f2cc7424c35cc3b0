"""Exceptions to the rules, made by people on duty: what is let through although a rule would stop it, and what is held
although no rule would.

Contract: an ``Entry`` (``gateway.policy.entries``) is about a macro (by its fingerprint), a file (by its SHA-256) or a
sender, for everybody or for some recipients. ``Exceptions`` is all of them; ``ruling`` says what those in force are
about in a message, and never raises:

* a block holds the message, whatever is allowed;
* an allowed macro takes with it the findings its fingerprint explains and no others;
* an allowed file takes with it what was found about that very content, not what is packed in it: names inside an
  archive are the sender's, and may pretend that one file lies in another;
* an allowed sender counts only where DMARC vouches for From, or the client is in the networks of ``[local]``, because
  anybody can write any sender; a note says why one did not count.

Touches no file and no clock. The store is ``gateway.exceptions``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.closed_sets import AuthResult, Effect, Kind, Verdict
from gateway.message import Authentication, Excepted, Finding, Report, Transaction, clip
from gateway.policy.entries import Entry, Subject, domain_names, names
from gateway.policy.parts import Match, without

AMBIGUOUS = frozenset({Kind.MIME_AMBIGUOUS, Kind.ARCHIVE_AMBIGUOUS})
"""Findings about which content is meant; no content is allowed by them."""

MAX_NAMED = 5
"""Entries named in one decision; the first are as good an explanation as all."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What exceptions are about a message: a block, or what is left to judge when the rest is allowed."""

    left: Report
    block: Entry | None = None
    allowed: tuple[Entry, ...] = ()
    ignored: tuple[Excepted, ...] = ()

    @property
    def told(self) -> tuple[Excepted, ...]:
        """As a decision names them."""
        counted = (self.block,) if self.block else self.allowed
        return (*(Excepted(entry.id, entry.effect) for entry in counted), *self.ignored)


@dataclass(frozen=True, slots=True)
class Exceptions:
    """All entries; immutable. Finding what is about a message takes time that does not grow with their number."""

    entries: tuple[Entry, ...] = ()
    _by_what: Mapping[tuple[Subject, str], tuple[Entry, ...]] = field(default_factory=dict)
    _by_recipient: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Exceptions:
        """Ready to be asked."""
        kept = tuple(entries)
        by_what: dict[tuple[Subject, str], tuple[Entry, ...]] = {}
        by_recipient: dict[str, tuple[Entry, ...]] = {}
        for entry in kept:
            if entry.removed is None:
                by_what[entry.subject, entry.what] = (*by_what.get((entry.subject, entry.what), ()), entry)
                for name in entry.recipients:
                    by_recipient[name] = (*by_recipient.get(name, ()), entry)
        return cls(kept, by_what, by_recipient)

    def only_blocks(self) -> Exceptions:
        """What may still be relied on when nobody knows whether the rest still holds."""
        return Exceptions.of(entry for entry in self.entries if entry.effect is Effect.BLOCK)

    def in_force(self, now: datetime) -> tuple[Entry, ...]:
        """Those that count for a message received at ``now``."""
        return tuple(entry for entry in self.entries if entry.in_force(now))

    def recipient_class(self, recipient: str, now: datetime) -> Hashable:
        """Recipients of equal class have the same exceptions whatever the message turns out to be (promise P7)."""
        if not self._by_recipient:
            return frozenset()
        found = (entry for name in names(recipient) for entry in self._by_recipient.get(name, ()))
        return frozenset(entry.id for entry in found if entry.in_force(now))

    def ruling(self, recipient: str, transaction: Transaction, report: Report, *, ours: bool) -> Ruling:
        """What is about this message for this recipient. ``ours``: its client is in our own networks."""
        if not self._by_what:
            return Ruling(report)
        spelled = frozenset(names(recipient))

        def asked(subject: Subject, whats: Iterable[str]) -> list[Entry]:
            found = (entry for what in dict.fromkeys(whats) for entry in self._by_what.get((subject, what), ()))
            return [
                entry
                for entry in found
                if entry.in_force(transaction.received) and (not entry.recipients or spelled & set(entry.recipients))
            ]

        counted = asked(Subject.MACRO, (finding.fingerprint for finding in report.findings))
        counted += asked(Subject.FILE, (part.sha256 for part in report.parts))
        ignored = []
        sent, wrote = _sender_names(transaction.envelope.sender, report.authentication)
        for entry in asked(Subject.SENDER, (*sent, *wrote)):
            if entry.effect is Effect.BLOCK or (ours and entry.what in sent) or _vouched(report, entry, wrote):
                counted.append(entry)
            elif report.verdict > Verdict.CLEAN:
                ignored.append(Excepted(entry.id, Effect.ALLOW, _why_not(report.authentication, entry)))
        if block := next((entry for entry in counted if entry.effect is Effect.BLOCK), None):
            return Ruling(report, block=block)
        left, allowed = _without(report, counted)
        return Ruling(left, None, tuple(allowed[:MAX_NAMED]), tuple(ignored[:MAX_NAMED]))


NO_EXCEPTIONS = Exceptions()


def _sender_names(sender: str, found: Authentication | None) -> tuple[list[str], list[str]]:
    """How entries may name the sender of the envelope, and whoever From names; that is a domain where it names several
    addresses of one."""
    if found is None:
        return list(names(sender)), []
    domain = found.dmarc.domain
    return list(names(sender)), [*names(found.author), *(domain_names(domain) if domain else ())]


def _vouched(report: Report, entry: Entry, wrote: Iterable[str]) -> bool:
    found = report.authentication
    return found is not None and found.dmarc.result is AuthResult.PASS and entry.what in wrote


def _why_not(found: Authentication | None, entry: Entry) -> str:
    if found is None:
        reason = "nobody verifies who signed ([authentication] verify is false)"
    elif found.dmarc.result is not AuthResult.PASS:
        reason = f"DMARC says {found.dmarc.result.value} for {found.dmarc.domain or 'its From'}"
    else:
        reason = f"its From is of {found.author or found.dmarc.domain}"
    return clip(f"It may not come from {entry.what}: {reason}", 300)


def _without(report: Report, allowed: Iterable[Entry]) -> tuple[Report, list[Entry]]:
    """What is left of the report when what is allowed is taken out, and the entries that took something."""
    left, used = report, []
    for entry in allowed:
        match = _match(left, entry)
        if match.whole:
            continue
        used.append(entry)
        if entry.subject is Subject.SENDER:
            parts = tuple(replace(part, verdict=Verdict.CLEAN) for part in left.parts)
            left = replace(report, verdict=Verdict.CLEAN, findings=(), parts=parts)
        else:
            rest = without(left, match)
            left = replace(report, verdict=rest.verdict, findings=rest.findings, parts=rest.parts, whole=rest.whole)
    return left, used


def _match(report: Report, entry: Entry) -> Match:
    """What of the report the entry is about; nothing where nothing bad is."""
    bad: tuple[Finding, ...] = tuple(finding for finding in report.findings if finding.verdict > Verdict.CLEAN)
    match entry.subject:
        case Subject.MACRO:
            return Match(tuple(finding for finding in bad if finding.fingerprint == entry.what))
        case Subject.FILE:
            places = {part.where for part in report.parts if part.sha256 == entry.what}
            places -= {part.where for part in report.parts if part.sha256 != entry.what}  # two readings of one part
            return Match(tuple(found for found in bad if found.where in places and found.kind not in AMBIGUOUS))
        case Subject.SENDER:
            return Match(bad, tuple(part for part in report.parts if part.verdict > Verdict.CLEAN))
