"""``macrogate token``: what programs show at the API's door.

Contract: a new token is written to standard output once, alone, and nowhere else. Exit codes: 0 done, 2 usage or
configuration.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from gateway.config import ConfigError, Settings, load
from gateway.mistakes import duration, meant
from gateway.web.api.tokens import Scope, Token, Tokens
from gateway.web.private import PrivateFileError
from gateway.web.users import Users

_config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration file (default: /etc/macrogate/macrogate.toml if there is one).",
)


def _scopes(_context: click.Context, _parameter: click.Parameter, value: str) -> frozenset[Scope]:
    known = [scope.value for scope in Scope]
    words = [word.strip() for word in value.split(",")]
    for word in words:
        if word not in known:
            raise click.BadParameter(f"{word!r} is no scope{meant(word, known)}; there are {', '.join(known)}")
    return frozenset(Scope(word) for word in words)


def _expiry(_context: click.Context, _parameter: click.Parameter, value: str) -> datetime | None:
    if value == "never":
        return None
    try:
        return datetime.now(UTC) + timedelta(seconds=duration(value))
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{error}, or never") from error


@click.group()
def token() -> None:
    """Make, list and remove the tokens by which programs use the API (docs/api.md).

    A token belongs to a user of `macrogate user`: what is done with it is done in that user's name, and it can do less
    than that user, never more. They are in the file of `[http] tokens`, which holds no token, only what one is told by.
    A running gateway sees changes at once.

    \b
    For a dashboard:         macrogate token add wall --user ann --scope read
    For a ticket system:     macrogate token add tickets --user soar --scope read,release,delete --expires 90d
    """


@token.command()
@click.argument("name")
@click.option("--user", required=True, help="Whose it is: a name of `macrogate user list`.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    callback=_scopes,
    help=f"What it may be used for, with commas between: {', '.join(Scope)}.",
)
@click.option(
    "--expires", callback=_expiry, default="365d", show_default=True, help="How long it is good: 12h, 90d, or never."
)
@_config
def add(name: str, user: str, scopes: frozenset[Scope], expires: datetime | None, config: Path | None) -> None:
    """Make the token NAME and show it, for the only time."""
    settings = _settings(config)
    with _told():
        if Users(settings.http.users).get(user) is None:
            raise PrivateFileError(
                f"There is no user {user[:80]!a} in {settings.http.users}; macrogate user add makes one"
            )
        secret = Tokens(settings.http.tokens).add(name, user, scopes, expires)
    until = f"until {expires:%Y-%m-%d %H:%M} UTC" if expires else "until it is removed"
    click.echo(f"{name} is good {until}. Keep it in a file for its owner only; it is not shown again.", err=True)
    click.echo(secret)


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@_config
def list_tokens(as_json: bool, config: Path | None) -> None:
    """List names, owners, scopes, when each ends and when it was last used (to the hour)."""
    tokens = Tokens(_settings(config).http.tokens)
    with _told():
        for one in tokens.all():
            click.echo(_line(one, tokens.used(one), as_json=as_json))


def _line(one: Token, used: datetime | None, *, as_json: bool) -> str:
    scopes = sorted(scope.value for scope in one.scopes)
    if as_json:
        times = {"made": one.made, "expires": one.expires, "used": used}
        told = {name: moment.isoformat() if moment else None for name, moment in times.items()}
        return json.dumps({"name": one.name, "user": one.user, "scopes": scopes, **told})
    ends = f"{one.expires:%Y-%m-%d}" if one.expires else "never"
    state = " (expired)" if one.expired(datetime.now(UTC)) else ""
    last = f"used {used:%Y-%m-%d %H:%M}Z" if used else "never used"
    return "\t".join((one.name, one.user, ",".join(scopes), f"ends {ends}{state}", last))


@token.command()
@click.argument("name")
@_config
def remove(name: str, config: Path | None) -> None:
    """End the token NAME now."""
    with _told():
        Tokens(_settings(config).http.tokens).remove(name)
    click.echo(f"{name} is good for nothing any more.")


def _settings(config: Path | None) -> Settings:
    try:
        return load(config)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except PrivateFileError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
