"""Indicators of compromise out of stopped mail, in the formats other programs read.

Contract: pure functions of the records handed in; nothing is looked up or fetched. What is written was written by
attackers: each format escapes it in its own way, and what cannot be said safely is left out and counted. The same
indicators give the same bytes, but for the time an export was made.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from types import MappingProxyType

from gateway.closed_sets import Verdict


class IocKind(enum.StrEnum):
    """What an indicator is."""

    SHA256 = "sha256"
    """Of a part as it was attached or packed, in hex."""
    URL = "url"
    DOMAIN = "domain"
    """A host name in its ASCII form, in small letters; never a public suffix."""
    IP = "ip"
    """An address of the public Internet."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One thing that was seen in stopped mail. ``names`` are the file names of a hash, ``held`` ids of the messages it
    was in, the newest first; both are bounded. Times are UTC."""

    kind: IocKind
    value: str
    verdict: Verdict
    first_seen: datetime
    last_seen: datetime
    messages: int
    names: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


Writer = Callable[[list[Indicator], datetime], Iterator[str]]

FORMATS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "json": ("gateway.iocs.as_json", "application/json", ".json"),
        "csv": ("gateway.iocs.as_csv", "text/csv", ".csv"),
        "misp": ("gateway.iocs.as_misp", "application/json", ".misp.json"),
        "stix": ("gateway.iocs.as_stix", "application/stix+json;version=2.1", ".stix.json"),
        "rpz": ("gateway.iocs.as_rpz", "text/dns", ".zone"),
    }
)
"""By name: the module with its ``write``, its media type, what its files end in."""


def export(form: str, indicators: Iterable[Indicator], made: datetime) -> Iterator[str]:
    """The text of ``indicators`` in the format ``form``, piece by piece; ``made`` is now. Raises ``KeyError`` for a
    format nobody knows."""
    write: Writer = import_module(FORMATS[form][0]).write
    return write(list(indicators), made)
