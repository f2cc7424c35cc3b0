"""What lies behind an archive is handed on unless it is padding; what was left out is told."""

import pytest

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.scan.budget import OverLimit
from gateway.scan.containers import leftovers
from gateway.scan.look import Blob, Corrupt
from tests.makers.looks import Notes


@pytest.mark.parametrize("padding", [b"", b"short", bytes(100), b" " * 100, b"\r\n" * 50])
def test_padding_is_not_handed_on(padding: bytes) -> None:
    notes = Notes()
    assert leftovers.hand_on(Blob(b"archive" + padding, "x"), 7, notes) is FileType.EMPTY
    assert notes.handed == []


def test_anything_else_is() -> None:
    notes = Notes()
    leftovers.hand_on(Blob(b"archive" + bytes(5) + b"a letter of some length", "x"), 7, notes)
    assert notes.handed == [("behind the end", b"a letter of some length")]


def test_much_padding_is_told_and_harms_nobody() -> None:
    notes = Notes()
    leftovers.tell_padding("x", 1000, notes)
    assert notes.found == []
    leftovers.tell_padding("x", 600 << 20, notes)
    assert notes.kinds == {Kind.LIMIT}
    assert notes.verdicts == [Verdict.CLEAN]


def test_trouble_of_one_member_is_a_finding_and_of_the_message_an_exception() -> None:
    notes = Notes()
    leftovers.tell_trouble(Corrupt("is broken"), "x", notes)
    leftovers.tell_trouble(OverLimit("is large", local=True), "x", notes)
    assert notes.kinds == {Kind.CORRUPT, Kind.LIMIT}
    with pytest.raises(OverLimit):
        leftovers.tell_trouble(OverLimit("is all too much"), "x", notes)
