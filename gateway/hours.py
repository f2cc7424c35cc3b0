"""What became of the mail of the last 24 hours, hour by hour, and what went wrong: the figures of the start page.

Contract: in memory only, from the start of the gateway on, and never more than ``HOURS`` hours of one number for each
``Fate`` and ``Mishap``. A clock that is set loses hours and breaks nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum

from gateway.closed_sets import Action
from gateway.message import Outcome

HOURS = 24
HOUR = 3600


class Fate(StrEnum):
    """What became of a message, as its client was told."""

    PASSED = "passed"
    TAGGED = "tagged"
    DISARMED = "disarmed"
    HELD = "held"
    REFUSED = "refused"
    DEFERRED = "deferred"


class Mishap(StrEnum):
    """What should not happen."""

    WORKER_DIED = "worker-died"
    NOT_KEPT = "not-kept"
    UNEXAMINED = "unexamined"
    """Delivered without a verdict."""
    LINE_LOST = "line-lost"


FATES = {
    Action.DELIVER: Fate.PASSED,
    Action.TAG: Fate.TAGGED,
    Action.STRIP: Fate.DISARMED,
    Action.DISARM: Fate.DISARMED,
    Action.QUARANTINE: Fate.HELD,
}


def fate(outcome: Outcome) -> Fate:
    """Whatever was decided: what the next hop or the quarantine did not take is refused or put off."""
    if outcome.reply.positive and outcome.decision.action in FATES:
        return FATES[outcome.decision.action]
    return Fate.REFUSED if outcome.reply.code >= 500 else Fate.DEFERRED


class Hours:
    """The counts. ``clock`` gives UNIX time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._counts: dict[int, Counter[Fate | Mishap]] = {}
        self.since = datetime.fromtimestamp(clock(), UTC)
        """When counting began."""
        self.last: datetime | None = None
        """When the last message came to its end."""

    def message(self, outcome: Outcome) -> None:
        """Count one message that came to its end."""
        self.last = datetime.fromtimestamp(self._clock(), UTC)
        self.count(fate(outcome))

    def count(self, what: Fate | Mishap, number: int = 1) -> None:
        """Count in the present hour."""
        hour = self._hour()
        if hour not in self._counts:
            self._counts[hour] = Counter()
            for old in [known for known in self._counts if not hour - HOURS < known <= hour]:
                del self._counts[old]
        self._counts[hour][what] += number

    def of(self, what: Fate | Mishap) -> tuple[int, ...]:
        """By hour, the present one last."""
        hour = self._hour()
        return tuple(self._counts.get(at, Counter())[what] for at in range(hour - HOURS + 1, hour + 1))

    def lately(self, what: Fate | Mishap) -> int:
        """In this hour and the one before."""
        return sum(self.of(what)[-2:])

    def _hour(self) -> int:
        return int(self._clock() // HOUR)
