from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.quarantine.blobs import FileBlobs, Written
from gateway.quarantine.errors import HeldNotFound, MessageDamaged, StoreRefused
from tests.unit.quarantine.made import BODY, ID, OTHER


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[FileBlobs]:
    blobs = FileBlobs(tmp_path / "messages", create=True)
    yield blobs
    blobs.close()


def put(blobs: FileBlobs, held_id: str = ID) -> Written:
    seen: list[Written] = []

    def describe(written: Written) -> bytes:
        seen.append(written)
        return b"record"

    blobs.put(held_id, [BODY[:7], BODY[7:]], describe)
    return seen[0]


def everything(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if len(path.relative_to(root).parts) > 1)


def test_what_is_put_is_there_under_its_id_alone(blobs: FileBlobs) -> None:
    assert put(blobs) == Written(len(BODY), hashlib.sha256(BODY).hexdigest())
    assert everything(blobs.root) == [f"3f/{ID}", f"3f/{ID}/message.eml", f"3f/{ID}/record.json"]
    with blobs.open_message(ID) as message:
        assert message.read() == BODY
    assert blobs.read_record(ID) == b"record"
    assert blobs.read_journal(ID) == b""
    assert list(blobs.ids()) == [ID]


def test_nobody_else_may_read_it(blobs: FileBlobs) -> None:
    before = os.umask(0)
    try:
        put(blobs)
        blobs.append_journal(ID, b"x\n")
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in blobs.root.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert blobs.root.stat().st_mode & 0o777 == 0o700


def test_an_id_is_used_once(blobs: FileBlobs) -> None:
    put(blobs)
    with pytest.raises(OSError, match="not empty"):
        put(blobs)
    assert everything(blobs.root) == [f"3f/{ID}", f"3f/{ID}/message.eml", f"3f/{ID}/record.json"]


@pytest.mark.parametrize(
    "held_id", ["", "..", "../../etc/passwd", "/etc/passwd", "3f9c", ID + "\0", ID + "\n", ID.upper()]
)
def test_only_our_ids_become_names(blobs: FileBlobs, held_id: str) -> None:
    with pytest.raises(HeldNotFound):
        put(blobs, held_id)
    with pytest.raises(HeldNotFound):
        blobs.open_message(held_id)
    assert everything(blobs.root) == []


def test_no_link_is_followed(blobs: FileBlobs, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (blobs.root / "3f" / ID).symlink_to(outside)
    with pytest.raises(OSError, match="Not a directory"):
        put(blobs)
    assert list(outside.iterdir()) == []
    put(blobs, OTHER)
    for name in ("message.eml", "record.json"):
        path = blobs.root / "aa" / OTHER / name
        path.unlink()
        path.symlink_to("/etc/hostname")
    with pytest.raises(MessageDamaged):
        blobs.open_message(OTHER)
    with pytest.raises(MessageDamaged):
        blobs.read_record(OTHER)


def test_a_pipe_in_place_of_a_file_does_not_hang(blobs: FileBlobs) -> None:
    put(blobs)
    path = blobs.root / "3f" / ID / "message.eml"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(MessageDamaged, match="plain file"):
        blobs.open_message(ID)


@pytest.mark.parametrize("step", ["write", "describe", "fsync-1", "fsync-2", "fsync-3", "rename", "fsync-4"])
def test_a_failure_at_any_step_leaves_nothing(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    calls = iter(range(1, 100))
    fsync = os.fsync

    def failing(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    def failing_fsync(descriptor: int) -> None:
        if step == f"fsync-{next(calls)}":
            failing()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing_fsync)
    if step in ("write", "rename"):
        # discarding renames as well, but a rename that failed has nothing to discard
        monkeypatch.setattr(os, step, failing)
    with pytest.raises(OSError, match="Input/output"):
        blobs.put(ID, [BODY], failing if step == "describe" else lambda _: b"record")
    monkeypatch.undo()
    assert everything(blobs.root) == []


def test_discard_takes_all_of_it(blobs: FileBlobs) -> None:
    put(blobs)
    blobs.append_journal(ID, b"x\n")
    blobs.discard(ID)
    assert everything(blobs.root) == []


def test_discard_leaves_what_is_not_ours(blobs: FileBlobs) -> None:
    put(blobs)
    (blobs.root / "3f" / ID / "notes.txt").write_text("mine")
    blobs.discard(ID)
    assert everything(blobs.root) == [f"3f/{ID}.tmp", f"3f/{ID}.tmp/notes.txt"]


def test_sweep_removes_only_what_is_unfinished(blobs: FileBlobs) -> None:
    put(blobs)
    unfinished = blobs.root / "aa" / f"{OTHER}.tmp"
    unfinished.mkdir()
    (unfinished / "message.eml").write_bytes(b"half")
    assert blobs.sweep() == 1
    assert blobs.sweep() == 0
    assert list(blobs.ids()) == [ID]
    assert not unfinished.exists()


def test_the_journal_grows_by_lines(blobs: FileBlobs) -> None:
    put(blobs)
    blobs.append_journal(ID, b"one\n")
    blobs.append_journal(ID, b"two\n")
    assert blobs.read_journal(ID).split() == [b"one", b"two"]


def test_a_line_after_a_torn_one_stands_by_itself(blobs: FileBlobs) -> None:
    put(blobs)
    (blobs.root / "3f" / ID / "audit.jsonl").write_bytes(b"one\ntor")
    blobs.append_journal(ID, b"two\n")
    assert blobs.read_journal(ID).split() == [b"one", b"tor", b"two"]


def test_a_line_that_cannot_be_synced_is_taken_back(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    put(blobs)
    blobs.append_journal(ID, b"one\n")

    def failing(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="No space"):
        blobs.append_journal(ID, b"two\n")
    assert blobs.read_journal(ID) == b"one\n"


def test_bytes_go_and_the_record_stays(blobs: FileBlobs) -> None:
    put(blobs)
    assert blobs.message_facts(ID)[0] == len(BODY)
    blobs.remove_message(ID)
    blobs.remove_message(ID)
    assert blobs.message_facts(ID) == (0, 0.0)
    assert blobs.read_record(ID) == b"record"
    with pytest.raises(MessageDamaged):
        blobs.open_message(ID)


def test_a_record_without_end_is_not_read(blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    put(blobs)
    monkeypatch.setattr("gateway.quarantine.blobs.MAX_SIDE_FILE", 5)
    with pytest.raises(MessageDamaged, match="too large"):
        blobs.read_record(ID)


def test_the_reserve_is_not_touched(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path / "messages", create=True, reserve=1 << 60)
    with pytest.raises(OSError, match="MiB are free"):
        put(blobs)
    assert everything(blobs.root) == []
    blobs.close()


def test_a_place_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="There is no quarantine at"):
        FileBlobs(tmp_path / "messages", create=False)
    (tmp_path / "file").touch()
    with pytest.raises(StoreRefused):
        FileBlobs(tmp_path / "file", create=True)
