"""``macrogate exceptions`` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

MACRO = "3f" * 32


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "macrogate.toml"
    path.write_text('[policy]\nexceptions = "exceptions.json"\n')
    path.chmod(0o600)
    return path


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["exceptions", *arguments, "--config", str(config)])


def test_a_macro_is_allowed_listed_and_taken_back(config: Path) -> None:
    done = run(config, "allow", "macro", MACRO, "--to", "bob@example.com", "--why", "his template", "--expires", "7d")
    assert done.exit_code == 0, done.output
    number = done.output.partition(":")[0]
    assert "is allowed for bob@example.com, until" in done.output
    (listed,) = [json.loads(line) for line in run(config, "list", "--json").stdout.splitlines()]
    assert (listed["id"], listed["what"], listed["why"], listed["in_force"]) == (number, MACRO, "his template", True)
    assert MACRO in run(config, "list").stdout
    assert run(config, "remove", number[:5], "--why", "over").exit_code == 0
    assert run(config, "list").stdout == ""
    assert "removed" in run(config, "list", "--all").stdout
    assert run(config, "remove", number, "--why", "over").exit_code == 1


def test_a_sender_is_blocked_for_good(config: Path) -> None:
    done = run(config, "block", "sender", "evil.example", "--why", "phishing", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["expires"] is None


def test_an_allowed_sender_needs_somebody_who_vouches(config: Path) -> None:
    done = run(config, "allow", "sender", "partner.example", "--why", "contract")
    assert done.exit_code == 0
    assert "authentication.verify is false" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("allow", "macro", "short", "--why", "w"), 2),
        (("allow", "macro", MACRO, "--why", "w", "--expires", "500d"), 2),
        (("allow", "macro", MACRO, "--why", "w", "--expires", "soon"), 2),
        (("allow", "macro", MACRO), 2),
        (("allow", "macro", MACRO, "--why", "w", "--expires", "2020-01-01"), 2),
        (("remove", "00", "--why", "w"), 1),
    ],
)
def test_the_exit_code_tells_what_went_wrong(config: Path, arguments: tuple[str, ...], code: int) -> None:
    assert run(config, *arguments).exit_code == code


def test_a_file_that_cannot_be_used_is_told(config: Path) -> None:
    (config.parent / "exceptions.json").write_text("no")
    assert run(config, "list").exit_code == 3
