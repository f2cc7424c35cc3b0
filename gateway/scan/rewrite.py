"""Taking out of a message what must not reach its recipients: splices of bytes, never a new message.

Contract: ``rewrite`` returns edits that disarm some parts, put a notice in the place of others, and leave every other
byte as it was. A part that cannot be disarmed is replaced. What cannot be replaced without doubt raises
``RewriteFailed`` with a sentence, and so does a result that, examined once more, still shows something where the part
was; the caller then holds the message. Never does a part that was to be changed pass as it came.
"""

from __future__ import annotations

import itertools
import mmap
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gateway.closed_sets import Action, Verdict
from gateway.message import Change, Edits, Report, Splice, clip
from gateway.scan import encodings, mime, notice, splices
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.disarm import CannotDisarm, Disarmed, disarm
from gateway.scan.header_edit import Description
from gateway.scan.headers import Bytes
from gateway.scan.mime import Entity
from gateway.scan.notice import Facts, Wording
from gateway.scan.passwords import Passwords
from gateway.scan.splices import Place, RewriteFailed, Sealed
from gateway.scan.subject import prefixed
from gateway.scan.triggers import ScanRules

__all__ = ["RewriteFailed", "Sealed", "Setting", "Wanted", "apply", "rewrite"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the policy asks for: the numbers of the parts to replace and to disarm, a prefix before the subject, and
    what the notices say."""

    facts: Facts
    strip: tuple[str, ...] = ()
    disarm: tuple[str, ...] = ()
    subject_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for every message."""

    rules: ScanRules
    limits: Limits
    wording: Wording
    passwords: tuple[str, ...] = field(default=(), repr=False)


def rewrite(data: bytes | mmap.mmap | memoryview, wanted: Wanted, setting: Setting) -> Edits:
    """The changes that are ``wanted``. Raises ``RewriteFailed`` and nothing else."""
    content = bytes(data) if isinstance(data, memoryview) else data
    budget = Budget(setting.limits)
    try:
        tree = mime.parse(content, budget)
        work = _Rewriting(content, tree, wanted, setting, budget)
        for target in dict.fromkeys(wanted.disarm):
            work.disarm(target)
        for target in dict.fromkeys(wanted.strip):
            work.strip(Place.of(content, tree, target))
        if wanted.subject_prefix:
            work.splices += prefixed(content, tree, wanted.subject_prefix)
        edits = Edits(_in_order(work.splices), tuple(work.changes))
        if work.changes:
            limits = replace(setting.limits, seconds=budget.seconds_left)
            known = (*setting.passwords, *(candidate.text for candidate in work.passwords.opened))
            _check(_examined(apply(content, edits), setting.rules, limits, known), work.regions)
    except OverLimit as limit:
        raise RewriteFailed(f"the message {limit}") from limit
    return edits


def apply(data: Bytes, edits: Edits) -> bytes:
    """The message as it is after ``edits``."""
    pieces = []
    position = 0
    for splice in edits.splices:
        pieces += [data[position : splice.span.start], splice.replacement]
        position = splice.span.end
    return b"".join((*pieces, data[position : len(data)]))


class _Rewriting:
    """One message being rewritten."""

    def __init__(self, data: Bytes, tree: Entity, wanted: Wanted, setting: Setting, budget: Budget) -> None:
        self.data = data
        self.tree = tree
        self.wanted = wanted
        self.setting = setting
        self.budget = budget
        self.passwords = Passwords(setting.limits.seconds, setting.passwords)
        self.passwords.hear_mail(data, tree)
        self.splices: list[Splice] = []
        self.changes: list[Change] = []
        self.regions: list[str] = []

    def disarm(self, target: str) -> None:
        """Disarm the part or, where that cannot be, replace it."""
        place = Place.of(self.data, self.tree, target)
        try:
            disarmed = self._disarmed(place)
        except CannotDisarm as refusal:
            self.strip(place, why=str(refusal))
            return
        name = place.part.name
        change = Change(
            part=target,
            action=Action.DISARM,
            name=clip(name, 200),
            new_name=clip(disarmed.name, 200) if name else "",
            removed=tuple(clip(what, 100) for what in disarmed.removed[: notice.MAX_REMOVED]),
        )
        coded = place.part.codings != (encodings.BASE64,)
        description = Description(name, disarmed.name if name else "", disarmed.media_type, coded)
        self._note(place, change)
        self.splices += splices.accompanied(place, description, disarmed.content, self._notice(place, change))

    def strip(self, place: Place, why: str = "") -> None:
        """Replace the part by a notice."""
        change = Change(place.part.number, Action.STRIP, clip(place.part.name, 200), why=clip(why, 200))
        self._note(place, change)
        self.splices += splices.replaced(place, *self._notice(place, change))

    def _note(self, place: Place, change: Change) -> None:
        self.changes.append(change)
        self.regions.append(place.region)

    def _notice(self, place: Place, change: Change) -> tuple[bytes, bytes]:
        text, markup = notice.written(change, self.wanted.facts, self.setting.wording)
        return notice.part(self.data, text, markup, place.eol)

    def _disarmed(self, place: Place) -> Disarmed:
        if place.doubtful:
            raise CannotDisarm("mail programs may see different things in this part")
        limits = replace(self.setting.limits, seconds=self.budget.seconds_left)
        content = self._content(place.part)
        return disarm(content, place.part.name, rules=self.setting.rules, limits=limits, passwords=self.passwords)

    def _content(self, part: Entity) -> bytes:
        """What every program decodes the part to."""
        (coding,) = part.codings
        start, end = part.body.start, part.body.end
        if coding in mime.IDENTITY:
            return bytes(self.data[start:end])
        readings = encodings.decoded(coding, self.data, start, end, self.budget)
        contents = [content for _, content in itertools.islice(readings, 2)]
        if len(contents) != 1:
            raise CannotDisarm(f"its {coding} text is decoded in different ways by different programs")
        return contents[0]


def _in_order(found: Iterable[Splice]) -> tuple[Splice, ...]:
    """By position. Raises ``RewriteFailed`` when one part to be replaced is inside another."""
    ordered = tuple(sorted(found, key=lambda splice: (splice.span.start, splice.span.end)))
    for before, after in itertools.pairwise(ordered):
        if after.span.start < before.span.end:
            raise RewriteFailed("two parts to be replaced overlap")
    return ordered


def _examined(changed: bytes, rules: ScanRules, limits: Limits, passwords: tuple[str, ...]) -> Report:
    from gateway.scan import examine

    return examine(changed, rules=rules, limits=limits, passwords=passwords)


def _check(report: Report, regions: Iterable[str]) -> None:
    """Whether anything is left where the parts were, or could not be seen any more."""
    for finding in report.findings:
        number = finding.where.partition("/")[0]
        inside = any(not region or number == region or number.startswith(f"{region}.") for region in regions)
        if finding.verdict is not Verdict.CLEAN and (inside or number == "message"):
            raise RewriteFailed(f"the changed message still shows: {finding.detail}")
