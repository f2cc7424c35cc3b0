"""Small plots of counts by hour, as numbers for a drawing (``templates/parts.html``).

Contract: pure; gives numbers and sentences, never markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 40
"""Of the highest bar."""
STEP = 10
"""From one hour to the next."""


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour in which something was counted: where it stands, how high, and what it says."""

    x: int
    height: float
    told: str


@dataclass(frozen=True, slots=True)
class Plot:
    """``bars`` of the hours that are not empty, and all of it in one sentence for who does not see it."""

    name: str
    total: int
    bars: tuple[Bar, ...]
    told: str


def plot(name: str, counts: Sequence[int], labels: Sequence[str]) -> Plot:
    """``counts`` of the hours that began at ``labels``. The highest reaches the top, and one message is seen beside
    thousands."""
    top = max([*counts, 1])
    bars = tuple(
        Bar(STEP * at, max(round(HEIGHT * count / top, 1), 2), f"{label}: {count:,}")
        for at, (count, label) in enumerate(zip(counts, labels, strict=True))
        if count
    )
    total = sum(counts)
    most = f", most in the hour from {labels[list(counts).index(top)]}: {top:,}" if total else ""
    return Plot(name, total, bars, f"{name}: {total:,} in {len(counts)} hours{most}")
