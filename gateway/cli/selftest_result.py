"""What a check of one's own server found, and how fast it may ask."""

from __future__ import annotations

import enum
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

PAUSE_SECONDS: Final = 0.5
"""Between two sessions with a server that is not on this machine."""


class Verdict(enum.StrEnum):
    """The word in the table."""

    SAFE = "safe"
    HOLE = "HOLE"
    UNDECIDED = "?"
    NOT_OFFERED = "-"
    """The server has no such extension, so there is nothing to try."""


@dataclass(frozen=True, slots=True)
class Result:
    """``tried`` and ``answer`` are sentences."""

    tried: str
    answer: str
    verdict: Verdict


@dataclass(slots=True)
class Pace:
    """Holds the next session back until ``seconds`` after the last one began."""

    seconds: float
    _last: float = field(default=float("-inf"), init=False)

    def wait(self) -> None:
        """Until the next session may begin."""
        time.sleep(max(0.0, self._last + self.seconds - time.monotonic()))
        self._last = time.monotonic()


def exit_code(results: Iterable[Result]) -> int:
    """1 for a hole, 3 for something that could not be tried, else 0."""
    verdicts = {result.verdict for result in results}
    if Verdict.HOLE in verdicts:
        return 1
    return 3 if Verdict.UNDECIDED in verdicts or not verdicts else 0
