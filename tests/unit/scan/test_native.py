"""Who is told before a decoder written in C sees a byte, and about which files."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest

from gateway.config import rules_directory
from gateway.samples import word
from gateway.scan import Limits, ScanRules, examine, native


@pytest.fixture
def said() -> Iterator[list[str]]:
    told: list[str] = []
    native.listen(lambda: told.append("now"))
    yield told
    native.listen(lambda: None)


def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("note.txt"))
    return out.getvalue()


def test_nobody_need_listen() -> None:
    native.listen(lambda: None)
    native.announce()


def test_one_listener_takes_the_place_of_another(said: list[str]) -> None:
    native.announce()
    assert said == ["now"]
    native.listen(lambda: said.append("later"))
    native.announce()
    assert said == ["now", "later"]


def test_an_archive_is_announced_and_a_document_is_not(said: list[str]) -> None:
    rules = ScanRules.parse((rules_directory() / "triggers.toml").read_text())
    examine(word.docx(), rules=rules, limits=Limits(), name="a.docx", mail=False)
    assert said == []
    examine(archive(), rules=rules, limits=Limits(), name="a.tar", mail=False)
    assert said
