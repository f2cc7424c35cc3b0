"""Who has which message: the rule that nothing is lost, and where a twin may come from.

A client that loses its connection, or hears 4yz, after its final dot cannot know what became of the message (RFC 1047):
such an attempt is *unclear*, and may have left one copy behind. A copy more than that is a twin nobody can excuse.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Sent:
    """One message at its sender. ``reply`` is the last one that ended the matter, "" while it is in the queue."""

    reply: str = ""
    attempts: int = 0
    unclear: int = 0
    """Attempts that were cut off after the final dot."""
    put_off: int = 0
    """Attempts that got 4yz after the final dot."""


@dataclass(slots=True)
class Release:
    """Of one held message, or of several that have its Message-ID."""

    attempts: int = 0
    """Those that may have sent a copy."""
    done: int = 0
    """Those that said so."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What the ledger adds up to. Everything but ``twins`` has to be empty."""

    sent: int
    delivered: int
    held: int
    refused: int
    attempts: int
    unclear: int
    twins: int
    """Copies more than one that an unclear attempt explains, or a release that was cut off."""
    released: int = 0
    lost: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    """Still in the queue of their sender: nobody has taken or refused them in time."""
    refused_and_taken: tuple[str, ...] = ()
    unexplained: tuple[str, ...] = ()
    """More copies than unclear attempts can have made."""
    unknown: tuple[str, ...] = ()
    """Delivered or held, and never sent."""

    @property
    def balanced(self) -> bool:
        return not (self.lost or self.waiting or self.refused_and_taken or self.unexplained or self.unknown)

    def sentence(self) -> str:
        """For a person."""
        verdict = "balanced" if self.balanced else "NOT BALANCED"
        trouble = "".join(
            f"; {len(ids)} {name}: {', '.join(ids[:5])}"
            for name, ids in (
                ("LOST", self.lost),
                ("still waiting", self.waiting),
                ("refused and yet taken", self.refused_and_taken),
                ("with unexplained copies", self.unexplained),
                ("never sent", self.unknown),
            )
            if ids
        )
        return (
            f"{verdict}: {self.sent} sent in {self.attempts} attempts = {self.delivered} delivered, {self.held} held, "
            f"{self.refused} refused, {self.released} released; "
            f"{self.unclear} attempts cut off after the dot, {self.twins} twins{trouble}"
        )


@dataclass
class Ledger:
    """Every message of one lane by its Message-ID."""

    name: str
    sent: dict[str, Sent] = field(default_factory=dict)
    releases: defaultdict[str, Release] = field(default_factory=lambda: defaultdict(Release))

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)

    def fresh(self) -> str:
        """A new Message-ID, without its angle brackets, entered as sent."""
        message_id = f"{self.name}.{next(self._numbers)}@proof.test"
        self.sent[message_id] = Sent()
        return message_id

    def balance(self, delivered: Mapping[str, int], held: Mapping[str, int]) -> Balance:
        """Sender, next hop and quarantine side by side: how many copies of which message each of the latter has."""
        copies = Counter(delivered) + Counter(held)
        lost, waiting, both, unexplained, twins = [], [], [], [], 0
        for message_id, one in self.sent.items():
            have, release = copies[message_id], self.releases.get(message_id, Release())
            if not one.reply:
                waiting.append(message_id)
                continue
            taken = one.reply.startswith("2")
            if (taken and not have) or (release.done and not delivered.get(message_id)):
                lost.append(message_id)
            possible = taken + one.unclear + one.put_off + release.attempts
            if have > possible:
                (unexplained if taken else both).append(message_id)
            twins += max(0, have - 1 - release.done)
        return Balance(
            sent=len(self.sent),
            delivered=sum(1 for message_id in delivered if message_id in self.sent),
            held=sum(1 for message_id in held if message_id in self.sent),
            refused=sum(one.reply.startswith("5") for one in self.sent.values()),
            attempts=sum(one.attempts for one in self.sent.values()),
            unclear=sum(one.unclear for one in self.sent.values()),
            twins=twins,
            released=sum(release.done for release in self.releases.values()),
            lost=tuple(lost),
            waiting=tuple(waiting),
            refused_and_taken=tuple(both),
            unexplained=tuple(unexplained),
            unknown=tuple(sorted(copies.keys() - self.sent.keys())),
        )
