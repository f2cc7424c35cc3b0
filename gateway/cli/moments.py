"""Times as people write them on a command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

from gateway.mistakes import duration


def moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """``2026-11-22``, ``2026-11-22T10:30`` (UTC unless it says otherwise), or how long ago: ``12h``, ``7d``."""
    if value is None:
        return None
    try:
        if re.fullmatch(r"[\d.]+[a-z]+", value):
            return datetime.now(UTC) - timedelta(seconds=duration(value))
        when = datetime.fromisoformat(value)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(
            f"{value!r} is no time; write 2026-11-22, 2026-11-22T10:30, or how long ago: 12h, 7d"
        ) from error
    return when if when.tzinfo else when.replace(tzinfo=UTC)
