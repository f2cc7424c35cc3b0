"""TXT records by way of DNS, for many names at once and never for longer than was agreed.

Contract: ``Resolver.look_up`` answers for every name within ``seconds``, whatever the servers do, and raises nothing
but cancellation. No answer in time, SERVFAIL, a loop of aliases and the like are ``temperror``; what will not get
better by waiting (records of an absurd size) is ``permerror``; that there is no such name is an answer. Answers are
remembered for as long as their TTL says, within bounds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver
from cachetools import LRUCache

from gateway.closed_sets import AuthResult
from gateway.message import Answer, clip

MAX_RECORD: Final = 8192
"""Bytes of one TXT record. An RSA key of 8192 bits has some 1400."""
MAX_RECORDS: Final = 10
"""Of one name."""
MAX_TEXT: Final = 300_000
"""Characters of all records for one message. As JSON they take twice the room at the most, and fit into a frame."""
TOO_MUCH: Final = "DNS has more text for this message than can be meant"
MAX_REMEMBERED: Final = 5000
MAX_TTL: Final = 3600
MIN_TTL: Final = 30
FAILED_TTL: Final = 15
"""Seconds for which a name is not asked again after it could not be answered."""
AT_ONCE: Final = 20
"""Questions of one message on their way at the same time."""


class Resolver:
    """One cache, and the servers of ``/etc/resolv.conf`` or those given as ``ADDRESS`` or ``ADDRESS:PORT``."""

    def __init__(self, servers: Collection[str] = ()) -> None:
        self._servers = tuple(servers)
        self._resolver: dns.asyncresolver.Resolver | None = None
        self._known: LRUCache[str, tuple[float, Answer]] = LRUCache(MAX_REMEMBERED)

    async def look_up(self, names: Collection[str], seconds: float) -> tuple[Answer, ...]:
        """The TXT records of ``names``, in their order."""
        deadline = time.monotonic() + seconds
        gate = asyncio.Semaphore(AT_ONCE)
        return _bounded(await asyncio.gather(*(self._one(name, deadline, gate) for name in names)))

    async def _one(self, name: str, deadline: float, gate: asyncio.Semaphore) -> Answer:
        until, known = self._known.get(name, (0.0, None))
        if known is not None and time.monotonic() < until:
            return known
        try:
            async with asyncio.timeout(deadline - time.monotonic()), gate:
                answer, ttl = await self._ask(name, deadline)
        except TimeoutError:
            return Answer(name, AuthResult.TEMPERROR, reason="DNS did not answer in time")
        self._known[name] = (time.monotonic() + ttl, answer)
        return answer

    async def _ask(self, name: str, deadline: float) -> tuple[Answer, float]:
        """An answer, and for how many seconds it is good."""
        try:
            question = dns.name.from_text(name)
            found = await self._servers_in_use().resolve(
                question, "TXT", lifetime=max(0.01, deadline - time.monotonic()), search=False
            )
        except dns.resolver.NXDOMAIN:
            return Answer(name, AuthResult.PASS), MIN_TTL
        except (dns.resolver.NoAnswer, dns.resolver.YXDOMAIN):
            return Answer(name, AuthResult.PASS), MIN_TTL
        except dns.resolver.LifetimeTimeout:
            return Answer(name, AuthResult.TEMPERROR, reason="DNS did not answer in time"), FAILED_TTL
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel) as error:
            return Answer(name, AuthResult.PERMERROR, reason=_sentence(error)), MIN_TTL
        except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
            return Answer(name, AuthResult.TEMPERROR, reason=_sentence(error)), FAILED_TTL
        return _answer(name, found), min(max(found.rrset.ttl if found.rrset else 0, MIN_TTL), MAX_TTL)

    def _servers_in_use(self) -> dns.asyncresolver.Resolver:
        """Raises ``dns.resolver.NoResolverConfiguration``, a ``DNSException``."""
        if self._resolver is None:
            resolver = dns.asyncresolver.Resolver(configure=not self._servers)
            if self._servers:
                pairs = [_address(server) for server in self._servers]
                resolver.nameservers = [address for address, _ in pairs]
                resolver.nameserver_ports = dict(pairs)
            resolver.timeout = 1.5
            self._resolver = resolver
        return self._resolver


def _address(server: str) -> tuple[str, int]:
    """``192.0.2.1``, ``192.0.2.1:5353``, ``2001:db8::1`` or ``[2001:db8::1]:5353``."""
    if server.startswith("["):
        host, _, port = server[1:].partition("]")
        return host, int(port.lstrip(":") or 53)
    host, colon, port = server.partition(":")
    return (host, int(port)) if colon and ":" not in port else (server, 53)


def _bounded(answers: Iterable[Answer]) -> tuple[Answer, ...]:
    """``answers`` with no more text than a worker takes in one order."""
    bounded = []
    left = MAX_TEXT
    for answer in answers:
        left -= sum(map(len, answer.texts))
        bounded.append(answer if left >= 0 else Answer(answer.name, AuthResult.PERMERROR, reason=TOO_MUCH))
    return tuple(bounded)


def _answer(name: str, found: dns.resolver.Answer) -> Answer:
    texts: list[str] = []
    for record in found:
        text = b"".join(record.strings)
        if len(text) > MAX_RECORD or len(texts) >= MAX_RECORDS:
            return Answer(name, AuthResult.PERMERROR, reason=TOO_MUCH)
        texts.append(clip(text.decode("latin-1"), MAX_RECORD).encode("ascii", "replace").decode())
    return Answer(name, AuthResult.PASS, tuple(texts))


def _sentence(error: BaseException) -> str:
    return clip(f"DNS: {type(error).__name__}: {error}".replace("\n", " "), 150)
