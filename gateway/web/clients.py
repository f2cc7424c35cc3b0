"""Which address a request comes from, when web servers in front pass it on.

Contract: pure. What ``X-Forwarded-For`` says counts only as far as it was written by a proxy that is trusted: it is
read from its end, and the first address that is no proxy of ours is the client. From anybody else it is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import Request

Networks = Sequence[IPv4Network | IPv6Network]


def address_of(request: Request, proxies: Networks) -> str:
    """The client's address; "" for a peer without one."""
    peer = request.client.host if request.client else ""
    if not _among(peer, proxies):
        return peer
    told = ",".join(request.headers.getlist("x-forwarded-for"))
    for word in reversed(told.split(",")):
        address = _parsed(word.strip())
        if address is None:
            break
        if not _among(str(address), proxies):
            return str(address)
        peer = str(address)
    return peer


def comes_from(request: Request, networks: Networks) -> bool:
    """Whether the very peer, whatever headers say, is among these."""
    return request.client is not None and _among(request.client.host, networks)


def is_local(address: str) -> bool:
    """Whether it is this machine's own."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


def _among(address: str, networks: Networks) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
