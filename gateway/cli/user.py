"""``macrogate user``: who may sign in to the pages."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from gateway.config import ConfigError, load
from gateway.web.people import EXPLAINED, Role
from gateway.web.users import Users, UsersError

_config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration file (default: /etc/macrogate/macrogate.toml if there is one).",
)
_role = click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.VIEWER.value,
    show_default=True,
    help=" ".join(f"{role}: {what}." for role, what in EXPLAINED.items()),
)


@click.group()
def user() -> None:
    """Make, list and remove the people who may sign in to the quarantine pages.

    They are in the file of `[http] users`. There is no first password: until somebody is added, nobody can sign in. A
    running gateway sees changes at once.
    """


@user.command()
@click.argument("name")
@_role
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking twice.")
@_config
def add(name: str, role: str, password_stdin: bool, config: Path | None) -> None:
    """Add the user NAME, or give an old one a new password and role."""
    users = _users(config)
    password = _password(password_stdin)
    with _told():
        users.put(name, Role(role), password)
    click.echo(f"{name} may sign in as {role}.")


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@_config
def list_users(as_json: bool, config: Path | None) -> None:
    """List names and roles."""
    with _told():
        known = _users(config).all()
    for one in known:
        click.echo(json.dumps({"name": one.name, "role": one.role}) if as_json else f"{one.name}\t{one.role}")
    if not known and not as_json:
        click.echo("Nobody can sign in yet: macrogate user add NAME --role admin", err=True)


@user.command()
@click.argument("name")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@_config
def role(name: str, role: str, config: Path | None) -> None:
    """Give the user NAME another ROLE."""
    with _told():
        _users(config).set_role(name, Role(role))
    click.echo(f"{name} is {role} now.")


@user.command()
@click.argument("name")
@_config
def remove(name: str, config: Path | None) -> None:
    """Remove the user NAME; a session that is open ends with its next click."""
    with _told():
        _users(config).remove(name)
    click.echo(f"{name} cannot sign in any more.")


def _users(config: Path | None) -> Users:
    try:
        return Users(load(config).http.users)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except UsersError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
