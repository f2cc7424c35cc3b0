"""Indicators as CSV (RFC 4180), every field quoted. Spreadsheets take a field that begins like a formula for one,
quoted or not, so an apostrophe stands before it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime

from gateway.iocs import Indicator
from gateway.iocs.as_json import fields

COLUMNS = ("type", "value", "verdict", "first_seen", "last_seen", "messages", "names", "held")

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
"""Beginnings of a formula; the wide forms are the same to a Japanese spreadsheet."""


def write(indicators: list[Indicator], made: datetime) -> Iterator[str]:
    """A head line and one line each."""
    del made
    yield _line(COLUMNS)
    for one in indicators:
        told = fields(one) | {"names": " ".join(one.names), "held": " ".join(one.held)}
        yield _line([cell(str(told[column])) for column in COLUMNS])


def cell(text: str) -> str:
    """``text`` as no spreadsheet takes it for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def _line(cells: tuple[str, ...] | list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(cells)
    return line.getvalue()
