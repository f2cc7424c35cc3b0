from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from gateway.closed_sets import HeldState
from gateway.quarantine import HeldNotFound, MessageDamaged, NotPossible, QuarantineError
from gateway.quarantine.journal import What
from gateway.quarantine.ledger import Ledger, Step, require, sentence
from gateway.quarantine.models import Files
from tests.unit.quarantine.made import ID, OTHER, keep, opened


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with opened(tmp_path) as store:
        await keep(store)
        yield store._ledger


def delete(files: Files) -> Step:
    require(files, HeldState.HELD)
    return Step(What.DELETED, HeldState.DELETED, "gone")


async def test_a_change_is_in_journal_and_index(ledger: Ledger) -> None:
    files = await ledger.change(ID, who="ann", why="spam", step=delete)
    assert files.journal.state is HeldState.DELETED
    assert await ledger.read(ID) == files
    message = await ledger.index.get(ID)
    assert (message.state, message.note) == (HeldState.DELETED, "deleted: gone")
    assert await ledger.index.digests(ID) == [entry.digest for entry in files.journal.entries]


async def test_a_step_that_is_refused_changes_nothing(ledger: Ledger) -> None:
    await ledger.change(ID, who="ann", why="spam", step=delete)
    before = await ledger.read(ID)
    with pytest.raises(NotPossible, match=r"is deleted \(deleted by ann, .*Z\); this needs it to be held"):
        await ledger.change(ID, who="bob", why="spam", step=delete)
    assert await ledger.read(ID) == before


async def test_a_journal_that_cannot_be_written_changes_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_held_id: str, _line: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledger.blobs, "append_journal", full)
    with pytest.raises(QuarantineError, match="could not be changed: No space left"):
        await ledger.change(ID, who="ann", why="spam", step=delete)
    assert (await ledger.index.get(ID)).state is HeldState.HELD
    assert (await ledger.read(ID)).journal.state is HeldState.HELD


async def test_a_commit_that_fails_after_the_line_is_made_good_by_the_next_change(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise OperationalError("UPDATE", {}, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr("gateway.quarantine.ledger.refresh", failing)
    with pytest.raises(QuarantineError, match="disk I/O error"):
        await ledger.change(ID, who="ann", why="x", step=lambda _: Step(What.WITHDRAWN, HeldState.HELD))
    monkeypatch.undo()
    assert len(await ledger.index.digests(ID)) == 1
    files = await ledger.change(ID, who="bob", why="spam", step=delete)
    assert [entry.who for entry in files.journal.entries[1:]] == ["ann", "bob"]
    assert files.journal.intact
    assert await ledger.index.digests(ID) == [entry.digest for entry in files.journal.entries]


async def test_what_is_not_there(ledger: Ledger) -> None:
    with pytest.raises(HeldNotFound):
        await ledger.change(OTHER, who="ann", why="x", step=delete)
    with pytest.raises(MessageDamaged):
        await ledger.read(OTHER)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (TimeoutError(), "the quarantine was busy for too long"),
        (OperationalError("SELECT secret", {"a": "b"}, sqlite3.OperationalError("locked")), "locked"),
        (ValueError(), "ValueError"),
        (ValueError("\x1b[2J" + "x" * 1000), "?[2J" + "x" * 295 + "…"),
    ],
)
def test_errors_become_sentences(error: Exception, words: str) -> None:
    assert sentence(error) == words
