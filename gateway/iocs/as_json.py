"""Indicators as one JSON array, an object a line. ASCII: a terminal is safe with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from gateway.iocs import Indicator


def write(indicators: list[Indicator], made: datetime) -> Iterator[str]:
    """The array."""
    del made
    yield "["
    for number, one in enumerate(indicators):
        yield ",\n" if number else "\n"
        yield json.dumps(fields(one))
    yield "\n]\n"


def fields(one: Indicator) -> dict[str, object]:
    """One indicator."""
    return {
        "type": one.kind.value,
        "value": one.value,
        "verdict": one.verdict.label,
        "first_seen": one.first_seen.isoformat(),
        "last_seen": one.last_seen.isoformat(),
        "messages": one.messages,
        "names": list(one.names),
        "held": list(one.held),
    }
