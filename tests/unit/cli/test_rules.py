"""``macrogate rules``, run as a command."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.rules import examine, rules
from gateway.config import rules_directory
from gateway.policy import Policy

DECIDED = """
[[rule]]
id = "all"
title = "Everything bad"
why = "Because"
references = ["https://example.com/"]
action = "quarantine"
when = { verdict = { at_least = "unscannable" } }
example = { verdict = "autoexec" }
"""


@pytest.fixture(autouse=True, scope="module")
def no_garbage() -> Iterator[None]:
    """What a command that ends by sys.exit leaves behind holds YARA scanners, which may end in this thread only."""
    yield
    gc.collect()


NOW = datetime(2026, 11, 22, tzinfo=UTC)


def complaints(rule: str) -> list[str]:
    return list(examine(Policy.parse(DECIDED + rule, base=None), NOW))


def rule(name: str, when: str, more: str = "", action: str = "reject") -> str:
    told = 'title = "T"\nwhy = "w"\nreferences = ["r"]'
    return f'[[rule]]\nid = "{name}"\n{told}\naction = "{action}"\nwhen = {when}\n{more}\n'


@pytest.mark.parametrize("file", ["policy.toml", "policy-strict.toml"])
def test_shipped_rules_pass(file: str) -> None:
    result = CliRunner().invoke(rules, ["test", "--policy", str(rules_directory() / file)])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith(": fine\n")


def test_list_for_programs() -> None:
    result = CliRunner().invoke(rules, ["list", "--json"])
    told = json.loads(result.stdout)
    assert told["policy"] == "balanced"
    assert told["rules"][0]["id"] == "autoexec"
    assert told["rules"][0]["when"] == "verdict autoexec"
    assert "by itself" in {trigger["runs"] for trigger in told["triggers"]}


def test_list_as_lines() -> None:
    lines = CliRunner().invoke(rules, ["list"]).stdout.splitlines()
    assert lines[0].split("\t") == ["id", "action", "mode", "when", "title"]
    assert lines[1].split("\t")[:4] == ["autoexec", "quarantine", "apply", "verdict autoexec"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (rule("x", '{ findings = "dde" }', 'example = { findings = ["dde"] }'), None),
        (rule("x", '{ family = "word" }', 'example = { type = "doc" }'), None),
        (rule("x", '{ sender = "a@b.test", size = { above = "1K" } }', 'example = { sender = "a@b.test" }'), None),
        (rule("x", '{ client = "192.0.2.0/24" }', 'example = { client = "192.0.2.9" }'), None),
        (rule("x", '{ findings = "dde" }', 'mode = "shadow"\nexample = { findings = ["dde"] }'), None),
        (rule("x", '{ findings = "dde" }'), "rule x: has no example"),
        (
            rule("x", '{ findings = "dde" }', "example = {}"),
            "rule x: does not decide about its own example, default does",
        ),
        (rule("x", '{ findings = "dde" }', 'mode = "shadow"\nexample = {}'), "is on trial and does not match its own"),
        (
            rule("x", '{ verdict = "autoexec", family = "word" }', 'example = { verdict = "autoexec", type = "doc" }'),
            "rule x: can never match, because all before it takes all it could",
        ),
        (
            rule("x", '{ findings = "crash" }', 'example = { findings = ["crash"] }'),
            "rule x: does not decide about its own example, all does",
        ),
        (rule("x", "{}", "expires = 2026-11-21\nexample = {}"), "rule x: expired on 2026-11-21"),
    ],
)
def test_examples(text: str, sentence: str | None) -> None:
    found = complaints(text)
    assert (found == []) if sentence is None else (len(found) == 1 and sentence in found[0])


def test_failing_example_is_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(DECIDED + rule("x", '{ findings = "dde" }', "example = {}"))
    result = CliRunner().invoke(rules, ["test", "--policy", str(tmp_path / "p.toml")])
    assert result.exit_code == 1
    assert "2 rules" in result.stdout
    as_json = CliRunner().invoke(rules, ["test", "--json", "--policy", str(tmp_path / "p.toml")])
    assert len(json.loads(as_json.stdout)["wrong"]) == 1


def test_bad_files_are_exit_code_2_and_told_together(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("x = 1")
    (tmp_path / "triggers.toml").write_text("y = 1")
    result = CliRunner().invoke(rules, ["test", "--rules", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "policy.toml: x: there is no such key" in result.stderr
    assert "triggers.toml: " in result.stderr


def with_yara(tmp_path: Path, text: str) -> list[str]:
    """``--rules`` with the shipped files and one more YARA file."""
    for path in rules_directory().iterdir():
        if path.suffix in {".toml", ".yar"}:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "own.yar").write_text(text)
    return ["--rules", str(tmp_path)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ('rule a { meta: why = "w" reference = "r" test = "x" condition: filesize == 1 }', []),
        ("rule a { condition: filesize == 1 }", ["own.yar, rule a: has no why and no reference and no test"]),
        (
            'rule a { meta: why = "w" reference = "r" test = "x" condition: filesize == 2 }',
            ["own.yar, rule a: does not match its own test"],
        ),
        (
            'rule a { meta: why = "w" reference = "r" test = "x" condition: filetype == "docx" or filesize == 1 }',
            ["own.yar, rule a: matches a clean Word document", "own.yar, rule a: matches a message in Japanese"],
        ),
    ],
)
def test_yara_rules_are_tried(tmp_path: Path, text: str, sentences: list[str]) -> None:
    told = json.loads(CliRunner().invoke(rules, ["test", "--json", *with_yara(tmp_path, text)]).stdout)["wrong"]
    assert len(told) == len(sentences)
    assert all(line.startswith(sentence) for line, sentence in zip(told, sentences, strict=True))


def test_yara_rules_are_listed(tmp_path: Path) -> None:
    text = 'rule a { meta: title = "Says so" verdict = "macro" condition: false }'
    told = json.loads(CliRunner().invoke(rules, ["list", "--json", *with_yara(tmp_path, text)]).stdout)["yara"]
    assert [(row["id"], row["verdict"], row["title"]) for row in told if row["file"] == "own.yar"] == [
        ("a", "macro", "Says so")
    ]


def test_a_bad_yara_file_is_exit_code_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(rules, ["test", *with_yara(tmp_path, "rule a {\n condition: x }")])
    assert result.exit_code == 2
    assert f"{tmp_path}/own.yar line 2 column 13: unknown identifier `x`" in result.stderr


def test_a_yara_file_that_is_no_text_is_exit_code_2(tmp_path: Path) -> None:
    options = with_yara(tmp_path, "")
    (tmp_path / "own.yar").write_bytes(b"\xff")
    result = CliRunner().invoke(rules, ["list", *options])
    assert result.exit_code == 2
    assert "own.yar: cannot be read" in result.stderr
