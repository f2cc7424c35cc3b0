"""``macrogate scan``: what is looked into, how it is told, which code it ends with."""

from __future__ import annotations

import asyncio
import json
import mailbox
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.scan import Style, scan, scan_paths
from gateway.closed_sets import FileType, Kind, Verdict
from gateway.config import rules_directory
from gateway.message import Finding, Part, Report, ScanFailed
from gateway.policy import Policy
from gateway.spool import Spool

MAIL = b"From: a@example.com\r\nSubject: x\r\n\r\nHello\r\n"


class FakePool:
    """Sees what it was given; the content names what it finds."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, str, bool]] = []
        self.at_once = self.most_at_once = 0
        self.met = asyncio.Event()
        """Two were here at once; ``MEET`` waits for that."""

    async def examine(self, content: Spool, *, name: str = "", mail: bool = True) -> Report:
        data = content.read()
        self.seen.append((data, name, mail))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.at_once >= 2:
            self.met.set()
        if data == b"MEET":
            await asyncio.wait_for(self.met.wait(), 30)
        self.at_once -= 1
        if b"CRASH" in data:
            raise ScanFailed(Kind.CRASH, "the parser died")
        kinds = [kind for kind in (Kind.VBA_AUTOEXEC, Kind.VBA_MACRO) if kind.value.encode() in data]
        findings = tuple(Finding.of(kind, "2" if mail else name, "found it") for kind in kinds)
        verdict = max((finding.verdict for finding in findings), default=Verdict.CLEAN)
        part = Part("2" if mail else name, FileType.DOC, len(data), "ab", verdict)
        return Report(verdict, findings, (part,), sha256="cd", seconds=0.25)


@pytest.fixture
def look(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[str], str, FakePool]]:
    def run(
        *paths: Path, style: Style = Style.BRIEF, policy: str = "policy.toml"
    ) -> tuple[int, list[str], str, FakePool]:
        pool = FakePool()
        rules = Policy.load(rules_directory() / policy)
        code = asyncio.run(scan_paths(paths, pool, rules, width=3, style=style))
        out, err = capsys.readouterr()
        return code, out.splitlines(), err, pool

    return run


Look = Callable[..., tuple[int, list[str], str, FakePool]]


@pytest.mark.parametrize(
    ("content", "policy", "code", "word"),
    [
        (b"plain", "policy.toml", 0, "clean, deliver"),
        (b"vba-macro", "policy.toml", 0, "macro, tag"),
        (b"vba-macro", "policy-strict.toml", 1, "macro, disarm"),
        (b"vba-autoexec", "policy.toml", 1, "autoexec, quarantine"),
        (b"CRASH", "policy.toml", 3, "unscannable, quarantine"),
    ],
)
def test_codes(look: Look, tmp_path: Path, content: bytes, policy: str, code: int, word: str) -> None:
    (tmp_path / "a.doc").write_bytes(content)
    ended, lines, _, _ = look(tmp_path / "a.doc", policy=policy)
    assert ended == code
    assert f"a.doc: {word}" in lines[0]
    assert lines[-1].startswith("1 looked into: 1 ")


def test_json(look: Look, tmp_path: Path) -> None:
    path = tmp_path / "a.doc"
    path.write_bytes(b"vba-autoexec")
    _, lines, _, _ = look(path, style=Style.JSON)
    assert [json.loads(line) for line in lines] == [
        {
            "path": str(path),
            "size": 12,
            "sha256": "cd",
            "verdict": "autoexec",
            "action": "quarantine",
            "rule": "autoexec",
            "seconds": 0.25,
            "findings": [{"kind": "vba-autoexec", "where": "a.doc", "detail": "Found it", "verdict": "autoexec"}],
            "parts": [{"where": "a.doc", "type": "doc", "size": 12, "sha256": "ab", "verdict": "autoexec"}],
        }
    ]


def test_failed_scan_is_told_in_json_too(look: Look, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"CRASH")
    code, lines, err, _ = look(tmp_path / "a", style=Style.JSON)
    (told,) = map(json.loads, lines)
    assert (code, told["verdict"], told["findings"][0]["kind"]) == (3, "unscannable", "crash")
    assert len(told["sha256"]) == 64
    assert "could not be examined: the parser died" in err


def test_order_and_number_at_a_time(look: Look, tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"{number}").write_bytes(b"MEET")
    _, lines, _, pool = look(tmp_path, style=Style.JSON)
    assert [Path(json.loads(line)["path"]).name for line in lines] == [str(number) for number in range(9)]
    assert 2 <= pool.most_at_once <= 3


def test_unreadable_file_does_not_end_the_run(look: Look, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    code, lines, err, pool = look(tmp_path / "gone", tmp_path / "pipe", tmp_path / "b")
    assert (code, len(pool.seen)) == (3, 1)
    assert "gone: could not be examined: No such file or directory" in err
    assert "pipe: could not be examined: not a regular file" in err
    assert lines[-1] == "3 looked into: 2 could not be examined, 1 deliver"


def test_mailbox(look: Look, tmp_path: Path) -> None:
    bodies = ["one", "two\n\nFrom here it goes on 1999 words\n\nend", "three vba-autoexec"]
    box = mailbox.mbox(tmp_path / "box", create=True)
    for body in bodies:
        message = mailbox.mboxMessage(f"Subject: s\nFrom: a@example.com\n\n{body}\n")
        message.set_from("a@example.com Sun Nov 22 12:00:00 2026")
        box.add(message)
    box.close()
    code, lines, _, pool = look(tmp_path / "box", style=Style.JSON)
    assert code == 1
    assert [json.loads(line)["path"] for line in lines] == [f"{tmp_path / 'box'}#{number}" for number in (1, 2, 3)]
    assert all(mail and data.startswith(b"Subject: s\n") for data, _, mail in pool.seen)
    assert any(b"goes on 1999 words" in data for data, _, _ in pool.seen)


def test_maildir_and_folders(look: Look, tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "Maildir", create=True)
    box.add(MAIL)
    (tmp_path / "Maildir/tmp/half").write_bytes(MAIL)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/b.doc").write_bytes(b"x")
    (tmp_path / "docs/link").symlink_to("/etc/hostname")
    (tmp_path / "docs/loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "docs/pipe")
    code, _, _, pool = look(tmp_path)
    assert code == 0
    assert sorted(mail for _, _, mail in pool.seen) == [False, True]


def test_terminal_survives_hostile_names(look: Look, tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m\nb").write_bytes(b"x")
    _, lines, _, _ = look(tmp_path)
    assert "\x1b" not in "".join(lines)
    assert len(lines) == 2


def test_bad_policy_is_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("x = 1")
    result = CliRunner().invoke(scan, ["--policy", str(tmp_path / "p.toml"), "."])
    assert result.exit_code == 2
    assert "x: there is no such key" in result.stderr
    assert CliRunner().invoke(scan, []).exit_code == 2


def test_a_page_explains(look: Look, tmp_path: Path) -> None:
    (tmp_path / "a.doc").write_bytes(b"vba-autoexec")
    _, lines, _, _ = look(tmp_path / "a.doc", style=Style.PAGE)
    assert lines[0].endswith("a.doc")
    assert lines[1].startswith("  autoexec, quarantine: A document in it runs a macro by itself (rule autoexec)")
    assert lines[2].startswith("  12 B, sha256 cd, looked into in 250.0 ms")
    assert "  a.doc   doc, 12 B, autoexec" in lines
    assert "    vba-autoexec    Found it" in lines


def test_a_page_about_nothing_says_what_was_looked_into(look: Look, tmp_path: Path) -> None:
    (tmp_path / "a.doc").write_bytes(b"plain")
    _, lines, _, _ = look(tmp_path / "a.doc", style=Style.PAGE)
    assert "  Nothing found in: 1 doc" in lines
