"""Tokens: shown once, told by their digest, gone at once when removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.token import token as command_group
from gateway.web.api.tokens import SHAPE, USED_TO, Scope, Tokens, TokensError
from gateway.web.people import Role
from gateway.web.users import Users

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_a_token_is_told_by_what_was_shown_once(tmp_path: Path) -> None:
    running, command = Tokens(tmp_path / "tokens.json"), Tokens(tmp_path / "tokens.json")
    assert running.all() == ()
    secret = command.add("wall", "ann", [Scope.READ], NOW)
    assert SHAPE.fullmatch(secret)
    assert secret not in command.path.read_text()
    assert command.path.stat().st_mode & 0o777 == 0o600
    found = running.find(secret)
    assert found is not None
    assert (found.name, found.user, found.scopes, found.expires) == ("wall", "ann", {Scope.READ}, NOW)
    assert running.find(secret[:-1]) is None
    assert running.find(found.digest) is None
    assert running.find("\udcff") is None
    command.remove("wall")
    assert running.find(secret) is None


def test_a_token_expires(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    one = tokens.find(tokens.add("a", "ann", [Scope.READ], NOW))
    ever = tokens.find(tokens.add("b", "ann", [Scope.READ], None))
    assert one is not None
    assert ever is not None
    assert [one.expired(NOW - timedelta(seconds=1)), one.expired(NOW), ever.expired(NOW)] == [False, True, False]


def test_the_last_use_is_written_once_an_hour(tmp_path: Path) -> None:
    running, command = Tokens(tmp_path / "tokens.json"), Tokens(tmp_path / "tokens.json")
    one = running.find(running.add("a", "ann", [Scope.READ], None))
    assert one is not None
    assert command.used(one) is None
    running.note_use(one, NOW)
    assert command.used(one) == NOW
    running.note_use(one, NOW + USED_TO / 2)
    assert command.used(one) == NOW
    running.note_use(one, NOW + USED_TO)
    assert command.used(one) == NOW + USED_TO
    running.note_use(one, NOW)  # the clock was set back
    assert command.used(one) == NOW
    running.remove("a")
    other = running.find(running.add("a", "ann", [Scope.READ], None))
    assert other is not None
    assert command.used(other) is None


@pytest.mark.parametrize(
    ("text", "mode", "sentence"),
    [
        ("{}", 0o644, "can be read by others"),
        ("[]", 0o600, "is not a file of tokens"),
        ("{", 0o600, "is not a file of tokens"),
        ('{"a": {}}', 0o600, "is not a file of tokens"),
        ('{"a": {"user": "x", "scopes": ["king"], "sha256": "", "made": "", "expires": null}}', 0o600, "is not a file"),
        ("[" * 100_000, 0o600, "is not a file of tokens"),
    ],
)
def test_a_bad_file_is_good_for_no_token(tmp_path: Path, text: str, mode: int, sentence: str) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    secret = tokens.add("a", "ann", [Scope.READ], None)
    tokens.path.write_text(text)
    tokens.path.chmod(mode)
    for _ in range(2):
        with pytest.raises(TokensError, match=sentence):
            tokens.find(secret)


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "a\n", "a" * 65, "ä"])
def test_odd_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TokensError, match="is no name for a token"):
        Tokens(tmp_path / "tokens.json").add(name, "ann", [Scope.READ], None)


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    tokens.add("a", "ann", [Scope.READ], None)
    with pytest.raises(TokensError, match="already"):
        tokens.add("a", "ann", [Scope.READ], None)
    with pytest.raises(TokensError, match="There is no token 'b'"):
        tokens.remove("b")


def command(tmp_path: Path, *words: str) -> tuple[int, str, str]:
    config = tmp_path / "macrogate.toml"
    config.write_text('[http]\nusers = "users.json"\ntokens = "tokens.json"\n')
    config.chmod(0o600)
    result = CliRunner().invoke(command_group, [*words, "--config", str(config)])
    return result.exit_code, result.stdout, result.stderr


def test_tokens_are_made_listed_and_removed_by_command(tmp_path: Path) -> None:
    words = ("add", "wall", "--user", "ann", "--scope", "read, release")
    code, _, wrong = command(tmp_path, *words)
    assert (code, "There is no user 'ann'" in wrong) == (2, True)
    Users(tmp_path / "users.json").put("ann", Role.VIEWER, "correct horse battery")
    code, shown, said = command(tmp_path, *words)
    assert (code, "is not shown again" in said) == (0, True)
    found = Tokens(tmp_path / "tokens.json").find(shown.rstrip("\n"))
    assert found is not None
    assert found.scopes == {Scope.READ, Scope.RELEASE}
    listed = command(tmp_path, "list")[1]
    assert listed.startswith("wall\tann\tread,release\tends ")
    assert listed.endswith("\tnever used\n")
    assert '"name": "wall"' in command(tmp_path, "list", "--json")[1]
    assert command(tmp_path, "remove", "wall")[0] == 0
    assert command(tmp_path, "list")[1] == ""
    assert command(tmp_path, "remove", "wall")[0] == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--scope", "reed"), "did you mean 'read'?"),
        (("--scope", ""), "is no scope"),
        (("--scope", "read", "--expires", "soon"), "is not a duration"),
    ],
)
def test_odd_wishes_are_told(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    code, _, said = command(tmp_path, "add", "x", "--user", "ann", *words)
    assert (code, sentence in said) == (2, True)
