"""Whether all is well, as the start page and the API tell it.

Contract: words only; ``gateway.health`` finds out. What is here changes only when something has changed that a person
would see: a page is not sent again for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not well, in a sentence. ``part`` names it in a word, ``runbook`` the page that says what to
    do; ``grave``: mail is put off, or passes unexamined, because of it."""

    part: str
    sentence: str
    runbook: str
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes free on a disk; ``low`` is when somebody has to see to it. None where the disk cannot be asked."""

    what: str
    free: int | None
    runbook: str
    low: bool = False


@dataclass(frozen=True, slots=True)
class Today:
    """``held`` messages wait, the ``oldest`` since then; ``hours`` are those held in each of the last 24, which began
    at ``labels`` (from the index, so a restart is no gap). ``counts`` are messages by what became of them and by hour,
    counted ``since`` the gateway was started; ``last`` is when one came to its end."""

    held: int
    oldest: datetime | None
    hours: tuple[int, ...]
    labels: tuple[str, ...]
    counts: tuple[tuple[str, tuple[int, ...]], ...]
    since: datetime
    last: datetime | None
    troubles: tuple[Trouble, ...]
    workers: int
    busy: int
    hired: int
    """Workers there should be."""
    deaths: int
    """Of workers, in 24 hours."""
    next_hop: str
    rooms: tuple[Room, ...]

    @property
    def trouble(self) -> dict[str, str]:
        """Why mail cannot flow, by part; empty when it can."""
        return {trouble.part: trouble.sentence for trouble in self.troubles if trouble.grave}
