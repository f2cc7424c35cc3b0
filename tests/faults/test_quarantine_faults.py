"""The quarantine when the machine under it fails: killed, full, locked, read-only, two at once."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from gateway import failpoints
from gateway.closed_sets import HeldState
from gateway.message import Client, Envelope, KeepFailed, Reply
from gateway.quarantine import HeldMessage, NotPossible, Quarantine, Settled, StoreBusy, StoreRefused, database
from tests.e2e.tools import need_root, unavailable
from tests.unit.quarantine.made import BODY, ID, OTHER, Hop, keep, opened, urls

AT_ONCE = 8
CROWD = """
import asyncio, sys
from pathlib import Path
from gateway import failpoints
from tests.unit.quarantine.made import keep, opened

async def main():
    failpoints.arm()
    async with opened(Path(sys.argv[1])) as store:
        await asyncio.gather(*(keep(store, f"{number:016x}") for number in range(int(sys.argv[2]))))

asyncio.run(main())
"""

CHILD = """
import asyncio, sys
from pathlib import Path
from gateway import failpoints
from tests.unit.quarantine.made import ID, Hop, keep, opened

async def main():
    failpoints.arm()
    async with opened(Path(sys.argv[1])) as store:
        await keep(store)
        if failpoints.wanted().startswith("release"):
            await store.release(ID, who="ann", why="expected", deliver=Hop().deliver)
        print("kept", flush=True)
        sys.stdin.read()

asyncio.run(main())
"""


def child(folder: Path, failpoint: str = "") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, failpoints.VARIABLE: failpoint},
    )


def killed_at(folder: Path, place: str) -> None:
    """Keep ``ID``, and release it where the place is one of a release, in a process that dies by SIGKILL there."""
    with child(folder, f"{place}:kill") as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert out == b""


async def listed(store: Quarantine) -> dict[str, HeldMessage]:
    return {message.id: message for message in await store.find()}


def records(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "messages").glob("*/*"))


# --- kill -9 ---


@pytest.mark.parametrize("point", ["message-written", "message-synced"])
async def test_f06_killed_before_the_rename_leaves_no_record(tmp_path: Path, point: str) -> None:
    killed_at(tmp_path, point)
    async with opened(tmp_path) as store:
        assert store.settled == Settled(swept=1)
        await keep(store, OTHER)
        assert list(await listed(store)) == [OTHER]
        assert not (await listed(store))[OTHER].duplicate_of
    assert records(tmp_path) == [OTHER]


@pytest.mark.parametrize("point", ["message-renamed", "message-durable"])
async def test_f07_killed_before_the_index_is_adopted_and_marked(tmp_path: Path, point: str) -> None:
    killed_at(tmp_path, point)
    async with opened(tmp_path) as store:
        assert store.settled == Settled(indexed=1)
        assert (await listed(store))[ID].recovered
        with await store.open_message(ID) as message:
            assert message.read() == BODY
        await keep(store, OTHER)
        assert (await listed(store))[OTHER].duplicate_of == ID


@pytest.mark.parametrize("point", ["message-renamed", "message-durable", "message-indexed"])
async def test_f07_killed_among_messages_of_one_moment_all_that_is_whole_is_held(tmp_path: Path, point: str) -> None:
    """The first of them to come there dies with all the others, wherever those are."""
    with subprocess.Popen(
        [sys.executable, "-c", CROWD, str(tmp_path), str(AT_ONCE)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, failpoints.VARIABLE: f"{point}:kill"},
    ) as process:
        assert process.wait(60) == -signal.SIGKILL
    whole = [name for name in records(tmp_path) if not name.endswith(".tmp")]
    assert whole
    async with opened(tmp_path) as store:
        found = await listed(store)
        assert sorted(found) == whole == records(tmp_path)
        assert sum(message.recovered for message in found.values()) == store.settled.indexed
        assert (store.settled.indexed < len(whole)) == (point == "message-indexed")
        for held_id in found:
            with await store.open_message(held_id) as message:
                assert message.read() == BODY


async def test_f08_killed_before_the_reply_and_the_retry_is_not_released_twice_unsaid(tmp_path: Path) -> None:
    killed_at(tmp_path, "message-indexed")
    hop = Hop()
    async with opened(tmp_path) as store:
        assert store.settled == Settled()
        await keep(store, OTHER)
        assert (await listed(store))[OTHER].duplicate_of == ID
        await store.release(ID, who="ann", why="expected", deliver=hop.deliver)
        with pytest.raises(NotPossible, match="probably a duplicate"):
            await store.release(OTHER, who="ann", why="expected", deliver=hop.deliver)
    assert len(hop.got) == 1


@pytest.mark.parametrize("point", ["release-begun", "release-sent"])
async def test_f65_killed_while_releasing_is_repeated_on_demand(tmp_path: Path, point: str) -> None:
    killed_at(tmp_path, point)
    hop = Hop()
    async with opened(tmp_path) as store:
        assert (await listed(store))[ID].state is HeldState.RELEASING
        with pytest.raises(NotPossible):
            await store.release(ID, who="bob", why="x", deliver=hop.deliver)
        await store.release(ID, who="bob", why="interrupted", deliver=hop.deliver, again=True)
        held = await store.get(ID)
    assert held.message.state is HeldState.RELEASED
    assert held.trusted
    assert [entry.who for entry in held.journal.entries[1:]] == ["ann", "bob", "bob"]
    assert len(hop.got) == 1


async def test_f56_a_second_daemon_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    with child(tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"kept\n"
        with pytest.raises(StoreBusy):
            await Quarantine.open(*urls(tmp_path), exclusive=True, two_person=False)
        process.kill()
    async with opened(tmp_path) as store:
        assert list(await listed(store)) == [ID]


# --- the disk ---


async def test_f10_everything_is_synced_in_the_order_that_survives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(descriptor: int) -> None:
        fsync(descriptor)
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        steps.append("sync " + path.removeprefix(str(tmp_path / "messages/3f")))

    def noted_rename(old: str, new: str, **where: int) -> None:
        rename(old, new, **where)
        steps.append(f"rename {old} {new}")

    monkeypatch.setattr(failpoints, "reach", steps.append)
    async with opened(tmp_path) as store:
        monkeypatch.setattr(os, "fsync", noted_fsync)
        monkeypatch.setattr(os, "rename", noted_rename)
        await keep(store)
    assert steps[1:] == [
        "message-written",
        f"sync /{ID}.tmp/message.eml",
        f"sync /{ID}.tmp/record.json",
        f"sync /{ID}.tmp",
        "message-synced",
        f"rename {ID}.tmp {ID}",
        "message-renamed",
        "sync ",
        "message-durable",
        "message-indexed",
    ]


async def test_f11_after_a_failed_sync_nothing_more_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def failing(descriptor: int) -> None:
        calls.append(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    async with opened(tmp_path) as store:
        monkeypatch.setattr(os, "fsync", failing)
        with pytest.raises(KeepFailed, match="nothing is kept until a restart"):
            await keep(store)
        monkeypatch.undo()
        with pytest.raises(KeepFailed, match="Input/output error"):
            await keep(store, OTHER)
        assert store.trouble
        assert len(calls) == 1
    assert records(tmp_path) == []
    async with opened(tmp_path) as store:
        await keep(store)


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    folder.mkdir()
    need_root("mount a file system of its own")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        unavailable(f"this machine does not let us mount a tmpfs: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def open_split(messages: Path, store: Path) -> Quarantine:
    return await Quarantine.open(
        f"sqlite://{store}/q.db", f"file://{messages}/m", exclusive=True, two_person=False, reserve=0
    )


async def test_f34_a_full_disk_refuses_the_message_and_recovers_by_itself(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=1m"):
        store = await open_split(tmp_path / "small", tmp_path)
        await keep(store, OTHER)
        with pytest.raises(KeepFailed, match="No space left"):
            await keep(store, body=bytes(2 << 20))
        assert not store.trouble
        assert sorted(path.name for path in (tmp_path / "small/m").glob("*/*")) == [OTHER]
        await keep(store)
        assert set(await listed(store)) == {ID, OTHER}
        await store.close()


async def test_f34_no_inodes_left(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=1m,nr_inodes=261"):  # 256 shelves, the roots, the lock, and two to spare
        store = await open_split(tmp_path / "small", tmp_path)
        with pytest.raises(KeepFailed, match="No space left"):
            await keep(store)
        assert list((tmp_path / "small/m").glob("*/*")) == []
        await store.close()


async def test_f39_no_space_for_the_index_takes_the_message_back(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=512k"):
        store = await open_split(tmp_path, tmp_path / "small")
        filler = tmp_path / "small/filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        refused = 0
        for number in range(20):  # the first few may still fit into what the index file has to spare
            try:
                await keep(store, f"{number:016x}")
            except KeepFailed:
                refused += 1
        kept = set(await listed(store))
        assert refused
        assert {path.name for path in (tmp_path / "m").glob("*/*")} == kept
        assert not store.trouble
        filler.unlink()
        await keep(store)
        assert set(await listed(store)) == {*kept, ID}
        await store.close()


async def test_f57_a_disk_gone_read_only_refuses_and_recovers(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=1m"):
        store = await open_split(tmp_path / "small", tmp_path)
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "small")], check=True)
        with pytest.raises(KeepFailed, match="Read-only file system"):
            await keep(store)
        subprocess.run(["mount", "-o", "remount,rw", str(tmp_path / "small")], check=True)
        await keep(store)
        await store.close()


async def test_f57_at_the_start_it_is_a_sentence(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=1m"):
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "small")], check=True)
        with pytest.raises(StoreRefused, match="Read-only file system"):
            await Quarantine.open(*urls(tmp_path / "small"), exclusive=True, two_person=False)


async def test_a_disk_that_is_nearly_full_refuses_early(tmp_path: Path) -> None:
    async with opened(tmp_path, reserve=1 << 60) as store:
        with pytest.raises(KeepFailed, match="MiB are free"):
            await keep(store)
    assert records(tmp_path) == []


# --- the index ---


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for a fifth of a second."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)


@pytest.mark.usefixtures("impatient")
async def test_f37_a_locked_index_refuses_in_time_and_is_read_meanwhile(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store, OTHER)
        other = sqlite3.connect(tmp_path / "quarantine.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(KeepFailed, match="database is locked"):
            await keep(store)
        assert set(await listed(store)) == {OTHER}
        assert (await store.stats()).count[HeldState.HELD] == 1
        assert records(tmp_path) == [OTHER]
        other.execute("ROLLBACK")
        other.close()
        await keep(store)
        assert set(await listed(store)) == {ID, OTHER}


async def test_f38_an_index_changed_under_the_daemon_refuses_messages(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        other = sqlite3.connect(tmp_path / "quarantine.db")
        other.execute("DROP TABLE audit")
        other.commit()
        other.close()
        with pytest.raises(KeepFailed, match="no such table"):
            await keep(store)
    assert records(tmp_path) == []


@pytest.mark.usefixtures("impatient")
async def test_a_release_that_cannot_be_noted_says_that_it_was_sent(tmp_path: Path) -> None:
    locks: list[sqlite3.Connection] = []

    async def deliver(envelope: Envelope, client: Client, content: Iterable[bytes]) -> list[Reply]:
        other = sqlite3.connect(tmp_path / "quarantine.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        locks.append(other)
        return await Hop().deliver(envelope, client, content)

    async with opened(tmp_path) as store:
        await keep(store)
        with pytest.raises(Exception, match=r"was sent .*250 2.0.0 Ok.* stays releasing"):
            await store.release(ID, who="ann", why="expected", deliver=deliver)
        assert (await listed(store))[ID].state is HeldState.RELEASING
        for lock in locks:
            lock.close()
