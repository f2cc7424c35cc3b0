"""Disarm: the document without what runs in it.

Contract: ``disarm`` returns a document in which the scan finds nothing any more, or raises ``CannotDisarm`` with a
sentence for a person; nothing else comes out of it, and never the document as it was. Whatever a disarmer claims, its
result is looked into like any file that arrives. One budget is shared by everything inside one another.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.closed_sets import FileType, Verdict
from gateway.message import Report, clip
from gateway.scan import sniff
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.disarm import compressed, flat_xml, locked, odf, ole, ooxml, rtf, spreadsheetml, tar, web_archive
from gateway.scan.disarm import zip as zip_file
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, Disarmer, NothingToDisarm
from gateway.scan.families import OLE_TYPES
from gateway.scan.passwords import Passwords
from gateway.scan.triggers import ScanRules

__all__ = ["DISARMERS", "CannotDisarm", "Disarmed", "disarm"]

DISARMERS: tuple[tuple[frozenset[FileType], Disarmer], ...] = (
    (ooxml.TYPES, ooxml.disarm),
    (zip_file.TYPES, zip_file.disarm),
    (compressed.TYPES, compressed.disarm),
    (tar.TYPES, tar.disarm),
    (flat_xml.TYPES, flat_xml.disarm),
    (rtf.TYPES, rtf.disarm),
    (web_archive.TYPES, web_archive.disarm),
    (spreadsheetml.TYPES, spreadsheetml.disarm),
    (odf.TYPES, odf.disarm),
    (ole.TYPES, ole.disarm),
)
"""Which types can be disarmed, and by whom."""


MAX_SENTENCE = 300
"""Letters of a refusal."""


def disarm(content: bytes, name: str, *, rules: ScanRules, limits: Limits, passwords: Passwords) -> Disarmed:
    """The document called ``name`` without what runs in it. Raises ``CannotDisarm`` and nothing else."""
    try:
        return _Work(rules, Budget(limits), passwords, 0).disarmed(content, name)
    except OverLimit as limit:
        raise CannotDisarm(clip(f"{name or 'the document'} {limit}", MAX_SENTENCE)) from limit
    except CannotDisarm as refusal:
        raise CannotDisarm(clip(str(refusal), MAX_SENTENCE)) from refusal  # names in it are the sender's


class _Work:
    """One level of documents inside documents (``parts.Work``)."""

    def __init__(self, rules: ScanRules, budget: Budget, passwords: Passwords, depth: int) -> None:
        self.rules = rules
        self.budget = budget
        self.passwords = passwords
        self._depth = depth

    def is_clean(self, content: bytes, name: str) -> bool:
        self.budget.spend_file()
        return self._examined(content, name).verdict is Verdict.CLEAN

    def inner(self, content: bytes, name: str) -> Disarmed | None:
        self.budget.check_depth(self._depth + 1)
        if self.is_clean(content, name):
            return None
        try:
            return _Work(self.rules, self.budget, self.passwords, self._depth + 1).disarmed(content, name)
        except NothingToDisarm:
            return None

    def disarmed(self, content: bytes, name: str) -> Disarmed:
        kind = sniff.sniff(content)
        disarmer = next((function for types, function in DISARMERS if kind in types), None)
        if kind in OLE_TYPES and locked.is_locked(content):
            disarmer = locked.disarm  # the compound file is only around the document
        elif kind is FileType.XLS and locked.is_locked_workbook(content, self.budget):
            disarmer = locked.disarm_workbook
        if disarmer is None:
            raise CannotDisarm(f"{name or 'a document'}: nothing can be taken out of a file of the type {kind}")
        try:
            result = disarmer(content, name, self)
        except (CannotDisarm, OverLimit, MemoryError):
            raise
        except Exception as error:
            raise CannotDisarm(f"{name or 'the document'} could not be taken apart: {type(error).__name__}") from error
        self._check(result)
        return result

    def _check(self, result: Disarmed) -> None:
        report = self._examined(result.content, result.name)
        if report.verdict is Verdict.CLEAN:
            return
        worst = max(report.findings, key=lambda finding: finding.verdict, default=None)
        raise CannotDisarm(f"the changed document still shows: {worst.detail if worst else report.verdict.label}")

    def _examined(self, content: bytes, name: str) -> Report:
        from gateway.scan import examine  # the scan is what rewrites, too; only the check looks back at it

        limits = replace(self.budget.limits, seconds=self.budget.seconds_left)
        known = tuple(candidate.text for candidate in self.passwords.opened)
        return examine(content, rules=self.rules, limits=limits, name=name, mail=False, passwords=known)
