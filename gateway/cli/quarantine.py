"""``macrogate quarantine``: what is held, why, and what to do about it. Works beside the running daemon.

Contract: whatever strangers wrote is printable and bounded before it reaches the terminal. Exit codes: 0 done, 1 no
such message or not possible in its state, 2 usage or configuration, 3 could not be done.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.cli import quarantine_run as run
from gateway.cli import quarantine_text as words
from gateway.cli.moments import moment
from gateway.cli.quarantine_place import Holdings, Place, places, reach
from gateway.closed_sets import HeldState, Verdict
from gateway.config import Settings
from gateway.endpoint import Endpoint
from gateway.mistakes import duration
from gateway.quarantine import (
    Filters,
    Quarantine,
)
from gateway.web.desk import DIGEST, FINGERPRINT

MAX_TOLD = 20
"""Lines about the same trouble on a terminal."""

WAITING = (HeldState.HELD, HeldState.RELEASING)

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def quarantine() -> None:
    """What is held: list it, look at it, release it, delete it.

    \b
    What waits for a decision:    macrogate quarantine list
    Why it was held:              macrogate quarantine show 3f9c
    Let it go to its recipients:  macrogate quarantine release 3f9c --why "expected invoice, called the sender"
    A copy for the analysts:      macrogate quarantine release 3f9c --to soc@example.com --why "please look"

    The first digits of an id are enough where only one message begins with them.

    All but purge and rebuild work on a gateway elsewhere as well (docs/api.md): --server https://gw.example.com
    --token-file FILE, or MACROGATE_SERVER and MACROGATE_TOKEN_FILE in the environment.
    """


def _config(command: Command) -> Command:
    option = click.option(
        "--config",
        "path",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Configuration file (default: /etc/macrogate/macrogate.toml if there is one).",
    )
    return option(command)


def _json(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")(command)


def _why(command: Command) -> Command:
    return click.option("--why", required=True, help="The reason; it goes on record with your name.")(command)


def _length(_context: click.Context, _parameter: click.Parameter, value: str | None) -> timedelta | None:
    """``12h``, ``30d``."""
    try:
        return None if value is None else timedelta(seconds=duration(value))
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(str(error)) from error


def _place(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        return str(Endpoint.parse(value)) if value else ""
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _fingerprint(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value and not FINGERPRINT.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no fingerprint; macrogate quarantine show tells those of a message")
    return value


def _digest(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value and not DIGEST.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no SHA-256: 64 of the digits 0-9 and a-f")
    return value


@quarantine.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([*(state.value for state in HeldState), "all"]),
    help="held, releasing, released, deleted, expired or all; may be repeated. Default: held and releasing.",
)
@click.option("--since", callback=moment, help="Held at or after this time: 2026-11-22, 2026-11-22T10:30, 12h, 7d.")
@click.option("--until", callback=moment, help="Held before this time.")
@click.option("--sender", default="", help="Part of the envelope sender.")
@click.option("--recipient", default="", help="Part of a recipient's address.")
@click.option("--subject", default="", help="Part of the subject.")
@click.option("--text", default="", help="Words, each somewhere in an address, the subject, the id or the Message-ID.")
@click.option("--macro", default="", callback=_fingerprint, help="With this macro in it: the whole fingerprint.")
@click.option("--file", default="", callback=_digest, help="With this file in it, by its SHA-256; one with findings.")
@click.option("--verdict", type=click.Choice([verdict.label for verdict in Verdict]), help="Only this verdict.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="The newest so many.")
@_json
@places
def list_held(
    states: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    sender: str,
    recipient: str,
    subject: str,
    text: str,
    macro: str,
    file: str,
    verdict: str | None,
    limit: int,
    as_json: bool,
    place: Place,
) -> None:
    """List held messages, newest first: a table on a terminal, else one line each with tabs between."""
    chosen = frozenset(HeldState(state) for state in states if state != "all") if states else frozenset(WAITING)
    filters = Filters(
        states=frozenset() if "all" in states else chosen,
        since=since,
        until=until,
        sender=sender,
        recipient=recipient,
        subject=subject,
        text=text,
        campaign=macro,
        file=file,
        verdict=Verdict.of(verdict) if verdict else None,
        limit=limit,
    )

    async def work(store: Holdings) -> int:
        messages = await store.find(filters)
        if as_json:
            for message in messages:
                run.tell(asdict(message))
        elif sys.stdout.isatty():
            words.table(messages)
        else:
            for message in messages:
                click.echo(words.row(message))
        return 0

    raise SystemExit(reach(work, place))


@quarantine.command()
@click.argument("held_id", metavar="ID")
@click.option("--raw", is_flag=True, help="The message itself, as it was received (made printable on a terminal).")
@click.option("--why", default="", help="The reason for --raw; it goes on record with your name.")
@_json
@places
def show(held_id: str, raw: bool, why: str, as_json: bool, place: Place) -> None:
    """Show why a message is held: findings with the lines of macro, its parts, and what was done with it."""
    if raw != bool(why.strip()):
        raise click.UsageError("--raw and --why go together: who takes a message, and why, is in its history.")

    async def work(store: Holdings) -> int:
        found = await store.resolve(held_id)
        if raw:
            with await store.open_message(found, why=why) as message:
                run.copy_raw(message)
            return 0
        held = await store.get(found)
        if as_json:
            run.tell(words.everything(held))
        else:
            words.page(held)
        return 0

    raise SystemExit(reach(work, place))


@quarantine.command()
@click.argument("held_ids", metavar="ID...", nargs=-1, required=True)
@_why
@click.option("--recipient", "-r", "recipients", multiple=True, help="Only to this recipient; may be repeated.")
@click.option(
    "--to", multiple=True, help="A copy to this other address; the message stays held for its own recipients."
)
@click.option("--next-hop", default="", callback=_place, help="HOST:PORT to send to instead of the configured one.")
@click.option(
    "--again", is_flag=True, help="Also what was released, or interrupted, before: somebody may get it twice."
)
@click.option(
    "--alone",
    default="",
    metavar="REASON",
    help="Where quarantine.two_person asks for two: release without approval, and note why.",
)
@_json
@places
def release(
    held_ids: tuple[str, ...],
    why: str,
    recipients: tuple[str, ...],
    to: tuple[str, ...],
    next_hop: str,
    again: bool,
    alone: str,
    as_json: bool,
    place: Place,
) -> None:
    """Send messages on to their recipients, byte for byte as they came, past the filter.

    A message counts as released once the next hop has taken it for every recipient; until then it stays held for the
    rest, and the same command again sends it only to them.

    With quarantine.two_person only what one person asked for on the pages and another approved is released, unless
    --alone says why one has to be enough.
    """
    if recipients and to:
        raise click.UsageError(
            "--recipient picks from the message's own recipients, --to names others: use one of them."
        )

    async def work(store: Holdings) -> int:
        async def one(held_id: str) -> dict[str, Any]:
            done = await store.release(held_id, why=why, recipients=recipients or None, to=to, again=again, alone=alone)
            return {"state": done.state.value, "replies": [list(reply) for reply in done.replies]}

        return await run.each(store.resolve, held_ids, one, as_json=as_json)

    raise SystemExit(reach(work, place, next_hop))


@quarantine.command()
@click.argument("held_ids", metavar="ID...", nargs=-1, required=True)
@_why
@_json
@places
def delete(held_ids: tuple[str, ...], why: str, as_json: bool, place: Place) -> None:
    """Delete messages for good. What they were, who deleted them and why stays on record."""

    async def work(store: Holdings) -> int:
        async def one(held_id: str) -> dict[str, Any]:
            await store.delete(held_id, why=why)
            return {"state": HeldState.DELETED.value}

        return await run.each(store.resolve, held_ids, one, as_json=as_json)

    raise SystemExit(reach(work, place))


@quarantine.command()
@click.argument("held_id", metavar="ID")
@_why
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file that is not there yet.",
)
@_json
@places
def export(held_id: str, why: str, output: Path, as_json: bool, place: Place) -> None:
    """Write a message to a file (.eml), for a sandbox or an analyst. It may be dangerous: handle it as such."""
    file = run.new_file(output)

    async def work(store: Holdings) -> int:
        found = await store.resolve(held_id)
        with await store.open_message(found, why=why) as message:
            size = run.copy(message, file)
        if as_json:
            run.tell({"id": found, "output": str(output), "size": size})
        else:
            click.echo(f"{found}: {size} bytes written to {output}. It is what was held: do not open it on a desktop.")
        return 0

    with file:
        code = reach(work, place)
    if code:
        with contextlib.suppress(OSError):
            output.unlink()
    raise SystemExit(code)


@quarantine.command()
@click.option(
    "--older-than", callback=_length, help="12h, 30d, ... (default: quarantine.retention of the configuration)."
)
@_json
@_config
def purge(older_than: timedelta | None, as_json: bool, path: Path | None) -> None:
    """Delete the bytes of messages older than the retention; what they were stays on record."""
    settings, who = run.settings(path), run.who()

    async def work(store: Quarantine) -> int:
        count = await _expire(store, settings, older_than, who)
        if as_json:
            run.tell({"purged": count})
        else:
            click.echo(f"{count} messages purged.")
        return 0

    run.open_and(work, settings)


async def _expire(store: Quarantine, settings: Settings, older_than: timedelta | None, who: str) -> int:
    if older_than is None:
        return await store.expire(timedelta(seconds=settings.quarantine.retention), who=who)
    return await store.expire(older_than, floor=timedelta(0), who=who)


@quarantine.command()
@_json
@_config
def rebuild(as_json: bool, path: Path | None) -> None:
    """Make a new index from the message files; the old one is kept beside it. Stop the daemon first."""
    settings = run.settings(path)
    store, messages = settings.quarantine.store, settings.quarantine.messages

    async def work() -> int:
        settled = await Quarantine.rebuild(store, messages)
        if as_json:
            run.tell(asdict(settled))
            return 3 if settled.unreadable else 0
        click.echo(f"{settled.indexed} messages are in the new index.")
        for trouble in settled.unreadable[:MAX_TOLD]:
            click.echo(f"Left as it is: {words.shown(trouble)}", err=True)
        if len(settled.unreadable) > MAX_TOLD:
            click.echo(f"... and {len(settled.unreadable) - MAX_TOLD} more (--json has them).", err=True)
        return 3 if settled.unreadable else 0

    raise SystemExit(run.guarded(work))
