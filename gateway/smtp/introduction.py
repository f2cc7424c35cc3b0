"""How a next hop is told who the real client is: XCLIENT and XFORWARD (Postfix XCLIENT_README, XFORWARD_README).

Contract: pure text. Only attributes the hop lists are sent, unknown values as ``[UNAVAILABLE]``, every value xtext
encoded (RFC 3461 §4) so that nothing a client said can become a second attribute or command, every command at
most ``MAX_COMMAND`` octets with CRLF.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address, ip_address

from gateway.message import Client

MAX_COMMAND = 512
"""RFC 5321 §4.5.3.1.4."""

MAX_VALUE = 255
"""Octets before encoding (XFORWARD_README)."""

UNAVAILABLE = "[UNAVAILABLE]"

_ENCODED = re.compile(rb"[^!-~]|[+=]")

XCLIENT = ("NAME", "ADDR", "PORT", "PROTO", "HELO")
XFORWARD = (*XCLIENT, "IDENT", "SOURCE")


def attributes(client: Client, ident: str = "") -> dict[str, str]:
    """What is known about ``client``, by attribute name, in the words of Postfix but not yet encoded. ``ident`` is the
    id under which our own log knows the message."""
    known = {
        "NAME": client.name,
        "ADDR": _address(client.address),
        "PORT": str(client.port) if client.port else "",
        "PROTO": "ESMTP" if client.protocol.upper().startswith("E") else "SMTP",
        "HELO": client.helo,
        "IDENT": ident,
        "SOURCE": "REMOTE",
    }
    return {name: value if _plain(value) else UNAVAILABLE for name, value in known.items()}


def commands(verb: str, offered: str, known: Mapping[str, str], names: Iterable[str]) -> list[bytes]:
    """The commands that tell ``known``, as many as the length limit asks for. ``offered`` is the parameter of the EHLO
    keyword ``verb``: the attributes the hop takes. No commands if it takes none of ``names``."""
    taken = _words(offered)
    lines: list[bytes] = []
    line = start = verb.encode("ascii")
    for name in names:
        if name not in taken:
            continue
        word = b" " + name.encode("ascii") + b"=" + xtext(known[name])
        if line != start and len(line) + len(word) + 2 > MAX_COMMAND:
            lines.append(line + b"\r\n")
            line = start
        line += word
    return [*lines, line + b"\r\n"] if line != start else lines


def xtext(value: str) -> bytes:
    """RFC 3461 §4: ``+``, ``=`` and everything outside ``!`` to ``~`` as ``+`` and two upper-case hex digits. The
    brackets of ``[UNAVAILABLE]`` need none."""
    return _ENCODED.sub(lambda octet: b"+%02X" % ord(octet[0]), value.encode("ascii"))


@functools.lru_cache(maxsize=16)
def _words(offered: str) -> frozenset[str]:
    return frozenset(offered.upper().split())


@functools.lru_cache(maxsize=1024)
def _address(address: str) -> str:
    """Postfix wants ``IPV6:`` before an IPv6 literal; a mapped address is the IPv4 address it stands for."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped) if ip.ipv4_mapped else f"IPV6:{ip}"
    return str(ip)


def _plain(value: str) -> bool:
    """Printable ASCII without a blank. Anything else is no host name and is worth less than ``[UNAVAILABLE]``."""
    return 0 < len(value) <= MAX_VALUE and value.isascii() and value.isprintable() and " " not in value
