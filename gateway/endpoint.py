"""Places to listen on or to connect to, as the configuration writes them.

Contract: ``Endpoint.parse`` takes ``host:port``, ``[IPv6]:port``, ``unix:/path``, and each behind ``lmtp:``, and raises
``ValueError`` with the sentence to show for anything else. Names are never looked up.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

WILDCARDS = frozenset({"0.0.0.0", "::", "*"})  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``host`` and ``port``, or ``path`` of a UNIX socket."""

    host: str = ""
    port: int = 0
    path: str = ""
    lmtp: bool = False

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """The place behind a word of the configuration."""
        lmtp = text.startswith("lmtp:")
        rest = text.removeprefix("lmtp:")
        if rest.startswith("unix:"):
            path = rest.removeprefix("unix:")
            if not path.startswith("/"):
                raise ValueError(f"{text!r}: write the whole path of the socket, as in unix:/run/macrogate/smtp.sock")
            return cls(path=path, lmtp=lmtp)
        host, colon, port = rest.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        name = host[1:-1] if bracketed else host
        if not colon or not name or " " in name or (":" in name) is not bracketed:
            raise ValueError(f"{text!r} is no place; write host:port, [IPv6]:port or unix:/path")
        if not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise ValueError(f"{text!r}: {port!r} is no port number")
        return cls(host=name.lower(), port=int(port), lmtp=lmtp)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return ("lmtp:" if self.lmtp else "") + (f"unix:{self.path}" if self.path else f"{host}:{self.port}")

    @property
    def private(self) -> bool:
        """Whether only this machine can reach it."""
        if self.path or self.host == "localhost":
            return True
        address = _address(self.host)
        return address is not None and address.is_loopback

    def reaches(self, listener: Endpoint, own_names: Iterable[str] = ()) -> bool:
        """Whether connecting here ends at ``listener``; ``own_names`` are host names of this machine."""
        if self.path or listener.path:
            return self.path == listener.path
        if self.port != listener.port or self.port == 0:
            return False
        if listener.host in WILDCARDS:
            return self.private or self.host in (*WILDCARDS, *own_names) or _is_ours(self.host)
        return self.host == listener.host or (self.private and listener.private and _same_loopback(self, listener))


def _same_loopback(one: Endpoint, other: Endpoint) -> bool:
    """``localhost`` may be either loopback address; two different ones (127.0.0.1, 127.0.0.2) are two places."""
    return "localhost" in (one.host, other.host) or _address(one.host) == _address(other.host)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_ours(host: str) -> bool:
    """Whether an IP address is one of this machine's: the kernel answers a local address from that very address.

    Connecting a UDP socket sends nothing. Binding would not tell: with ``ip_nonlocal_bind``, usual beside keepalived,
    every address can be bound.
    """
    address = _address(host)
    if address is None:
        return False
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))
            return ip_address(probe.getsockname()[0].partition("%")[0]) == address
    except OSError:
        return False
