"""Indicators as CSV (``gateway.spreadsheet``), every field quoted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gateway.iocs import Indicator
from gateway.iocs.as_json import fields
from gateway.spreadsheet import line

COLUMNS = ("type", "value", "verdict", "first_seen", "last_seen", "messages", "names", "held")


def write(indicators: list[Indicator], made: datetime) -> Iterator[str]:
    """A head line and one line each."""
    del made
    yield line(COLUMNS)
    for one in indicators:
        told = fields(one) | {"names": " ".join(one.names), "held": " ".join(one.held)}
        yield line([str(told[column]) for column in COLUMNS])
