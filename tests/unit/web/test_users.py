"""Who may sign in: a file for its owner only, hashes instead of passwords, and sentences for every mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from click.testing import CliRunner

from gateway.cli.user import user
from gateway.web import users as module
from gateway.web.people import EXPLAINED, TAKES, Act, Person, Role
from gateway.web.users import Users, UsersError

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost nothing."""
    cheap = module.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(module, "_HASHER", cheap)
    monkeypatch.setattr(module, "_NOBODY", cheap.hash("x"))


def test_only_the_right_password_is_let_in(tmp_path: Path) -> None:
    users = Users(tmp_path / "users.json")
    assert users.all() == ()
    assert users.check("ann", PASSWORD) is None
    users.put("ann", Role.RELEASER, PASSWORD)
    found = users.check("ann", PASSWORD)
    assert found is not None
    assert (found.name, found.role) == ("ann", Role.RELEASER)
    assert users.check("ann", PASSWORD + "x") is None
    assert users.check("bob", PASSWORD) is None


def test_a_name_that_does_not_exist_costs_what_a_wrong_password_costs() -> None:
    hasher = PasswordHasher()
    made_up, real = (extract_parameters(text) for text in (module._nobody(hasher), hasher.hash(PASSWORD)))
    assert made_up == real
    with pytest.raises(VerifyMismatchError):  # the work is done, and then it is no match
        hasher.verify(module._nobody(hasher), PASSWORD)


def test_the_file_holds_no_password_and_is_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    Users(path).put("ann", Role.VIEWER, PASSWORD)
    assert PASSWORD not in path.read_text()
    assert "$argon2id$" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_running_gateway_sees_changes(tmp_path: Path) -> None:
    running, command = Users(tmp_path / "users.json"), Users(tmp_path / "users.json")
    command.put("ann", Role.VIEWER, PASSWORD)
    assert running.get("ann") is not None
    command.set_role("ann", Role.RELEASER)
    assert running.get("ann").role is Role.RELEASER  # type: ignore[union-attr]
    command.remove("ann")
    assert running.get("ann") is None


@pytest.mark.parametrize(
    ("text", "mode", "sentence"),
    [
        ("{}", 0o644, "can be read by others"),
        ("[]", 0o600, "is not a file of users"),
        ("{", 0o600, "is not a file of users"),
        ('{"ann": {"role": "king", "hash": ""}}', 0o600, "is not a file of users"),
        ("[" * 100_000, 0o600, "is not a file of users"),
    ],
)
def test_a_bad_file_lets_nobody_in(tmp_path: Path, text: str, mode: int, sentence: str) -> None:
    path = tmp_path / "users.json"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(UsersError, match=sentence):
        Users(path).check("ann", PASSWORD)


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "a\n", "a" * 65, "ä"])
def test_odd_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsersError, match="is no user name"):
        Users(tmp_path / "users.json").put(name, Role.VIEWER, PASSWORD)


def test_each_role_may_what_those_before_it_may() -> None:
    assert [role for role in Role if role.may(Role.RELEASER)] == [Role.RELEASER, Role.ADMIN]
    assert set(EXPLAINED) == set(Role)


def test_every_act_takes_a_role() -> None:
    assert set(TAKES) == set(Act)
    may = {role: {act for act in Act if Person("x", role).may(act)} for role in Role}
    assert may[Role.VIEWER] == {Act.LOOK}
    assert may[Role.ANALYST] == {Act.LOOK, Act.DOWNLOAD, Act.ASK}
    assert may[Role.ADMIN] - may[Role.RELEASER] == {Act.ALLOW}
    assert may[Role.ADMIN] == set(Act)


def command(tmp_path: Path, *words: str, text: str = "") -> tuple[int, str, str]:
    config = tmp_path / "macrogate.toml"
    config.write_text('[http]\nusers = "users.json"\n')
    config.chmod(0o600)
    result = CliRunner().invoke(user, [*words, "--config", str(config)], input=text)
    return result.exit_code, result.stdout, result.stderr


def test_users_are_made_listed_and_removed_by_command(tmp_path: Path) -> None:
    assert command(tmp_path, "list") == (0, "", "Nobody can sign in yet: macrogate user add NAME --role admin\n")
    made = command(tmp_path, "add", "ann", "--role", "releaser", "--password-stdin", text=PASSWORD + "\n")
    assert made == (0, "ann may sign in as releaser.\n", "")
    assert Users(tmp_path / "users.json").check("ann", PASSWORD) is not None
    assert command(tmp_path, "role", "ann", "viewer")[0] == 0
    assert json.loads(command(tmp_path, "list", "--json")[1]) == {"name": "ann", "role": "viewer"}
    assert command(tmp_path, "remove", "ann")[0] == 0
    code, _, told = command(tmp_path, "remove", "ann")
    assert (code, "There is no user 'ann'" in told) == (2, True)


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    code, _, told = command(tmp_path, "add", "ann", "--password-stdin", text="short\n")
    assert (code, told) == (2, "A password has 12 to 1024 characters; this one has 5\n")
