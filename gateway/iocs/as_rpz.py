"""The domains as a response policy zone, for a DNS sinkhole: BIND, Unbound, PowerDNS Recursor, Knot Resolver read it.

Each name and everything below it is answered with NXDOMAIN (``CNAME .``). The zone has no origin of its own: it has the
name under which the server loads it. Only names that need no escaping come here, and nothing else a stranger wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gateway.iocs import Indicator, IocKind


def write(indicators: list[Indicator], made: datetime) -> Iterator[str]:
    """The zone. Its serial is ``made``, in UNIX time, so that a later one is newer."""
    yield f"; {made:%Y-%m-%d %H:%M} UTC, domains named in mail that Macrogate stopped\n$TTL 300\n"
    yield f"@ IN SOA localhost. root.localhost. {int(made.timestamp())} 3600 600 604800 300\n@ IN NS localhost.\n"
    for one in indicators:
        if one.kind is IocKind.DOMAIN:
            yield f"{one.value} IN CNAME .\n*.{one.value} IN CNAME .\n"
