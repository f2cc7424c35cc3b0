"""``macrogate exceptions``: what people on duty allow and block, beside the policy.

Contract: exit codes: 0 done, 1 no such exception, 2 usage, configuration or an entry that cannot be, 3 the file could
not be read or written.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from gateway.cli.quarantine_run import settings as read_settings
from gateway.cli.quarantine_run import who
from gateway.closed_sets import Effect
from gateway.config import Settings
from gateway.exceptions import BadException, ExceptionList, ExceptionsError, NoSuchEntry
from gateway.message import clip
from gateway.mistakes import duration
from gateway.policy.entries import Entry, Subject, encode

T = TypeVar("T")

_config = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration file (default: /etc/macrogate/macrogate.toml if there is one).",
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
_why = click.option("--why", required=True, help="The reason; it goes on record with your name.")
_subject = click.argument("subject", metavar="macro|file|sender", type=click.Choice([word.value for word in Subject]))
_recipients = click.option(
    "--to",
    "recipients",
    multiple=True,
    metavar="ADDRESS",
    help="Only for this recipient: bob@example.com, example.com, .example.com; may be repeated. Default: everybody.",
)


def _end(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """``30d``, or ``2027-01-31``: to the end of that day in UTC."""
    if value is None:
        return None
    try:
        if re.fullmatch(r"[\d.]+[a-z]+", value):
            return datetime.now(UTC) + timedelta(seconds=duration(value))
        return datetime.combine(datetime.fromisoformat(value).date(), datetime.min.time(), UTC) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(
            f"{value!r} is neither a length of time nor a day; write 12h, 30d or 2027-01-31"
        ) from error


@click.group()
def exceptions() -> None:
    """Allow a known macro, file or sender for a while, or block one.

    \b
    What is in force:            macrogate exceptions list
    Let a known macro pass:      macrogate exceptions allow macro 3f9c… --to bob@example.com --why "his own template"
    Let a known file pass:       macrogate exceptions allow file 8a01… --expires 7d --why "price list, checked"
    Trust a partner's mail:      macrogate exceptions allow sender partner.example --why "contract 4711"
    Hold all mail of a sender:   macrogate exceptions block sender .evil.example --why "phishing since noon"
    Take one back:               macrogate exceptions remove 5e0a --why "the project is over"

    A macro is named by its fingerprint, which `macrogate quarantine show` and the events tell: it stays the same in
    every document with that code, and nothing else in a message passes with it. A sender counts only where DMARC
    vouches for From, or the mail comes from the networks of [local] in the policy. A block beats whatever is allowed.
    What is allowed ends by itself. A running gateway obeys within a second.
    """


@exceptions.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that have ended within the last year too.")
@_json
@_config
def list_entries(everything: bool, as_json: bool, config: Path | None) -> None:
    """List what is allowed and blocked, the newest first."""
    now = datetime.now(UTC)
    entries = _run(_service(config).find(all=everything))
    for entry in entries:
        click.echo(json.dumps(encode(entry) | {"in_force": entry.in_force(now)}) if as_json else _line(entry, now))
    if not entries and not as_json:
        click.echo("No exceptions are in force.", err=True)


@exceptions.command()
@_subject
@click.argument("what")
@_recipients
@_why
@click.option("--expires", callback=_end, help="12h, 30d, or the last day: 2027-01-31.  [default: 30d; at most a year]")
@_json
@_config
def allow(
    subject: str,
    what: str,
    recipients: tuple[str, ...],
    why: str,
    expires: datetime | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Let WHAT pass: a macro by its fingerprint, a file by its SHA-256, a sender by address or domain."""
    settings = read_settings(config)
    if subject == Subject.SENDER and not settings.authentication.verify:
        click.echo(
            "Note: authentication.verify is false, so nobody can vouch for a sender: this counts only for mail from "
            "the networks of [local] in the policy.",
            err=True,
        )
    _add(settings, Effect.ALLOW, Subject(subject), what, recipients, why, expires, as_json)


@exceptions.command()
@_subject
@click.argument("what")
@_recipients
@_why
@click.option("--expires", callback=_end, help="12h, 30d, or the last day: 2027-01-31.  [default: never]")
@_json
@_config
def block(
    subject: str,
    what: str,
    recipients: tuple[str, ...],
    why: str,
    expires: datetime | None,
    as_json: bool,
    config: Path | None,
) -> None:
    """Hold every message with WHAT in it or from it, whatever the rules say and whatever is allowed."""
    _add(read_settings(config), Effect.BLOCK, Subject(subject), what, recipients, why, expires, as_json)


@exceptions.command()
@click.argument("entry_id", metavar="ID")
@_why
@_json
@_config
def remove(entry_id: str, why: str, as_json: bool, config: Path | None) -> None:
    """Take the exception ID back; its first digits are enough. It stays on record for a year."""
    entry = _run(_service(config).remove(entry_id, who=who(), why=why))
    click.echo(json.dumps(encode(entry)) if as_json else f"{entry.id} is not in force any more: {entry.about}")


def _service(config: Path | None) -> ExceptionList:
    return ExceptionList(read_settings(config).policy.exceptions)


def _add(
    settings: Settings,
    effect: Effect,
    subject: Subject,
    what: str,
    recipients: tuple[str, ...],
    why: str,
    expires: datetime | None,
    as_json: bool,
) -> None:
    service = ExceptionList(settings.policy.exceptions)
    entry = _run(service.add(effect, subject, what, why=why, who=who(), recipients=recipients, expires=expires))
    if as_json:
        click.echo(json.dumps(encode(entry)))
        return
    done = "allowed" if effect is Effect.ALLOW else "blocked"
    click.echo(f"{entry.id}: {entry.about} is {done} for {_scope(entry)}, {_until(entry)}.")


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except ExceptionsError as error:
        _fail(error)


def _fail(error: ExceptionsError) -> NoReturn:
    click.echo(str(error), err=True)
    sys.exit(1 if isinstance(error, NoSuchEntry) else 2 if isinstance(error, BadException) else 3)


def _scope(entry: Entry) -> str:
    return ", ".join(clip(one, 320) for one in entry.recipients) or "everybody"


def _until(entry: Entry) -> str:
    return f"until {entry.expires:%Y-%m-%d %H:%M} UTC" if entry.expires else "for good"


def _line(entry: Entry, now: datetime) -> str:
    state = _until(entry)
    if entry.removed is not None:
        state = f"removed {entry.removed:%Y-%m-%d %H:%M} UTC by {entry.removed_by}: {entry.removed_why}"
    elif not entry.in_force(now):
        state = f"ended {entry.expires:%Y-%m-%d %H:%M} UTC"
    fields = (entry.id, entry.effect, entry.subject, entry.what, _scope(entry), state, entry.who, entry.why)
    return "\t".join(fields)
