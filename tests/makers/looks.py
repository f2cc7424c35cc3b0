"""A ``Look`` that only writes down what it is told, and small files that are certain to be found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.scan import sniff
from gateway.scan.budget import Budget, Limits
from gateway.scan.look import Blob, Look
from gateway.scan.passwords import Passwords
from gateway.scan.triggers import ScanRules

RULES_TOML = (Path(__file__).parents[2] / "rules" / "triggers.toml").read_text(encoding="utf-8")
RULES = ScanRules.parse(RULES_TOML)

SHORTCUT = bytes.fromhex("4C0000000114020000000000C000000000000046") + bytes(56) + b"inert"
"""The head of a Windows shortcut to nowhere: found by its content wherever the scan gets to see it."""


class Notes:
    """A ``Look`` that records; nothing it is handed is looked into."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.rules = RULES
        self.budget = Budget(limits or Limits())
        self.passwords = Passwords(self.budget.limits.seconds)
        self.found: list[tuple[Kind, str, str]] = []
        self.verdicts: list[Verdict | None] = []
        self.handed: list[tuple[str, bytes]] = []
        self.matched: list[tuple[str, bytes, str]] = []

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
        self.found.append((kind, where, detail))
        self.verdicts.append(verdict)

    def match_rules(self, where: str, content: bytes, filetype: str) -> None:
        self.matched.append((where, content, filetype))

    def descend(self, parent: Blob, data: bytes | memoryview, name: str) -> FileType:
        self.budget.spend_file()
        self.handed.append((name, bytes(data)))
        return sniff.sniff(data)

    @property
    def kinds(self) -> set[Kind]:
        return {kind for kind, _, _ in self.found}


def look(reader: Callable[[Blob, Look], None], data: bytes, *, name: str = "x", limits: Limits | None = None) -> Notes:
    """What ``reader`` says about ``data``."""
    notes = Notes(limits)
    reader(Blob(data, name, name), notes)
    return notes
