"""What the front remembers about content: documents already seen, and bodies that kill workers.

Contract: both are bounded and live in memory only. Neither trusts a worker further than this: a worker can make the
front remember that a document is bad, never that one is clean, so the worst a taken-over worker can teach is to stop
mail. Digests are SHA-256 over exact bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Final

from cachetools import LRUCache, TTLCache

from gateway.closed_sets import Verdict
from gateway.message import Finding, Report
from gateway.metrics import Metrics
from gateway.spool import CHUNK, Spool

MAX_MEMORY: Final = 128 << 20
"""Bytes, about: some 100 000 documents with the usual one finding. By weight, because a worker writes the strings."""
MAX_FINDINGS: Final = 20
"""Of one document; one with more is not remembered."""
MAX_LEARNT: Final = 50
"""Documents learnt from one report, so that comparing their paths stays below a millisecond."""
_FINDING_OVERHEAD: Final = 1000
"""Bytes of the objects around one finding's strings."""

MAX_BODIES: Final = 10_000
BODY_SECONDS: Final = 5 * 24 * 3600.0
"""As long as a sender usually tries again (RFC 5321 §4.5.4.1: at least 4-5 days)."""

_INLINE: Final = 256 * 1024
"""Bytes hashed on the event loop in less than a millisecond; more goes to a thread."""


class VerdictMemory:
    """Findings by document, for those that were auto-exec: a wave sends one document to everybody.

    ``edition`` (rules and engine) is part of the key, so nothing outlives the rules it was found with.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._seen: MutableMapping[tuple[str, str], tuple[Finding, ...]] = LRUCache(MAX_MEMORY, getsizeof=_weight)
        self._metrics = metrics

    def __len__(self) -> int:
        return len(self._seen)

    def recall(self, edition: str, sha256: str) -> tuple[Finding, ...] | None:
        """Findings whose ``where`` is relative to the document: "" is the document itself, "/x" what is inside it."""
        found = self._seen.get((edition, sha256))
        self._metrics.cache.labels("miss" if found is None else "hit").inc()
        return found

    def learn(self, edition: str, report: Report) -> None:
        """Keep what ``report`` says about each of its auto-exec documents."""
        if report.verdict is not Verdict.AUTOEXEC:
            return
        documents = [part for part in report.parts if part.verdict is Verdict.AUTOEXEC]
        for part in documents[:MAX_LEARNT]:
            found = [finding for finding in report.findings if _is_at(finding, part.where)]
            if 0 < len(found) <= MAX_FINDINGS:
                self._seen[edition, part.sha256] = tuple(_relative(finding, part.where) for finding in found)
        self._metrics.cache_entries.set(len(self._seen))


def _weight(findings: tuple[Finding, ...]) -> int:
    texts = (
        len(text) for one in findings for text in (one.where, one.detail, one.reference, one.excerpt, *one.indicators)
    )
    return sum(texts) + len(findings) * _FINDING_OVERHEAD


def _is_at(finding: Finding, where: str) -> bool:
    return finding.where == where or finding.where.startswith(f"{where}/")


def _relative(finding: Finding, where: str) -> Finding:
    return replace(finding, where=finding.where.removeprefix(where))


class PoisonList:
    """Bodies that cost workers (promise P11). After ``limit`` of them a body is poison."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures: MutableMapping[str, int] = TTLCache(MAX_BODIES, BODY_SECONDS)

    def __len__(self) -> int:
        return len(self._failures)

    def blame(self, digest: str) -> bool:
        """Count one more worker; whether that makes the body poison."""
        self._failures[digest] = self._failures.get(digest, 0) + 1
        return self.is_poison(digest)

    def is_poison(self, digest: str) -> bool:
        return self._failures.get(digest, 0) >= self._limit


async def body_digest(content: Spool) -> str:
    """SHA-256 in hex of what is below the first empty line: every new try of a sender arrives with another Received
    line, and every copy of a wave with another To."""
    if content.size <= _INLINE:
        return _body_digest(content)
    return await asyncio.to_thread(_body_digest, content)


def _body_digest(content: Spool) -> str:
    above, separator, _ = content.read(0, CHUNK).partition(b"\r\n\r\n")
    start = len(above) + len(separator) if separator else 0
    digest = hashlib.sha256()
    while start < content.size:
        digest.update(content.read(start, start + CHUNK))
        start += CHUNK
    return digest.hexdigest()
