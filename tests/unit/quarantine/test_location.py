from __future__ import annotations

from pathlib import Path

import pytest

from gateway.quarantine.errors import StoreBusy, StoreRefused
from gateway.quarantine.location import Locks, locks_for, path_of


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/lib/macrogate/q.db", "/var/lib/macrogate/q.db"),
        ("sqlite:////var/lib/macrogate/q.db", "/var/lib/macrogate/q.db"),
        ("sqlite:///q.db", "/q.db"),
        ("sqlite:///with space/q?x=1#y.db", "/with space/q?x=1#y.db"),
    ],
)
def test_the_path_is_always_absolute(url: str, path: str) -> None:
    assert path_of(url, "sqlite", "quarantine.store") == Path(path)


@pytest.mark.parametrize(
    "url", ["", "q.db", "sqlite:", "sqlite:///", "sqlite:////", "sqlite://host/q.db", "file:///q.db", "sqlite:///a\0b"]
)
def test_anything_else_is_refused_with_the_setting_and_an_example(url: str) -> None:
    with pytest.raises(StoreRefused, match=r"quarantine\.store is .* sqlite:///var/lib"):
        path_of(url, "sqlite", "quarantine.store")


def test_a_lock_keeps_others_out_until_it_is_released(tmp_path: Path) -> None:
    first = locks_for(tmp_path / "q.db", tmp_path / "messages")
    with pytest.raises(StoreBusy, match="two daemons"):
        locks_for(tmp_path / "q.db", tmp_path / "messages")
    first.release()
    first.release()
    locks_for(tmp_path / "q.db", tmp_path / "messages").release()


@pytest.mark.parametrize(("store", "messages"), [("q.db", "others"), ("other.db", "messages")])
def test_either_half_is_enough_to_be_busy(tmp_path: Path, store: str, messages: str) -> None:
    first = locks_for(tmp_path / "q.db", tmp_path / "messages")
    with pytest.raises(StoreBusy):
        locks_for(tmp_path / store, tmp_path / messages)
    first.release()
    # what the refused one had taken on its way is free again
    locks_for(tmp_path / store, tmp_path / messages).release()


def test_a_lock_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreRefused):
        Locks.take(tmp_path / "lock")
    assert not (tmp_path / "elsewhere").exists()
