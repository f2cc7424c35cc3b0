"""The file format of a policy: ``[[rule]]`` tables in TOML, read strictly.

Contract: ``read`` returns a ``PolicyFile`` in which every word is known and every condition can be tested, or raises
``PolicyError`` with every mistake found, each as ``rule ID, key: sentence``. Reads no file but the lists the policy
names, which lie beside it. Decides nothing: that is ``gateway.policy``.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.closed_sets import Action, AuthResult, FileType, Verdict
from gateway.mistakes import sentences
from gateway.policy.addresses import AddressLists
from gateway.policy.words import (
    Direction,
    Directions,
    Domains,
    Families,
    Hashes,
    Kinds,
    MacroPrints,
    Networks,
    OneAction,
    OneLine,
    OneResult,
    OneType,
    OneVerdict,
    Results,
    RuleId,
    Size,
    Types,
    Verdicts,
    Words,
)

LETS_THROUGH = frozenset({Action.DELIVER, Action.TAG})
CHANGES = frozenset({Action.DISARM, Action.STRIP})
"""Actions that change a part of the message."""


class PolicyError(Exception):
    """The policy cannot be used. ``mistakes`` has one sentence for each thing that is wrong."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_Table):
    """Bytes of the whole message; both ends exclusive."""

    above: Size | None = None
    below: Size | None = None


class When(_Table):
    """Keys are AND-ed, the values in a list are OR-ed. No key at all matches every message."""

    verdict: Verdicts | None = None
    findings: Kinds | None = None
    family: Families | None = None
    type: Types | None = None
    sha256: Hashes | None = None
    direction: Directions | None = None
    sender: Words | None = None
    recipient: Words | None = None
    client: Networks | None = None
    size: Range | None = None
    dkim: Results | None = None
    dmarc: Results | None = None
    macro: MacroPrints | None = None

    @property
    def looks_inside(self) -> bool:
        """Whether the condition is about parts of the message, not only about its envelope."""
        inside = (self.verdict, self.findings, self.family, self.type, self.sha256, self.macro)
        return any(given is not None for given in inside)


class Example(_Table):
    """A message the rule must be the first to match; what is left out is that of a clean text mail."""

    verdict: OneVerdict | None = None
    findings: Kinds = frozenset()
    type: OneType = FileType.TEXT
    sha256: str = "0" * 64
    macro: str = ""
    sender: str = "sender@example.net"
    recipient: str = "recipient@example.org"
    client: str = "192.0.2.1"
    dkim: OneResult = AuthResult.NONE
    dmarc: OneResult = AuthResult.NONE
    size: Size = 10_000


class RuleTable(_Table):
    """One ``[[rule]]``."""

    id: RuleId
    title: Annotated[OneLine, Field(min_length=1)]
    why: str = ""
    references: tuple[str, ...] = ()
    mode: Literal["apply", "shadow"] = "apply"
    action: OneAction
    subject_prefix: OneLine = ""
    signed: Literal["quarantine", "tag"] = "quarantine"
    """What becomes of a message whose own signature forbids the change."""
    expires: Annotated[datetime.date, Field(strict=True)] | None = None
    """The last day, in UTC, on which the rule is used."""
    reason: str = ""
    when: When
    example: Example | None = None

    def contradictions(self, local: Local) -> Iterator[str]:
        """What is wrong between the keys of this rule."""
        when = self.when
        yield from self._signed()
        if self.subject_prefix and self.action is not Action.TAG:
            yield f'subject_prefix: the subject is changed by action = "tag" only, not by {self.action.value}'
        if self.action in CHANGES and (not when.looks_inside or when.verdict == frozenset({Verdict.CLEAN})):
            yield (
                f"action: {self.action.value} has to know what to take out; "
                "add verdict, findings, family, type, sha256 or macro to when"
            )
        if when.direction is not None and not local.domains:
            yield 'when.direction: nobody is local yet; add [local] with domains = ["example.com"]'
        if when.size is not None and when.size.above is None and when.size.below is None:
            yield 'when.size: say above or below, for example { above = "10M" }'
        if self.action in LETS_THROUGH and when.macro is not None and not (self.expires and self.reason):
            yield (
                f"expires: {self.action.value} by macro needs expires and reason, "
                "because every document with that code passes, whoever sends it"
            )
        if self.action in LETS_THROUGH and self._trusts_the_sender(local) and not (self.expires and self.reason):
            yield (
                f"expires: {self.action.value} by sender needs expires and reason, "
                "because anybody can write any sender; or bind the rule to a client network"
            )

        if self.action in LETS_THROUGH and self._trusts_a_signature and not (self.expires and self.reason):
            yield (
                f"expires: {self.action.value} by dkim or dmarc needs expires and reason, because anybody can sign for "
                'a domain of their own; or let the rule be about clean messages only: verdict = "clean"'
            )

    @property
    def _trusts_a_signature(self) -> bool:
        """Whether a message that is not clean matches by what its sender can arrange."""
        asks = self.when.dkim is not None or self.when.dmarc is not None
        return asks and self.when.client is None and self.when.verdict != frozenset({Verdict.CLEAN})

    def _signed(self) -> Iterator[str]:
        """Anybody can write a signature of some kind around any document, so it may not be a way in."""
        if self.signed == "quarantine":
            return
        if self.action not in {Action.STRIP, Action.DISARM}:
            yield f'signed: is about action = "disarm" and "strip" only, not {self.action.value}'
        elif not self.when.verdict or self.when.verdict & {Verdict.AUTOEXEC, Verdict.UNSCANNABLE}:
            yield (
                'signed: "tag" lets the document through as it is, so when needs a verdict that is neither autoexec '
                'nor unscannable, as in verdict = "macro"; anybody can sign a message'
            )

    def _trusts_the_sender(self, local: Local) -> bool:
        """Whether a forged envelope sender alone would be enough to match."""
        if self.when.client is not None:
            return False
        ours = (
            self.when.direction is not None
            and self.when.direction != frozenset({Direction.INBOUND})
            and not local.networks
        )
        return self.when.sender is not None or ours

    def settles(self, verdict: Verdict) -> bool:
        """Whether every message of that verdict is decided here, whoever sent it and whatever is in it."""
        bare = self.when.model_copy(update={"verdict": None}) == When()
        named = self.when.verdict is None or verdict in self.when.verdict
        return self.mode == "apply" and self.expires is None and bare and named


class Local(_Table):
    """``[local]``: who is ours. With ``networks``, a sender counts as ours only from one of them."""

    domains: Domains = ()
    networks: Networks = ()


class _Head(_Table):
    name: OneLine = ""
    local: Local = Local()
    rule: tuple[RuleTable, ...] = ()
    """Read one by one in ``read``; here so that it is known."""


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy file without mistakes; ``lists`` makes sets of its addresses, list files included."""

    name: str
    local: Local
    rules: tuple[RuleTable, ...]
    lists: AddressLists


def read(text: str, base: Path | None) -> PolicyFile:
    """Everything a policy file says; ``base`` is the folder of its lists. Raises ``PolicyError`` with every mistake."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([f"not TOML: {error}"]) from None
    given = tables.pop("rule", [])
    if not isinstance(given, list) or not all(isinstance(rule, dict) for rule in given):
        raise PolicyError(["rule: rules are written as [[rule]] tables"])
    head, mistakes = _head(tables)
    lists = AddressLists(base, text)
    rules = []
    for number, table in enumerate(given, 1):
        rule, wrong = _rule(table, number, head.local, lists)
        mistakes += wrong
        rules += [rule] if rule else []
    mistakes += _repeated(rules)
    mistakes += _undecided(rules) if len(rules) == len(given) else []
    if mistakes:
        raise PolicyError(mistakes)
    return PolicyFile(head.name, head.local, tuple(rules), lists)


def _head(tables: Mapping[str, Any]) -> tuple[_Head, list[str]]:
    try:
        return _Head.model_validate(tables), []
    except ValidationError as error:
        # Somebody counts as local then, so that no rule is blamed for the mistake in [local].
        assumed = Local.model_construct(domains=("example.com",)) if "local" in tables else Local()
        return _Head(local=assumed), list(sentences(error, _Head))


def _rule(given: dict[str, Any], number: int, local: Local, lists: AddressLists) -> tuple[RuleTable | None, list[str]]:
    label = f"rule {given['id']}" if isinstance(given.get("id"), str) else f"rule number {number}"
    try:
        rule = RuleTable.model_validate(given)
    except ValidationError as error:
        return None, [f"{label}, {sentence}" for sentence in sentences(error, RuleTable)]
    wrong = [*rule.contradictions(local), *_addresses(rule.when, lists)]
    return rule, [f"{label}, {sentence}" for sentence in wrong]


def _addresses(when: When, lists: AddressLists) -> Iterator[str]:
    for key, words in (("sender", when.sender), ("recipient", when.recipient)):
        try:
            lists.resolve(words or ())
        except ValueError as error:
            yield f"when.{key}: {error}"


def _repeated(rules: Iterable[RuleTable]) -> Iterator[str]:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            yield f"rule {rule.id}, id: is used twice; the id in a log line has to name one rule"
        seen.add(rule.id)


def _undecided(rules: Iterable[RuleTable]) -> Iterator[str]:
    """What would be let through by nobody's decision (promise P4)."""
    for verdict in (Verdict.AUTOEXEC, Verdict.UNSCANNABLE):
        if not any(rule.settles(verdict) for rule in rules):
            yield (
                f"no rule decides about every {verdict.label} message; add one with "
                f'when = {{ verdict = "{verdict.label}" }} and no other condition, even if its action is deliver'
            )
