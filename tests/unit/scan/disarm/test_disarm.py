"""What comes out of disarming is clean, or does not come out at all."""

from __future__ import annotations

import pytest

from gateway import samples
from gateway.closed_sets import FileType
from gateway.scan import Limits, disarm
from gateway.scan.disarm import CannotDisarm, Disarmed
from gateway.scan.disarm.parts import Work
from gateway.scan.passwords import Passwords
from tests.makers.looks import RULES

ALL = frozenset(FileType)


def run(content: bytes, name: str = "x.docm") -> Disarmed:
    return disarm.disarm(content, name, rules=RULES, limits=Limits(), passwords=Passwords(20))


def use(monkeypatch: pytest.MonkeyPatch, function: object) -> None:
    monkeypatch.setattr(disarm, "DISARMERS", ((ALL, function),))


def test_what_nobody_can_disarm_is_said() -> None:
    with pytest.raises(CannotDisarm, match=r"x\.pdf: nothing can be taken out of a file of the type pdf"):
        run(b"%PDF-1.4\n", "x.pdf")


def test_a_result_that_is_not_clean_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, lambda content, name, _: Disarmed(content, name, "application/x", ("nothing",)))
    with pytest.raises(CannotDisarm, match=r"the changed document still shows: .*AutoOpen"):
        run(samples.docm_autoopen())


def test_a_bug_is_no_way_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(content: bytes, name: str, work: Work) -> Disarmed:
        raise IndexError("list index out of range")

    use(monkeypatch, broken)
    with pytest.raises(CannotDisarm, match=r"x\.docm could not be taken apart: IndexError"):
        run(samples.docm_autoopen())


def test_documents_in_documents_are_asked_about_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    def around(content: bytes, name: str, work: Work) -> Disarmed:
        assert work.inner(samples.docx(), "clean.docx") is None
        inner = work.inner(content, name)
        assert inner is not None
        return inner

    use(monkeypatch, around)
    with pytest.raises(CannotDisarm, match="is nested deeper than 8 levels"):
        run(samples.docm_autoopen())
