"""Indicators as a STIX 2.1 bundle: an Indicator and the observable it is about, for each.

Ids are name-based (UUIDv5), so that importing twice updates and never doubles: observables in the namespace and by the
properties the standard lays down (STIX 2.1 §2.9), the rest in a namespace of ours. Since the id of an Indicator says
nothing about when it was first exported, ``created`` is the same for all; ``modified`` is when it was last seen. A host
with an underscore is no ``domain-name`` there (RFC 1034 §3.5), so only its addresses are told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid5

from gateway.iocs import Indicator, IocKind
from gateway.iocs.as_misp import NAMESPACE

OBSERVABLES = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""STIX 2.1 §2.9."""

CREATED = datetime(2026, 1, 1, tzinfo=UTC)

IDENTITY = f"identity--{uuid5(NAMESPACE, 'identity')}"

Fields = dict[str, object]


def write(indicators: list[Indicator], made: datetime) -> Iterator[str]:
    """The bundle."""
    del made
    name = "\n".join(f"{one.kind}|{one.value}|{one.last_seen.isoformat()}" for one in indicators)
    yield f'{{"type": "bundle", "id": "bundle--{uuid5(NAMESPACE, f"bundle|{name}")}", "objects": [\n'
    yield json.dumps(_identity())
    for one in indicators:
        if one.kind is IocKind.DOMAIN and "_" in one.value:
            continue
        yield ",\n" + json.dumps(_indicator(one)) + ",\n" + json.dumps(_observable(one))
    yield "\n]}\n"


def _identity() -> Fields:
    moment = _time(CREATED)
    head = {"type": "identity", "spec_version": "2.1", "id": IDENTITY, "created": moment, "modified": moment}
    return {**head, "name": "Macrogate", "identity_class": "system", "description": "A mail gateway filter"}


def _indicator(one: Indicator) -> Fields:
    names = f", called {', '.join(one.names)}" if one.names else ""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid5(NAMESPACE, f'indicator|{one.kind}|{one.value}')}",
        "created_by_ref": IDENTITY,
        "created": _time(CREATED),
        "modified": _time(max(one.last_seen, CREATED)),
        "name": f"{one.kind} {one.value}",
        "description": f"In {one.messages} messages stopped by Macrogate ({one.verdict.label}){names}",
        "indicator_types": ["malicious-activity"],
        "pattern": pattern(one),
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": _time(one.first_seen),
    }


def pattern(one: Indicator) -> str:
    """STIX 2.1 §9: in a string literal, backslash and apostrophe stand behind a backslash."""
    value = one.value.replace("\\", "\\\\").replace("'", "\\'")
    path = "file:hashes.'SHA-256'" if one.kind is IocKind.SHA256 else f"{_object(one)}:value"
    return f"[{path} = '{value}']"


def _object(one: Indicator) -> str:
    if one.kind is IocKind.IP:
        return "ipv6-addr" if ":" in one.value else "ipv4-addr"
    return {IocKind.SHA256: "file", IocKind.URL: "url", IocKind.DOMAIN: "domain-name"}[one.kind]


def _observable(one: Indicator) -> Fields:
    kind = _object(one)
    told: Fields = {"hashes": {"SHA-256": one.value}} if one.kind is IocKind.SHA256 else {"value": one.value}
    name = json.dumps(told, separators=(",", ":"), ensure_ascii=False)  # RFC 8785, of one property
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{uuid5(OBSERVABLES, name)}", **told}


def _time(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"
