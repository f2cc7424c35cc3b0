from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway import failpoints
from gateway.closed_sets import HeldState, Verdict
from gateway.message import KeepFailed
from gateway.pipeline import Keeper
from gateway.quarantine import (
    Filters,
    HeldNotFound,
    MessageDamaged,
    NotPossible,
    Quarantine,
    QuarantineError,
    ReleaseFailed,
    StoreBusy,
    StoreRefused,
)
from gateway.quarantine.journal import What
from gateway.quarantine.schema import VERSION
from gateway.spool import Spool
from tests.unit.quarantine.made import BODY, DECISION, ID, OTHER, REPORT, Hop, keep, opened, transaction, urls


async def test_what_is_kept_is_told_completely(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        keeper: Keeper = store
        await keeper.keep(ID, transaction(), Spool.of(BODY), REPORT, DECISION)
        held = await store.get(ID)
        with await store.open_message(ID) as message:
            assert message.read() == BODY
    assert held.record.transaction == transaction()
    assert (held.record.report, held.record.decision) == (REPORT, DECISION)
    assert held.record.sha256 == hashlib.sha256(BODY).hexdigest()
    assert held.trusted
    shown = held.message
    assert (shown.state, shown.sender, shown.subject) == (HeldState.HELD, "sender@example.org", "請求書 for you")
    assert [recipient.address for recipient in shown.recipients] == ["one@example.com", "two@example.com"]
    assert (shown.verdict, shown.action, shown.size, shown.stored) == ("autoexec", "quarantine", len(BODY), len(BODY))
    assert (shown.duplicate_of, shown.recovered, shown.note) == (None, False, "")
    assert abs(datetime.now(UTC) - shown.kept_at) < timedelta(minutes=1)


async def test_a_large_message_is_kept_from_its_file(tmp_path: Path) -> None:
    body = os.urandom(3 << 20)
    async with opened(tmp_path) as store:
        await keep(store, body=body)
        with await store.open_message(ID) as message:
            assert message.read() == body


async def test_a_null_sender_and_no_recipients_are_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.keep(ID, transaction(sender=""), Spool.of(b""), REPORT, DECISION)
        assert (await store.get(ID)).message.sender == ""


async def test_octets_that_are_no_text_are_kept_in_the_record_and_shown_as_marks(tmp_path: Path) -> None:
    sender = b"caf\xe9@example.org".decode("utf-8", "surrogateescape")
    async with opened(tmp_path) as store:
        await keep(store, of=transaction("a\x00\x1b[31mb@example.com", sender=sender))
        held = await store.get(ID)
    assert held.record.transaction.envelope.sender == sender
    assert held.message.sender == "caf?@example.org"
    assert held.message.recipients[0].address == "a??[31mb@example.com"


async def test_the_same_id_is_not_kept_twice(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        with pytest.raises(KeepFailed):
            await keep(store, body=b"other")
        with await store.open_message(ID) as message:
            assert message.read() == BODY


async def test_a_message_sent_again_is_marked_as_probable_duplicate(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await keep(store, OTHER, of=transaction("two@example.com", "one@example.com"))
        await keep(store, "bb" * 8, of=transaction("one@example.com"))
        await keep(store, "cc" * 8, body=b"something else")
        marks = {message.id: message.duplicate_of for message in await store.find()}
    assert marks == {ID: None, OTHER: ID, "bb" * 8: None, "cc" * 8: None}


async def test_a_spool_that_is_cut_short_is_not_kept(tmp_path: Path) -> None:
    spool = Spool.of(BODY)
    spool.size += 1
    async with opened(tmp_path) as store:
        with pytest.raises(KeepFailed, match=f"{len(BODY)} of {len(BODY) + 1} octets"):
            await store.keep(ID, transaction(), spool, REPORT, DECISION)
        assert await store.find() == ()
    assert list((tmp_path / "messages").glob("*/*")) == []


async def test_a_cancelled_keep_is_brought_to_its_end_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        work = asyncio.ensure_future(keep(store))
        await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert [message.id for message in await store.find()] == [ID]


class Disk:
    """A disk that hangs at one step until it is told to go on."""

    def __init__(self, step: str) -> None:
        self.go_on, self._step = threading.Event(), step

    def __call__(self, step: str) -> None:
        if step == self._step:
            self.go_on.wait(30)


async def test_a_disk_that_hangs_holds_no_session_and_what_it_finishes_later_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.quarantine.store.KEEP_SECONDS", 0.05)
    disk, body = Disk("message-written"), os.urandom(3 << 20)
    spool = Spool.of(body)
    monkeypatch.setattr(failpoints, "reach", disk)
    async with opened(tmp_path) as store:
        with pytest.raises(KeepFailed, match="has not finished within"):
            await store.keep(ID, transaction(), spool, REPORT, DECISION)
        spool.close()
        disk.go_on.set()
        await asyncio.wait(store._overdue)
        held = await store.get(ID)
        with await store.open_message(ID) as message:
            assert message.read() == body
    assert held.message.recovered
    assert held.journal.last.what is What.RECOVERED


async def test_a_disk_that_hangs_takes_only_so_many_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.quarantine.store.KEEP_SECONDS", 0.02)
    monkeypatch.setattr("gateway.quarantine.store.MAX_OVERDUE", 2)
    disk = Disk("message-written")
    monkeypatch.setattr(failpoints, "reach", disk)
    async with opened(tmp_path) as store:
        for number, words in enumerate(("within", "within", "2 messages")):
            with pytest.raises(KeepFailed, match=words):
                await keep(store, f"{number:016x}")
        disk.go_on.set()
        await asyncio.wait(store._overdue)
        monkeypatch.setattr("gateway.quarantine.store.KEEP_SECONDS", 10.0)
        await keep(store, "f" * 16)


async def test_two_at_once_are_both_kept(tmp_path: Path) -> None:
    ids = [f"{number:016x}" for number in range(30)]
    async with opened(tmp_path) as store:
        await asyncio.gather(*(keep(store, held_id) for held_id in ids))
        messages = await store.find()
    assert {message.id for message in messages} == set(ids)
    assert sum(message.duplicate_of is None for message in messages) == 1


# --- finding ---


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(), {ID, OTHER}),
        (Filters(sender="SENDER"), {ID}),
        (Filters(sender="%"), set()),
        (Filters(sender="_"), set()),
        (Filters(recipient="two@"), {ID}),
        (Filters(recipient="' OR 1=1 --"), set()),
        (Filters(subject="請求書"), {ID, OTHER}),
        (Filters(verdict=Verdict.AUTOEXEC), {ID, OTHER}),
        (Filters(verdict=Verdict.CLEAN), set()),
        (Filters(states=frozenset({HeldState.DELETED})), {OTHER}),
        (Filters(states=frozenset({HeldState.DELETED, HeldState.HELD})), {ID, OTHER}),
        (Filters(since=datetime(2020, 1, 1, tzinfo=UTC)), {ID, OTHER}),
        (Filters(until=datetime(2020, 1, 1, tzinfo=UTC)), set()),
        (Filters(limit=1), {OTHER}),
    ],
)
async def test_filters(tmp_path: Path, filters: Filters, found: set[str]) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await keep(store, OTHER, of=transaction("third@example.net", sender="boss@example.net"))
        await store.delete(OTHER, who="ann", why="spam")
        assert {message.id for message in await store.find(filters)} == found


async def test_the_newest_comes_first_with_all_its_recipients(tmp_path: Path) -> None:
    many = [f"user{number}@example.com" for number in range(1200)]
    async with opened(tmp_path) as store:
        await keep(store)
        await keep(store, OTHER, of=transaction(*many))
        newest, oldest = await store.find()
    assert (newest.id, oldest.id) == (OTHER, ID)
    assert [recipient.address for recipient in newest.recipients] == many


async def test_the_list_is_paged_through_in_both_directions(tmp_path: Path) -> None:
    ids = [f"{number:016x}" for number in range(7)]
    async with opened(tmp_path) as store:
        for held_id in ids:
            await keep(store, held_id)
        everything = await store.find()
        here = everything[3].place
        older = await store.find(Filters(older_than=here, limit=2))
        newer = await store.find(Filters(newer_than=here, limit=2))
    assert [message.id for message in older] == [message.id for message in everything[4:6]]
    assert [message.id for message in newer] == [message.id for message in everything[1:3]]


async def test_the_first_digits_are_enough(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await keep(store, ID[:-1] + "c")
        assert await store.resolve(ID) == ID
        with pytest.raises(HeldNotFound, match="More than one"):
            await store.resolve("3f9c")
        for prefix in ("aa", "", "%", "_" * 16, "../"):
            with pytest.raises(HeldNotFound, match="no held message"):
                await store.resolve(prefix)


async def test_stats(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        empty = await store.stats()
        assert (empty.bytes, empty.oldest, set(empty.count.values())) == (0, None, {0})
        await keep(store)
        await keep(store, OTHER, body=b"12345")
        await store.delete(ID, who="ann", why="spam")
        stats = await store.stats()
        (kept,) = await store.find(Filters(states=frozenset({HeldState.HELD})))
    assert (stats.count[HeldState.HELD], stats.count[HeldState.DELETED], stats.bytes) == (1, 1, 5)
    assert stats.oldest == kept.kept_at


async def test_stats_count_releases_whoever_did_them(tmp_path: Path) -> None:
    hop = Hop(refuses=frozenset({"two@example.com"}))
    async with opened(tmp_path) as store:
        await keep(store)
        command = await Quarantine.open(*urls(tmp_path), exclusive=False, two_person=False)
        with pytest.raises(ReleaseFailed):
            await command.release(ID, who="a", why="x", deliver=hop.deliver)
        await command.release(ID, who="a", why="x", deliver=hop.deliver, to=["soc@example.com"])
        await command.release(ID, who="a", why="x", deliver=hop.deliver, recipients=["one@example.com"], again=True)
        await command.close()
        stats = await store.stats()
    assert stats.releases == {What.RELEASED: 1, What.RELEASE_FAILED: 1, What.COPIED: 1}


# --- acting ---


async def test_delete_takes_the_bytes_and_leaves_the_history(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await store.delete(ID, who="ann", why="spam")
        held = await store.get(ID)
        assert (held.message.state, held.message.stored) == (HeldState.DELETED, 0)
        assert (held.journal.last.who, held.journal.last.why) == ("ann", "spam")
        with pytest.raises(NotPossible, match="is deleted"):
            await store.delete(ID, who="bob", why="me too")
        with pytest.raises(NotPossible, match="are gone"):
            await store.open_message(ID)
    assert not (tmp_path / "messages/3f" / ID / "message.eml").exists()


async def test_what_was_withdrawn_stays_held_with_a_note(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await store.withdraw(ID, "the next hop refused the changed copy: 550 no")
        held = await store.get(ID)
        await store.withdraw(OTHER, "nobody knows this one")
    assert held.message.state is HeldState.HELD
    assert held.journal.last.what is What.WITHDRAWN
    assert held.message.note == "withdrawn: the next hop refused the changed copy: 550 no"


@pytest.mark.parametrize("held_id", ["nonsense", "../../etc/passwd", "", OTHER])
async def test_an_id_that_is_not_there(tmp_path: Path, held_id: str) -> None:
    async with opened(tmp_path) as store:
        with pytest.raises(HeldNotFound):
            await store.get(held_id)
        with pytest.raises(HeldNotFound):
            await store.delete(held_id, who="ann", why="x")


async def test_a_changed_or_missing_message_is_loud(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        path = tmp_path / "messages/3f" / ID / "message.eml"
        path.write_bytes(BODY.replace(b"invoice", b"INVOICE"))
        with pytest.raises(MessageDamaged, match="is not what was kept"):
            await store.open_message(ID)
        path.unlink()
        with pytest.raises(MessageDamaged, match=r"message\.eml cannot be read"):
            await store.open_message(ID)


async def test_a_journal_cut_short_is_not_trusted(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await store.withdraw(ID, "x")
        assert (await store.get(ID)).trusted
        (tmp_path / "messages/3f" / ID / "audit.jsonl").write_bytes(b"")
        assert not (await store.get(ID)).trusted


async def test_a_record_under_another_id_is_not_believed(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await keep(store, OTHER)
        record = (tmp_path / "messages/3f" / ID / "record.json").read_bytes()
        (tmp_path / "messages/aa" / OTHER / "record.json").write_bytes(record)
        with pytest.raises(MessageDamaged, match="is that of"):
            await store.get(OTHER)


# --- opening ---


async def test_a_second_daemon_is_refused_and_commands_are_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        with pytest.raises(StoreBusy):
            await Quarantine.open(*urls(tmp_path), exclusive=True, two_person=False)
        command = await Quarantine.open(*urls(tmp_path), exclusive=False, two_person=False)
        await keep(store)
        assert [message.id for message in await command.find()] == [ID]
        await command.close()
    async with opened(tmp_path):
        pass


async def test_a_command_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="There is no quarantine"):
        await Quarantine.open(*urls(tmp_path / "none"), exclusive=False, two_person=False)
    assert not (tmp_path / "none").exists()


async def test_a_newer_index_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
    with sqlite3.connect(tmp_path / "quarantine.db") as connection:
        connection.execute("UPDATE macrogate_version SET version = ?", (VERSION + 1,))
    connection.close()
    before = (tmp_path / "quarantine.db").read_bytes()
    for refused in (
        Quarantine.open(*urls(tmp_path), exclusive=True, two_person=False),
        Quarantine.open(*urls(tmp_path), exclusive=False, two_person=False),
        Quarantine.rebuild(*urls(tmp_path)),
    ):
        with pytest.raises(StoreRefused, match="written by a newer one"):
            await refused
    assert (tmp_path / "quarantine.db").read_bytes() == before


async def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "quarantine.db") as connection:
        connection.execute("CREATE TABLE customers (name)")
    connection.close()
    with pytest.raises(StoreRefused, match="something else"):
        await Quarantine.open(*urls(tmp_path), exclusive=True, two_person=False)


@pytest.mark.parametrize("damage", ["garbage", "header", "middle"])
async def test_a_damaged_index_is_refused_with_the_way_out_and_rebuilt(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "quarantine.db"
    async with opened(tmp_path) as store:
        await keep(store)
        await keep(store, OTHER)
        await store.release(OTHER, who="ann", why="expected", deliver=Hop().deliver, again=True)
    data = bytearray(path.read_bytes())
    match damage:
        case "garbage":
            data[:] = os.urandom(len(data))
        case "header":
            data[:100] = bytes(100)
        case "middle":
            data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreRefused, match="macrogate quarantine rebuild"):
        await Quarantine.open(*urls(tmp_path), exclusive=True, two_person=False)
    settled = await Quarantine.rebuild(*urls(tmp_path))
    assert (settled.indexed, settled.unreadable) == (2, ())
    async with opened(tmp_path) as store:
        states = {message.id: message.state for message in await store.find()}
    assert states == {ID: HeldState.HELD, OTHER: HeldState.RELEASED}
    assert len(list(tmp_path.glob("quarantine.db.*.old"))) == 1


async def test_the_index_is_for_the_owner_alone_and_survives_power_cuts(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("quarantine.db*")}
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        settings = await store._ledger.index.write(
            lambda connection: {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}
        )
    assert set(modes) >= {"quarantine.db", "quarantine.db-wal", "quarantine.db-shm"}
    assert set(modes.values()) == {0o600}
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


async def test_each_recipient_asks_once_and_only_for_what_is_held(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        await store.request(ID, who="alice@example.com", why="my supplier")
        with pytest.raises(NotPossible, match=r"was asked for already by alice@example\.com"):
            await store.request(ID, who="alice@example.com", why="again")
        await store.request(ID, who="bob@example.com", why="")
        held = await store.get(ID)
        assert [entry.what for entry in held.journal.entries[1:]] == [What.REQUESTED, What.REQUESTED]
        assert held.message.note == "requested: "
        assert held.message.state is HeldState.HELD
        assert held.trusted
        await store.delete(ID, who="ann", why="spam")
        with pytest.raises(NotPossible, match="needs it to be held"):
            await store.request(ID, who="carol@example.com", why="late")


async def test_an_index_that_does_not_answer_is_a_sentence(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        store_url, _ = urls(tmp_path)
        with sqlite3.connect(store_url.removeprefix("sqlite://")) as other:
            other.execute("ALTER TABLE held RENAME TO gone")
        other.close()
        for question in (
            store.find(),
            store.stats(),
            store.by_hour(datetime(2026, 1, 1, tzinfo=UTC), 24),
            store.get(ID),
        ):
            with pytest.raises(QuarantineError, match="The quarantine cannot be asked: no such table"):
                await question
