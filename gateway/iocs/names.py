"""Addresses in what attackers wrote: which URLs, and what a host is.

Contract: pure and bounded, never raises. ``urls`` finds addresses in a text, ``host_of`` says what the host of one is:
an address of the public Internet, a name that can be in DNS, or why it is neither.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, urlsplit

from publicsuffixlist import PublicSuffixList

MAX_TEXT = 4096
"""Characters of one text that are looked through."""

_URL = re.compile(r"\b(?:https?|ftps?)://[^\s\"'<>|{}\\^`]{1,2000}", re.IGNORECASE)
_NEXT = re.compile(r"[@,*;!#+]+(?=(?:https?|ftp)://)", re.IGNORECASE)
"""Loaders carry lists of addresses in one string, split at such a character when they run."""
_SHARE = re.compile(r"(?<![\\\w:])\\\\([\w.-]{1,255})(?:@\w{1,8}){0,2}\\", re.ASCII)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBERS = re.compile(r"[0-9a-fx.]+")

LONGEST_NAME = 200
"""Characters of a name: 253 less what the name of a zone may take."""


@dataclass(frozen=True, slots=True)
class Host:
    """``name`` or ``address``, or neither and ``why``."""

    name: str = ""
    address: str = ""
    why: str = ""


def urls(text: str) -> Iterator[str]:
    """Every address of the web and of FTP in ``text``, whole. One that was cut short is none, unless its host is."""
    for match in _URL.finditer(text[:MAX_TEXT]):
        for part in _NEXT.split(match[0]):
            yield part.rstrip(".,;:!?)]*@…") + ("…" if "…" in part else "")


def shares(text: str) -> Iterator[str]:
    """The hosts of ``\\\\host\\share`` and ``\\\\host@SSL\\share``."""
    for match in _SHARE.finditer(text[:MAX_TEXT]):
        yield match[1]


def split(url: str) -> tuple[str, Host]:
    """The address as browsers ask for it, "" if it is not whole, and its host."""
    try:
        parts = urlsplit(url.rstrip("…"))
        raw, port = parts.hostname or "", parts.port
    except ValueError:
        return "", Host(why="no address")
    cut_in_host = "…" in url and not (parts.path or parts.query)
    host = Host(why="cut short") if cut_in_host else host_of(raw)
    if "…" in url or host.why:
        return "", host
    shown = host.name or (f"[{host.address}]" if ":" in host.address else host.address)
    place = f"{shown}:{port}" if port is not None else shown
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"
    query = f"?{quote(parts.query, safe='/?%:@!$&()*+,;=~-._')}" if parts.query else ""
    return f"{parts.scheme.lower()}://{place}{path}{query}", host


def host_of(raw: str) -> Host:
    """What ``raw`` is."""
    if found := _address(raw):
        return Host(address=str(found)) if found.is_global else Host(why="no address of the public Internet")
    name = raw.rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii").lower()
        except UnicodeError:
            return Host(why="no name for DNS")
    labels = name.split(".")
    if len(name) > LONGEST_NAME or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        return Host(why="no name for DNS")
    suffixes = _suffixes()
    if suffixes.publicsuffix(name, accept_unknown=False) is None:
        return Host(why="no name of the public DNS")
    if suffixes.privatesuffix(name, accept_unknown=False) is None:
        return Host(why="a public suffix")
    return Host(name=name)


def _address(raw: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(raw)
    except ValueError:
        pass
    if not _NUMBERS.fullmatch(raw.lower()):
        return None
    try:
        return IPv4Address(socket.inet_aton(raw))  # 0xc12a24f5 and 0301.052.044.0365, as browsers read them
    except (OSError, UnicodeError):
        return None


def registered(hostname: str) -> tuple[str, ...]:
    """The domain that a machine is in, if it is in one that somebody can have."""
    domain = _suffixes().privatesuffix(hostname.lower())
    return (domain,) if domain else ()


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
