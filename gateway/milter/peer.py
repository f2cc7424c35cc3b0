"""Who is on the other side of a milter connection, and for which client it speaks.

Contract: an address is an IP literal as the rest of the gateway writes it, or "". Having no address passes for trust
only on a UNIX socket, whose file has permissions.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from gateway.message import Client
from gateway.milter.packets import Connect
from gateway.milter.words import Family


class Peer:
    """The MTA's end of one connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._socket: socket.socket = writer.get_extra_info("socket")
        self._local: bool = self._socket.family == socket.AF_UNIX
        name = writer.get_extra_info("peername")
        self.client = Client(address=_plain(str(name[0])), port=int(name[1])) if isinstance(name, tuple) else Client()

    def welcome(self, trusted: Iterable[IPv4Network | IPv6Network]) -> bool:
        """Whether it is this machine, or one of the networks that are ``trusted``."""
        if self._local or not self.client.address:
            return self._local
        address = ip_address(self.client.address)
        return address.is_loopback or any(address in network for network in trusted)

    def hurry(self) -> None:
        """An MTA writes a message in pieces and waits for each to be acknowledged (Nagle), which the kernel delays:
        40 ms a message over TCP, unless it is told again after every read."""
        if not self._local:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def client_of(event: Connect) -> Client:
    """The SMTP client. Postfix writes "unknown", Sendmail the address in brackets where a name was not verified."""
    name = "" if event.name.lower() == "unknown" or event.name.startswith("[") else event.name
    by_ip = event.family in {Family.INET, Family.INET6}
    return Client(address=_plain(event.address) if by_ip else "", port=event.port, name=name)


def _plain(text: str) -> str:
    """An IP address as the rest of the gateway writes it; "" for anything else."""
    try:
        address = ip_address(text.removeprefix("IPv6:").removeprefix("IPV6:").partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
