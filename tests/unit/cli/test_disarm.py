"""``macrogate disarm``: the result is whole and clean, or there is none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import disarm as command
from gateway.closed_sets import Kind
from gateway.jail.wire import Disarmed
from gateway.message import ScanFailed
from gateway.spool import Spool
from gateway.workers.link import WorkerUnfit
from gateway.workers.settings import Jail

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, str, Jail]]:
    """Instead of a jail: the content says what becomes of it."""
    seen: list[tuple[bytes, str, Jail]] = []

    async def disarmed(content: Spool, name: str, jail: Jail) -> tuple[Disarmed, bytes]:
        data = content.read()
        seen.append((data, name, jail))
        content.close()
        match data:
            case b"stuck":
                raise ScanFailed(Kind.CRASH, "the changed document still shows: AutoOpen")
            case b"unfit":
                raise WorkerUnfit("a worker cannot work")
            case b"clean":
                return Disarmed(1, name, "", ()), data
        return Disarmed(1, "a.docx", DOCX, ("its macros",)), b"without"

    monkeypatch.setattr(command, "_disarmed", disarmed)
    return seen


def run(*arguments: str | Path, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(command.disarm, [str(word) for word in arguments], input=stdin)


def test_it_writes_the_result_and_says_what_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.docm").write_bytes(b"armed")
    done = run(tmp_path / "a.docm", tmp_path / "b.docm")
    assert (done.exit_code, (tmp_path / "b.docm").read_bytes()) == (0, b"without")
    assert "a.docm: disarmed, without its macros" in done.stdout
    assert "It should be called a.docx now" in done.stdout
    assert (tmp_path / "a.docm").read_bytes() == b"armed"
    assert sorted(os.listdir(tmp_path)) == ["a.docm", "b.docm"]
    assert "called" not in run(tmp_path / "a.docm", tmp_path / "b.DOCX").stdout


def test_what_is_clean_is_copied(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"clean")
    done = run(tmp_path / "a.docx", tmp_path / "b.docx")
    assert (done.exit_code, (tmp_path / "b.docx").read_bytes()) == (0, b"clean")
    assert "nothing to remove" in done.stdout


def test_json_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.docm").write_bytes(b"armed")
    done = run("--json", tmp_path / "a.docm", tmp_path / "b.docx")
    assert json.loads(done.stdout) == {
        "path": str(tmp_path / "a.docm"),
        "result": str(tmp_path / "b.docx"),
        "name": "a.docx",
        "type": DOCX,
        "removed": ["its macros"],
    }


def test_a_file_that_is_there_is_replaced_only_by_force(tmp_path: Path) -> None:
    (tmp_path / "a.docm").write_bytes(b"armed")
    (tmp_path / "b.docx").write_bytes(b"mine")
    refused = run(tmp_path / "a.docm", tmp_path / "b.docx")
    assert (refused.exit_code, (tmp_path / "b.docx").read_bytes()) == (2, b"mine")
    assert "--force" in refused.stderr
    assert run("--force", tmp_path / "a.docm", tmp_path / "b.docx").exit_code == 0
    assert (tmp_path / "b.docx").read_bytes() == b"without"


@pytest.mark.parametrize(("content", "why"), [(b"stuck", "still shows: AutoOpen"), (b"unfit", "cannot work")])
def test_what_cannot_be_done_leaves_nothing(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "a.docm").write_bytes(content)
    done = run(tmp_path / "a.docm", tmp_path / "b.docx")
    assert done.exit_code == 3
    assert why in done.stderr
    assert os.listdir(tmp_path) == ["a.docm"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.docm").write_bytes(b"armed")
    done = run(tmp_path / "a.docm", tmp_path / "gone" / "b.docx")
    assert done.exit_code == 3
    assert "No such file" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("{}/gone.docm", "{}/b"), "No such file"),
        (("{}/a.docm", "{}/b", "--passwords", "{}/gone"), "passwords"),
        (("{}/a.docm", "{}/b", "--rules", "{}"), "triggers.toml"),
    ],
)
def test_usage(tmp_path: Path, arguments: tuple[str, ...], why: str) -> None:
    (tmp_path / "a.docm").write_bytes(b"armed")
    done = run(*(word.format(tmp_path) for word in arguments))
    assert done.exit_code == 2
    assert why in done.stderr


def test_what_is_too_large_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MAX_TAIL", 1 << 20)
    (tmp_path / "a.docm").write_bytes(bytes((1 << 20) + 1))
    assert "larger than 1 MiB" in run(tmp_path / "a.docm", tmp_path / "b").stderr


def test_by_standard_input_and_output(workers: list[tuple[bytes, str, Jail]]) -> None:
    done = run("--name", "report.docm", "-", "-", stdin=b"armed")
    assert (done.exit_code, done.stdout_bytes) == (0, b"without")
    assert "It should be called a.docx now" in done.stderr
    assert workers[0][:2] == (b"armed", "report.docm")


def test_the_configured_passwords_are_tried(tmp_path: Path, workers: list[tuple[bytes, str, Jail]]) -> None:
    (tmp_path / "a.docm").write_bytes(b"armed")
    (tmp_path / "words").write_text("one\ntwo\n")
    run("--passwords", tmp_path / "words", tmp_path / "a.docm", tmp_path / "b.docx")
    assert workers[0][2].passwords == ("one", "two")
