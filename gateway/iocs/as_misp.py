"""Indicators as one MISP event (MISP core format). For your organisation alone and not published, until somebody says
so.

Ids are name-based, so that the same export imported twice is one event. An attribute's id depends on its event, because
MISP knows each id once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID, uuid5

from gateway.iocs import Indicator, IocKind

NAMESPACE = UUID("6f6f2a6d-7a8c-4d55-9d0b-0c6d8b0f4a11")
"""Ours; a random number."""

TYPES = {
    IocKind.SHA256: ("sha256", "Payload delivery"),
    IocKind.URL: ("url", "Network activity"),
    IocKind.DOMAIN: ("domain", "Network activity"),
    IocKind.IP: ("ip-dst", "Network activity"),
}
"""MISP's type and category."""


def write(indicators: list[Indicator], made: datetime) -> Iterator[str]:
    """The event."""
    first = min((one.first_seen for one in indicators), default=made)
    last = max((one.last_seen for one in indicators), default=made)
    event_id = uuid5(NAMESPACE, f"event|{first.isoformat()}|{last.isoformat()}")
    head = {
        "uuid": str(event_id),
        "info": f"Mail stopped by Macrogate, {first:%Y-%m-%d} to {last:%Y-%m-%d}",
        "date": f"{first:%Y-%m-%d}",
        "timestamp": str(int(last.timestamp())),
        "threat_level_id": "4",
        "analysis": "0",
        "distribution": "0",
        "published": False,
    }
    yield '{"Event": ' + json.dumps(head)[:-1] + ', "Attribute": ['
    for number, one in enumerate(indicators):
        yield ",\n" if number else "\n"
        yield json.dumps(_attribute(one, event_id))
    yield "\n]}}\n"


def _attribute(one: Indicator, event_id: UUID) -> dict[str, object]:
    kind, category = TYPES[one.kind]
    names = f": {', '.join(one.names)}" if one.names else ""
    return {
        "uuid": str(uuid5(event_id, f"{kind}|{one.value}")),
        "type": kind,
        "category": category,
        "value": one.value,
        "to_ids": True,
        "comment": f"{one.verdict.label}, in {one.messages} stopped messages{names}",
        "timestamp": str(int(one.last_seen.timestamp())),
        "first_seen": one.first_seen.isoformat(timespec="microseconds"),
        "last_seen": one.last_seen.isoformat(timespec="microseconds"),
        "distribution": "5",
    }
