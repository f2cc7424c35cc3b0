"""How things look on a page: times, sizes, addresses nobody can click, and the line of a macro that matters.

Contract: gives text or data, never markup; the templates escape everything. What is shown was written by attackers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.message import clip

_SCHEME = re.compile(r"\b(h)tt(ps?)://", re.IGNORECASE)
_DOT = re.compile(r"(?<=\w)\.(?=\w)")
_QUOTED = re.compile(r'"[^"]*"')


def when(moment: datetime) -> str:
    """UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def ago(moment: datetime, now: datetime) -> str:
    """``3 min ago``, ``5 h ago``, ``12 d ago``."""
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"


def size(octets: int) -> str:
    """``512 B``, ``49 KiB``, ``3.2 MiB``."""
    if octets < 1024:
        return f"{octets} B"
    return f"{octets / 1024:.0f} KiB" if octets < 1 << 20 else f"{octets / (1 << 20):.1f} MiB"


def defanged(text: str) -> str:
    """An address that no program takes for one: ``hxxp://evil[.]example/x``."""
    return _DOT.sub("[.]", _SCHEME.sub(r"\1xx\2://", clip(text, 300)))


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line of an excerpt; ``marked`` is the one the finding is about."""

    text: str
    marked: bool


def code(excerpt: str, detail: str) -> Iterator[CodeLine]:
    """The lines of a macro; the first that holds a procedure the finding names is marked, else the first at all."""
    lines = [clip(line, 400) for line in excerpt.split("\n")]
    words = {word.casefold() for word in re.findall(r"\w{4,}", detail)}
    marked = next((at for at, line in enumerate(lines) if _declares(line, words)), 0)
    return (CodeLine(line, at == marked) for at, line in enumerate(lines))


def _declares(line: str, words: set[str]) -> bool:
    bare = _QUOTED.sub("", line).casefold()
    return any(word in words for word in re.findall(r"(?:sub|function)\s+(\w+)", bare))


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of a small plot: position, height and what it stands for."""

    x: int
    height: float
    count: int
    label: str


def bars(counts: list[int], labels: list[str], height: int = 60) -> list[Bar]:
    """Bars of a plot ``height`` units high; the highest count reaches the top."""
    top = max([*counts, 1])
    return [
        Bar(at, round(height * count / top, 1), count, label)
        for at, (count, label) in enumerate(zip(counts, labels, strict=True))
    ]
