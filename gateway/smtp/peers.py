"""Who is on the other side: trusted peers, limits on sessions, and clients that a trusted peer speaks for.

Contract: what a peer says about a client is validated before it becomes a ``Client``; anything odd raises
``CommandError``. A count of sessions can only be left by who entered it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from aiosmtpd.proxy_protocol import AF, V2_CMD, ProxyData

from gateway.message import Client
from gateway.smtp.protocol import CommandError, parse_attributes

XFORWARD_ATTRIBUTES = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE")
XCLIENT_ATTRIBUTES = ("NAME", "ADDR", "PORT", "PROTO", "HELO")

RESERVED_SHARE = 10
"""One session in so many is kept free for trusted peers."""


def client_at(peername: object) -> Client:
    """The client as the socket knows it; for a UNIX socket, whose peer has no name, one without an address."""
    if isinstance(peername, tuple) and len(peername) >= 2:
        return Client(address=_plain_address(str(peername[0])), port=int(peername[1]))
    return Client()


def client_behind_proxy(header: ProxyData, peer: Client) -> Client:
    """Whom the PROXY header speaks for: ``peer`` itself for a health check (v2 LOCAL) or an unknown protocol."""
    spoken_for = header.family in (AF.INET, AF.INET6) and header.command in (None, V2_CMD.PROXY)
    if not spoken_for or header.src_addr is None or header.src_port is None:
        return peer
    return Client(address=_plain_address(str(header.src_addr)), port=header.src_port)


def client_told(argument: str, verb: str, known: Client) -> Client:
    """``known``, changed by the attributes of one XFORWARD or XCLIENT command. Raises ``CommandError``."""
    allowed = XCLIENT_ATTRIBUTES if verb == "XCLIENT" else XFORWARD_ATTRIBUTES
    told = parse_attributes(argument, frozenset(allowed))
    client = known
    for name, value in told.items():
        match name:
            case "NAME":
                client = replace(client, name=value)
            case "HELO":
                client = replace(client, helo=value)
            case "ADDR":
                client = replace(client, address=_told_address(value))
            case "PORT":
                client = replace(client, port=_told_port(value))
            case "PROTO":
                client = replace(client, protocol="ESMTP" if value.upper().startswith("E") else "SMTP")
    return client


def _told_address(value: str) -> str:
    """Postfix writes ``IPV6:`` before an IPv6 literal."""
    if not value:
        return ""
    text = value[5:] if value.upper().startswith("IPV6:") else value
    try:
        return _plain_address(str(ip_address(text)))
    except ValueError:
        raise CommandError("501 5.5.4 Bad ADDR attribute") from None


def _told_port(value: str) -> int:
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and len(value) <= 5 and int(value) <= 65535):
        raise CommandError("501 5.5.4 Bad PORT attribute")
    return int(value)


def _plain_address(text: str) -> str:
    """Without a zone; ``::ffff:192.0.2.1`` as the IPv4 address it is, or no list of networks would match it."""
    address = ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


class Guests:
    """How many sessions there are, and from where."""

    def __init__(self, trusted: Iterable[IPv4Network | IPv6Network], most: int, most_per_client: int) -> None:
        self._total = 0
        self._by_origin: Counter[str] = Counter()
        self.expect(trusted, most, most_per_client)

    def expect(self, trusted: Iterable[IPv4Network | IPv6Network], most: int, most_per_client: int) -> None:
        """Whom to trust and how many to let in from now on; who is in stays in."""
        self._trusted = tuple(trusted)
        self._most = most
        self._most_per_client = most_per_client
        self._reserved = max(1, most // RESERVED_SHARE) if self._trusted else 0

    def trusts(self, client: Client) -> bool:
        """A trusted peer by its address, or by having reached a UNIX socket."""
        if not client.address:
            return True
        address = ip_address(client.address)
        return any(address in network for network in self._trusted)

    def enter(self, client: Client) -> bool:
        """Count a session in; False, and nothing counted, if there are too many."""
        trusted, origin = self.trusts(client), _origin(client)
        if self._total >= self._most - (0 if trusted else self._reserved):
            return False
        if not trusted and self._by_origin[origin] >= self._most_per_client:
            return False
        self._total += 1
        self._by_origin[origin] += 1
        return True

    def leave(self, client: Client) -> None:
        """Count a session out that ``enter`` let in under the same client."""
        origin = _origin(client)
        self._total -= 1
        self._by_origin[origin] -= 1
        if not self._by_origin[origin]:
            del self._by_origin[origin]


def _origin(client: Client) -> str:
    """One customer's IPv6 network is one origin, or the limit means nothing."""
    if ":" not in client.address:
        return client.address
    return str(IPv6Network((client.address, 64), strict=False))
