"""A disarmer of one document, in the place of the real ones: what is around the document is tested here."""

from __future__ import annotations

import pytest

from gateway import samples
from gateway.closed_sets import FileType
from gateway.scan import Limits, disarm
from gateway.scan.disarm import Disarmed
from gateway.scan.disarm.parts import Work
from gateway.scan.passwords import Passwords
from tests.makers.looks import RULES

ARMED, QUIET = samples.docm_autoopen(), samples.docx()


def documents(content: bytes, name: str, work: Work) -> Disarmed:
    """Whatever the document was, it is ``QUIET`` now."""
    new = name[: -len("m")] + "x" if name.endswith("docm") else name
    return Disarmed(QUIET, new, "application/vnd.openxmlformats-officedocument", ("its macros",))


def use(monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple((types - {FileType.DOCM}, function) for types, function in disarm.DISARMERS)
    monkeypatch.setattr(disarm, "DISARMERS", ((frozenset({FileType.DOCM}), documents), *others))


def run(content: bytes, name: str, *passwords: str) -> Disarmed:
    """The document disarmed; ``passwords`` are those of the configuration."""
    return disarm.disarm(content, name, rules=RULES, limits=Limits(), passwords=Passwords(20, passwords))
