"""Which macros come again and again: one campaign keeps its name through all its files (``Finding.fingerprint``).

Contract: counts the messages of the last 24 hours by the macro code in them, in steps of one hour and in memory only;
codes beyond ``MAX_KNOWN`` of one hour are not counted. Metrics are told the sizes by rank, never the names: those are
made of what strangers send, and would be as many.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable

HOURS = 24
MAX_KNOWN = 5000
"""Of one hour."""
HOUR = 3600.0


class Campaigns:
    """Messages by macro code. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hours: deque[tuple[int, Counter[str]]] = deque()

    def seen(self, fingerprints: Iterable[str]) -> None:
        """Count one message with this macro code in it; empty names are no code."""
        names = {name for name in fingerprints if name}
        if not names:
            return
        counts = self._this_hour()
        for name in names:
            if len(counts) < MAX_KNOWN or name in counts:
                counts[name] += 1

    def sizes(self) -> list[int]:
        """Messages of each campaign in the last 24 hours, the largest first."""
        self._forget()
        total: Counter[str] = Counter()
        for _, counts in self._hours:
            total.update(counts)
        return sorted(total.values(), reverse=True)

    def _this_hour(self) -> Counter[str]:
        self._forget()
        hour = int(self._clock() // HOUR)
        if not self._hours or self._hours[-1][0] != hour:
            self._hours.append((hour, Counter()))
        return self._hours[-1][1]

    def _forget(self) -> None:
        oldest = int(self._clock() // HOUR) - HOURS
        while self._hours and self._hours[0][0] <= oldest:
            self._hours.popleft()
