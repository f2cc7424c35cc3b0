"""The log as a file: whole lines, opened anew when it was moved, nothing but a regular file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gateway.receivers.file import LogFile
from tests.unit.receivers.doubles import line


def test_lines_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_text("before\n")
    log = LogFile(path)
    assert log.send([line(1), line(2)]) == 2
    log.close()

    assert path.read_text() == f"before\n{line(1).text}\n{line(2).text}\n"


def test_the_group_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    log, before = LogFile(tmp_path / "events.json"), os.umask(0o077)
    try:
        log.send([line()])
    finally:
        os.umask(before)
        log.close()

    assert stat.S_IMODE((tmp_path / "events.json").stat().st_mode) == 0o640


@pytest.mark.parametrize("again", [True, False])
def test_it_is_opened_anew_when_logrotate_has_moved_it(tmp_path: Path, again: bool) -> None:
    path = tmp_path / "events.json"
    log = LogFile(path)
    log.send([line(1)])
    path.rename(tmp_path / "events.json.1")
    if again:
        path.touch(0o640)
    log.send([line(2)])
    log.close()

    assert (tmp_path / "events.json.1").read_text() == line(1).text + "\n"
    assert path.read_text() == line(2).text + "\n"


def test_lone_surrogates_do_not_stop_it(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "x")
    log.send([line(text='{"a":"\udcff"}')])
    log.close()

    assert (tmp_path / "x").read_bytes() == b'{"a":"\\udcff"}\n'


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.json"
    log = LogFile(path)
    log.send([line(1)])
    write = os.write

    def short(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", full)
        return write(descriptor, bytes(data)[:5])

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(OSError, match="No space"):
        log.send([line(2)])
    monkeypatch.setattr(os, "write", write)
    log.send([line(3)])
    log.close()

    assert path.read_text() == f"{line(1).text}\n{line(3).text}\n"


def test_only_a_regular_file_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="No such device"):
        LogFile(tmp_path / "fifo").send([line()])
    with pytest.raises(OSError, match="no regular file"):
        LogFile(Path("/dev/null")).send([line()])
    with pytest.raises(OSError, match="No such file"):
        LogFile(tmp_path / "nowhere" / "x").send([line()])
