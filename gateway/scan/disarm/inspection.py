"""What the scan says about one stream of a document, asked for while the document is taken apart.

Contract: an ``Inspection`` is a ``Look`` that keeps what is reported, and what is handed on, instead of looking into
it. So what a disarmer takes out is decided by the same code that would have stopped the document.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.message import Finding
from gateway.scan import sniff
from gateway.scan.budget import Budget
from gateway.scan.disarm.parts import Work
from gateway.scan.look import Blob
from gateway.scan.passwords import Passwords
from gateway.scan.triggers import ScanRules


class Inspection:
    """The ``Look`` of one stream."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.findings: list[Finding] = []
        self.inside: list[tuple[bytes, str]] = []
        """What was found in the stream, and its name."""

    @property
    def rules(self) -> ScanRules:
        return self._work.rules

    @property
    def budget(self) -> Budget:
        return self._work.budget

    @property
    def passwords(self) -> Passwords:
        return self._work.passwords

    @property
    def is_bad(self) -> bool:
        """Whether anything was reported that is not clean."""
        return any(finding.verdict > Verdict.CLEAN for finding in self.findings)

    def find(
        self,
        kind: Kind,
        where: str,
        detail: str,
        *,
        reference: str = "",
        excerpt: str = "",
        fingerprint: str = "",
        indicators: Iterable[str] = (),
        verdict: Verdict | None = None,
    ) -> None:
        """See ``Look.find``."""
        finding = Finding.of(
            kind,
            where,
            detail,
            reference=reference,
            excerpt=excerpt,
            fingerprint=fingerprint,
            indicators=indicators,
            verdict=verdict,
        )
        self.findings.append(finding)

    def match_rules(self, where: str, content: bytes, filetype: str) -> None:
        """Nothing: the rules are asked when the whole document is looked into again."""

    def descend(self, parent: Blob, data: bytes | memoryview, name: str) -> FileType:  # noqa: ARG002  of the protocol
        """See ``Look.descend``."""
        self.inside.append((bytes(data), name))
        return sniff.sniff(data)
