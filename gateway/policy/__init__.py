"""Ordered rules over findings and envelope: what is done with a message.

Contract: the first rule that matches decides. A rule that refuses or holds the message has decided about all of it; a
rule that lets it through, disarms or strips it has decided only about the parts it matched, so the parts that are left
are put to the rules again and the strictest answer counts: an allowed document does not carry another one past the
filter. Exceptions (``gateway.policy.exceptions``) come before all rules. If no rule matches the message is delivered,
which ``parse`` permits only where every autoexec and every unscannable message is decided by a rule. Touches no byte of
a message; never raises once parsed. ``PolicyError`` lists every mistake of a file.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from gateway.closed_sets import Action, FileType, Verdict
from gateway.message import Client, Decision, Part, Report, Transaction
from gateway.policy.addresses import AddressSet, split
from gateway.policy.entries import Entry
from gateway.policy.exceptions import NO_EXCEPTIONS, Exceptions
from gateway.policy.model import CHANGES, LETS_THROUGH, Local, PolicyError, PolicyFile, RuleTable, read
from gateway.policy.parts import Match, bad, enclosing, is_within, numbers, stripped, without
from gateway.policy.words import Direction, Network

__all__ = ["NO_EXCEPTIONS", "Exceptions", "Policy", "PolicyError", "Rule"]

DEFAULT = Decision(Action.DELIVER, "default", "Nothing that a rule stops was found")

STRICTNESS = {
    Action.DELIVER: 0,
    Action.TAG: 1,
    Action.DISARM: 2,
    Action.STRIP: 3,
    Action.QUARANTINE: 4,
    Action.DEFER: 5,
    Action.REJECT: 6,
}

PARTIAL = frozenset({Action.DELIVER, Action.TAG, *CHANGES})
"""Actions that decide only about the parts their rule matched."""

BY_EXCEPTION = "exception"
"""What decides where exceptions did and no rule."""

_PART_NUMBER = re.compile(r"[1-9]\d*(\.[1-9]\d*)*")


@dataclass(frozen=True, slots=True)
class _Facts:
    """The envelope side of one message, looked up once for all rules."""

    sender: str
    recipient: str
    address: IPv4Address | IPv6Address | None
    direction: Direction | None
    transaction: Transaction | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to be tested. ``table`` is how the file put it."""

    table: RuleTable
    senders: AddressSet | None
    recipients: AddressSet | None
    types: frozenset[FileType] | None

    @property
    def id(self) -> str:
        """As in the file."""
        return self.table.id

    @property
    def by_recipient(self) -> bool:
        """Whether two recipients of one message may fare differently."""
        return self.recipients is not None or self.table.when.direction is not None

    def knows(self, facts: _Facts) -> bool:
        """Whether sender, recipient, direction and client are those of the rule: all that is known at RCPT."""
        when = self.table.when
        return (
            (self.senders is None or facts.sender in self.senders)
            and (self.recipients is None or facts.recipient in self.recipients)
            and (when.direction is None or facts.direction in when.direction)
            and (when.client is None or _inside(facts.address, when.client))
        )

    def matches(self, facts: _Facts, report: Report) -> Match | None:
        """What of the message the rule is about, ``None`` if it does not match."""
        when = self.table.when
        if when.verdict is not None and report.verdict not in when.verdict:
            return None
        if not self.knows(facts) or not self._in_force(facts) or not self._vouched(report):
            return None
        return self._inside(report) if when.looks_inside else Match()

    @property
    def asks_who_signed(self) -> bool:
        """Whether the rule can match only where signatures are verified."""
        return self.table.when.dkim is not None or self.table.when.dmarc is not None

    def _vouched(self, report: Report) -> bool:
        when, found = self.table.when, report.authentication
        if not self.asks_who_signed:
            return True
        return (
            found is not None
            and (when.dkim is None or found.dkim_result in when.dkim)
            and (when.dmarc is None or found.dmarc.result in when.dmarc)
        )

    def _in_force(self, facts: _Facts) -> bool:
        transaction, size, expires = facts.transaction, self.table.when.size, self.table.expires
        if transaction is None or (size is None and expires is None):
            return True
        if expires is not None and transaction.received.date() > expires:
            return False
        above = size.above if size and size.above is not None else -1
        return transaction.size > above and (size is None or size.below is None or transaction.size < size.below)

    def _inside(self, report: Report) -> Match | None:
        when = self.table.when
        named = self.types is not None or (when.sha256 is not None and report.sha256 not in when.sha256)
        parts = tuple(part for part in report.parts if self._wants(part, report)) if named else report.parts
        if named and not parts:
            return None
        if when.findings is None and when.verdict is None and when.macro is None:
            return Match(parts=parts) if named else Match()
        places = frozenset(part.where for part in parts) if named else frozenset()
        exact = self.table.action in LETS_THROUGH
        if exact:  # the same name may stand for two contents: two readings of a part, two members of an archive
            places -= {part.where for part in report.parts if not self._wants(part, report)}
        findings = tuple(
            finding
            for finding in report.findings
            if (when.findings is None or finding.kind in when.findings)
            and (when.macro is None or finding.fingerprint in when.macro)
            and (when.verdict is None or finding.verdict in when.verdict)
            and (when.findings is not None or finding.verdict > Verdict.CLEAN)
            and (not named or (finding.where in places if exact else is_within(finding.where, places)))
        )
        if when.findings is not None or when.macro is not None:
            return Match(findings) if findings else None
        explained = {place for finding in findings for place in enclosing(finding.where)}
        unexplained = tuple(
            part
            for part in parts
            if (when.verdict is not None and part.verdict in when.verdict)
            and (named or part.verdict > Verdict.CLEAN)
            and part.where not in explained
        )
        match = Match(findings, unexplained)
        return None if named and match.whole else match

    def _wants(self, part: Part, report: Report) -> bool:
        when = self.table.when
        hashes = when.sha256
        return (self.types is None or part.type in self.types) and (
            hashes is None or part.sha256 in hashes or report.sha256 in hashes
        )


class Policy:
    """All rules of one file. Immutable; a reload makes a new one."""

    def __init__(self, file: PolicyFile) -> None:
        self.name = file.name
        self.rules = tuple(
            Rule(
                table=table,
                senders=file.lists.resolve(table.when.sender) if table.when.sender else None,
                recipients=file.lists.resolve(table.when.recipient) if table.when.recipient else None,
                types=_both(table.when.family, table.when.type),
            )
            for table in file.rules
        )
        self._about = {
            verdict: tuple(rule for rule in self.rules if verdict in (rule.table.when.verdict or Verdict))
            for verdict in Verdict
        }
        """The rules a message of that verdict can match."""
        self.version = file.lists.version
        self._local = file.local
        self._ours = _own_domains(file.local)
        self._applied_by_recipient = tuple(
            rule for rule in self.rules if rule.by_recipient and rule.table.mode == "apply"
        )

    @classmethod
    def parse(cls, toml_text: str, *, base: Path | None = None) -> Policy:
        """A policy from its text; ``base`` is the folder its list files lie in. Raises ``PolicyError``."""
        return cls(read(toml_text, base))

    @classmethod
    def load(cls, path: Path) -> Policy:
        """A policy from its file. Raises ``PolicyError`` for an unreadable file too."""
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise PolicyError([f"{path}: cannot be read: {error.strerror}"]) from None
        except UnicodeDecodeError as error:
            raise PolicyError([f"{path}: not UTF-8 text at byte {error.start}"]) from None
        return cls.parse(text, base=path.parent)

    def recipient_class(self, client: Client, sender: str, recipient: str) -> Hashable:
        """Recipients of equal class fare the same whatever the message turns out to be (promise P7). Rules on trial
        split nothing."""
        if not self._applied_by_recipient:
            return ()
        facts = self._facts(client, sender, recipient)
        return tuple(rule.knows(facts) for rule in self._applied_by_recipient)

    def decide(self, transaction: Transaction, report: Report, exceptions: Exceptions = NO_EXCEPTIONS) -> Decision:
        """What becomes of the message. One recipient speaks for all of its class; where a listener could not part the
        classes (mail submitted on the machine of a milter), the strictest decision holds for everybody."""
        client, envelope = transaction.client, transaction.envelope
        speakers: dict[Hashable, str] = {}
        for recipient in envelope.recipients:
            group = (
                self.recipient_class(client, envelope.sender, recipient.address),
                exceptions.recipient_class(recipient.address, transaction.received),
            )
            speakers.setdefault(group, recipient.address)
        decisions = [
            self._decide_for(address, transaction, report, exceptions) for address in speakers.values() or ("",)
        ]
        shadow = dict.fromkeys(rule for decision in decisions for rule in decision.shadow)
        decision = _strictest(decisions)
        return replace(decision, shadow=tuple(shadow)) if shadow else decision

    def is_ours(self, address: str) -> bool:
        """Whether it is in a domain of ``[local]``."""
        return self._ours.has_domain(split(address)[1])

    def _decide_for(self, recipient: str, transaction: Transaction, report: Report, exceptions: Exceptions) -> Decision:
        """The rules decide about what no exception has decided about."""
        ours = _inside(_address(transaction.client.address), self._local.networks)
        ruling = exceptions.ruling(recipient, transaction, report, ours=ours)
        decision = self._by_rules(recipient, transaction, ruling.left)
        if ruling.block is not None:
            decision = _strictest([_blocked(ruling.block), decision])
        elif ruling.allowed:
            decision = _allowed(ruling.allowed, decision)
        return replace(decision, exceptions=ruling.told) if ruling.told else decision

    def _by_rules(self, recipient: str, transaction: Transaction, report: Report) -> Decision:
        facts = self._facts(transaction.client, transaction.envelope.sender, recipient, transaction)
        decided: list[Decision] = []
        shadow: list[str] = []
        left = report
        while found := self._first(facts, left, shadow, again=bool(decided)):
            rule, match = found
            decided.append(_decision(rule, match, left))
            if match.whole or rule.table.action not in PARTIAL:
                break
            left = stripped(left, match) if rule.table.action in CHANGES else without(left, match)
        decision = _strictest(decided)
        return replace(decision, shadow=tuple(dict.fromkeys(shadow))) if shadow else decision

    def _first(self, facts: _Facts, report: Report, shadow: list[str], *, again: bool) -> tuple[Rule, Match] | None:
        """The first applied rule that matches, and on what; rules on trial met on the way are noted in ``shadow``.

        ``again``: only what is left of a message is asked about, so a rule has to name something in it.
        """
        for rule in self._about[report.verdict]:
            match = rule.matches(facts, report)
            if match is None or (again and match.whole):
                continue
            if rule.table.mode == "shadow":
                shadow.append(rule.id)
                continue
            return rule, match
        return None

    def _facts(self, client: Client, sender: str, recipient: str, transaction: Transaction | None = None) -> _Facts:
        address = _address(client.address)
        return _Facts(sender, recipient, address, self._direction(address, sender, recipient), transaction)

    def _direction(self, address: IPv4Address | IPv6Address | None, sender: str, recipient: str) -> Direction | None:
        """``None`` where neither side is ours. A recipient without a domain is ours (the MTA appends its own)."""
        if not self._local.domains or not recipient:
            return None
        networks = self._local.networks
        from_us = self._ours.has_domain(split(sender)[1]) and (not networks or _inside(address, networks))
        domain = split(recipient)[1]
        to_us = not domain or self._ours.has_domain(domain)
        if to_us:
            return Direction.INTERNAL if from_us else Direction.INBOUND
        return Direction.OUTBOUND if from_us else None


def _blocked(entry: Entry) -> Decision:
    why = f"Blocked by exception {entry.id} ({entry.about}): {entry.why}"
    return Decision(Action.QUARANTINE, BY_EXCEPTION, why)


def _allowed(entries: Iterable[Entry], decision: Decision) -> Decision:
    """What the rules say of the rest; where they say nothing, the exceptions have decided."""
    names = "; ".join(f"{entry.id} ({entry.about}): {entry.why}" for entry in entries)
    if decision.rule == DEFAULT.rule:
        return replace(decision, rule=BY_EXCEPTION, why=f"Allowed by exception {names}")
    return replace(decision, why=f"{decision.why}; the rest is allowed by exception {names}")


def _own_domains(local: Local) -> AddressSet:
    return AddressSet.of(domain if domain.startswith(".") else f"@{domain}" for domain in local.domains)


def _both(family: frozenset[FileType] | None, types: frozenset[FileType] | None) -> frozenset[FileType] | None:
    """File types that satisfy both keys of a rule."""
    if family is None or types is None:
        return types if family is None else family
    return family & types


@functools.lru_cache(maxsize=1024)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _inside(address: IPv4Address | IPv6Address | None, networks: Iterable[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


def _decision(rule: Rule, match: Match, report: Report) -> Decision:
    """What one rule says about the parts it matched, or about all that is bad if it matched the message as such."""
    table = rule.table
    targets = numbers(bad(report) if match.whole else match.paths)
    decision = Decision(table.action, table.id, table.title, targets, subject_prefix=table.subject_prefix)
    if table.action not in CHANGES:
        return decision
    if not targets or not all(map(_PART_NUMBER.fullmatch, targets)):
        done = "disarmed" if table.action is Action.DISARM else "stripped"
        why = f"{table.title}; held, as no single part could be {done}"
        return replace(decision, action=Action.QUARANTINE, why=why)
    decision = replace(decision, signed=Action(table.signed))
    return replace(decision, disarm=targets) if table.action is Action.DISARM else decision


def _strictest(decided: list[Decision]) -> Decision:
    """The strictest decision, the first among equals; a tag's prefix is kept, and all that is to be stripped or
    disarmed is joined: each part in its own way, in the stricter one where two rules name it."""
    if not decided:
        return DEFAULT
    worst = max(decided, key=lambda decision: STRICTNESS[decision.action])
    if worst.action is not Action.TAG and worst.action not in CHANGES:
        return worst
    alike = [d for d in decided if d.action is worst.action or {d.action, worst.action} <= CHANGES]
    targets = numbers(target for decision in alike for target in decision.targets)
    stripped_too = {target for decision in alike for target in decision.targets if target not in decision.disarm}
    disarm = {target for decision in alike for target in decision.disarm} - stripped_too
    prefix = next((decision.subject_prefix for decision in decided if decision.subject_prefix), "")
    return replace(
        worst,
        targets=targets,
        subject_prefix=prefix,
        disarm=tuple(target for target in targets if target in disarm),
        signed=max((decision.signed for decision in alike), key=STRICTNESS.__getitem__),
    )
