from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import HeldState
from gateway.quarantine.journal import Journal, What
from gateway.quarantine.sidecar import Record, encode
from tests.unit.quarantine.made import DECISION, ID, REPORT, transaction

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RECORD = Record(ID, NOW, transaction(), REPORT, DECISION, 52, "ef" * 32)
RAW = encode(RECORD)


def two_steps() -> Journal:
    journal = Journal.of(RECORD, RAW)
    journal = journal.followed_by(
        What.RELEASE_BEGUN, HeldState.RELEASING, at=NOW + timedelta(hours=1), who="ann", why="expected", detail="to one"
    )
    return journal.followed_by(
        What.RELEASE_FAILED, HeldState.HELD, at=NOW + timedelta(hours=2), who="ann", why="expected", delivered=(0,)
    )


def lines(journal: Journal) -> bytes:
    return b"".join(entry.line for entry in journal.entries[1:])


def test_a_new_message_is_held() -> None:
    journal = Journal.of(RECORD, RAW)
    assert (journal.state, journal.delivered, journal.intact) == (HeldState.HELD, frozenset(), True)
    assert journal.last.what is What.KEPT


def test_a_journal_comes_back_as_it_was() -> None:
    assert Journal.of(RECORD, RAW, lines(two_steps())) == two_steps()


def test_deliveries_add_up() -> None:
    again = two_steps().followed_by(What.RELEASED, HeldState.RELEASED, at=NOW, who="bob", why="x", delivered=(1,))
    assert again.delivered == {0, 1}


@pytest.mark.parametrize("end", range(len(two_steps().entries[1].line) + 1, len(lines(two_steps()))))
def test_a_torn_last_line_did_not_happen(end: int) -> None:
    journal = Journal.of(RECORD, RAW, lines(two_steps())[:end])
    # the line break is the last octet: without it the line is whole all the same
    whole = end == len(lines(two_steps())) - 1
    assert journal.state is (HeldState.HELD if whole else HeldState.RELEASING)
    assert journal.intact


@pytest.mark.parametrize("change", [(b"ann", b"bob"), (b"expected", b"forced"), (b'"held"', b'"released"')])
def test_a_changed_line_shows(change: tuple[bytes, bytes]) -> None:
    assert not Journal.of(RECORD, RAW, lines(two_steps()).replace(*change)).intact


def test_a_removed_line_shows() -> None:
    assert not Journal.of(RECORD, RAW, two_steps().entries[2].line).intact


def test_a_repeated_line_shows() -> None:
    assert not Journal.of(RECORD, RAW, two_steps().entries[1].line * 2).intact


def test_a_changed_record_shows() -> None:
    assert not Journal.of(RECORD, RAW + b" ", lines(two_steps())).intact


def test_words_of_people_are_bounded_and_printable() -> None:
    journal = Journal.of(RECORD, RAW).followed_by(
        What.DELETED, HeldState.DELETED, at=NOW, who="a\nb" * 100, why="\x1b[31m" + "x" * 9000
    )
    assert len(journal.last.who) == 100
    assert "\n" not in journal.last.who
    assert journal.last.why.startswith("?[31m")
    assert len(journal.last.why) == 500


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data: bytes) -> None:
    assert Journal.of(RECORD, RAW, data).entries[0].what is What.KEPT


@given(st.integers(0, len(lines(two_steps())) - 1), st.integers(0, 255))
def test_any_changed_octet_is_noticed_or_changes_nothing(position: int, value: int) -> None:
    data = bytearray(lines(two_steps()))
    data[position] = value
    journal = Journal.of(RECORD, RAW, bytes(data))
    same = journal.entries == two_steps().entries
    # a line that cannot be read any more counts as torn: the index still has its digest
    shorter = len(journal.entries) < 3
    assert same or shorter or not journal.intact
