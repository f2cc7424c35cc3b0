"""Files, folders and mailboxes made into single items."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli.scan_items import Item, files, is_mail, items

MAIL = b"From: a@example.com\r\nSubject: x\r\n\r\nHello\r\n"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (MAIL, True),
        (MAIL.replace(b"\r\n", b"\n"), True),
        (b"Return-Path: <>\n\nx", True),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n", False),
        (b"PK\x03\x04 From: x", False),
        (b"\n\nFrom: x", False),
        (b"words words\nFrom: x\n\n", False),
        (b"", False),
    ],
)
def test_is_mail(head: bytes, expected: bool) -> None:
    assert is_mail(head) is expected


@settings(max_examples=100)
@given(st.one_of(st.binary(max_size=300), st.binary(max_size=80).map(lambda tail: b"From x 2026\nA: b\n\n" + tail)))
def test_any_file_is_cut_into_items_that_lie_in_it(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    found = list(items(path))
    assert found
    assert all(0 <= item.start <= item.end <= len(content) for item in found)
    assert found[-1].end == len(content)


def test_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)
    (item,) = items(path)
    assert item.trouble == "larger than 1 GiB"


def test_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    assert list(files([tmp_path])) == [(tmp_path, "Permission denied")]


def test_item_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    assert Item("a", tmp_path / "a", 2, 5).spool().read() == b"234"
