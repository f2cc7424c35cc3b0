"""``macrogate iocs``: what stopped mail would have fetched and carried, for blocklists, MISP, a SIEM or a DNS sinkhole.

Contract: reads the quarantine beside the running daemon, or asks a gateway elsewhere, and changes nothing there. Exit
codes: 0 done, 1 too much for one answer of that gateway, 2 usage or configuration, 3 some records could not be read.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO

import click

from gateway.cli import quarantine_run as run
from gateway.cli import quarantine_text as text
from gateway.cli.moments import moment
from gateway.cli.quarantine_place import Place, places, server_of
from gateway.closed_sets import Verdict
from gateway.iocs import FORMATS, IocKind, export
from gateway.iocs.collect import collect
from gateway.iocs.gather import DEFAULT_VERDICTS, Collected, Wanted
from gateway.iocs.names import registered
from gateway.iocs.never import Never
from gateway.quarantine import Quarantine

MOST_TOLD = 20
"""Sentences about records that cannot be read."""

_NAME = re.compile(r"(?=.{4,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+")


def _own(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(name.lower().strip(".") for name in value)
    for name in names:
        if not _NAME.fullmatch(name):
            raise click.BadParameter(f"{name!r} is no domain; write example.com, which means all below it as well")
    return names


@click.command()
@click.option("--format", "-f", "form", type=click.Choice(list(FORMATS)), default="json", show_default=True)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="A file, replaced in one step [default: -]."
)
@click.option("--since", callback=moment, help="Stopped at or after this time: 2026-11-22, 2026-11-22T10:30, 12h, 7d.")
@click.option("--until", callback=moment, help="Stopped before this time.")
@click.option(
    "--verdict",
    "verdicts",
    multiple=True,
    type=click.Choice([verdict.label for verdict in Verdict if verdict > Verdict.CLEAN]),
    help="Parts with this verdict; may be repeated. [default: suspicious, autoexec]",
)
@click.option(
    "--except",
    "own",
    multiple=True,
    metavar="DOMAIN",
    callback=_own,
    help="A domain of yours, never to be told, with all below it; may be repeated.",
)
@places
def iocs(
    form: str,
    output: Path | None,
    since: datetime | None,
    until: datetime | None,
    verdicts: tuple[str, ...],
    own: tuple[str, ...],
    place: Place,
) -> None:
    """Write the indicators of compromise of stopped mail: hashes of documents, addresses and hosts in their macros.

    \b
    json   all of them, one object a line of an array
    csv    the same for a spreadsheet; nothing in it is taken for a formula
    misp   one MISP event, not published: "Import from... MISP standard"
    stix   a STIX 2.1 bundle; imported again it updates, and doubles nothing
    rpz    the hosts as a response policy zone, for a DNS server that shall not answer for them

    \b
    What came in today:       macrogate iocs --since 24h
    For the threat platform:  macrogate iocs --since 7d --format stix --output week.json
    A DNS sinkhole, hourly:   macrogate iocs --since 30d --format rpz --output /var/lib/bind/macrogate.zone
    Of a gateway elsewhere:   macrogate iocs --server https://gw.example.com --token-file FILE (scope iocs)

    Messages that were released are left out, and so are names everybody uses (rules/iocs.toml), public suffixes, and
    the domains of recipients and of this machine. How much was left out is told on stderr. Look at a list before you
    block by it: an attacker may name an honest host in a macro.
    """
    chosen = frozenset(map(Verdict.of, verdicts)) or DEFAULT_VERDICTS
    wanted = Wanted(since, until, chosen, own)
    with ExitStack() as opened:
        make = partial(_elsewhere, opened) if place.server else _here
        pieces, notes = make(place, form, wanted)
        _write(pieces, output)
    for line in _told(notes):
        click.echo(text.shown(line), err=True)
    raise SystemExit(3 if _number(notes, "not_read") else 0)


Made = tuple[Iterable[str], dict[str, Any]]
"""What is written, piece by piece, and the notes about it."""


def _here(place: Place, form: str, wanted: Wanted) -> Made:
    settings = run.settings(place.config)
    try:
        never = Never.read(settings.policy.rules)
    except ValueError as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from error
    wanted = replace(wanted, own=(*wanted.own, *registered(settings.smtp.hostname)))
    made: list[Collected] = []

    async def work(store: Quarantine) -> int:
        made.append(await collect(store, never, wanted))
        return 0

    if code := run.run(work, settings):
        raise SystemExit(code)
    (found,) = made
    return export(form, found.indicators, datetime.now(UTC)), found.notes | {"damaged": list(found.damaged)}


def _elsewhere(opened: ExitStack, place: Place, form: str, wanted: Wanted) -> Made:
    server = server_of(place)
    query = {"format": form, "verdict": ",".join(sorted(verdict.label for verdict in wanted.verdicts))}
    query |= {"except": ",".join(wanted.own)} if wanted.own else {}
    query |= {name: at.isoformat() for name in ("since", "until") if (at := getattr(wanted, name))}
    made: list[tuple[BinaryIO, dict[str, Any]]] = []

    async def work() -> int:
        made.append(await server.iocs(query))
        return 0

    if code := run.guarded(work):
        raise SystemExit(code)
    ((file, notes),) = made
    return opened.enter_context(io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")), notes


def _told(notes: dict[str, Any]) -> Iterator[str]:
    """The notes as lines; those of another machine may be anything."""
    counts = {kind: _number(notes.get("indicators"), kind) for kind in IocKind}
    yield f"{sum(counts.values())} indicators: {', '.join(f'{count} {kind}' for kind, count in counts.items())}"
    left_out = notes.get("left_out")
    for why in sorted(left_out if isinstance(left_out, dict) else ()):
        yield f"left out: {_number(left_out, why)} {why}"
    damaged = notes.get("damaged", [])
    yield from (f"not read: {sentence}" for sentence in damaged[:MOST_TOLD])
    if (rest := _number(notes, "not_read") - len(damaged[:MOST_TOLD])) > 0:
        yield f"not read: {rest} more" if damaged else f"not read: {rest} records"


def _number(told: Any, name: str) -> int:
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, int) else 0


def _write(pieces: Iterable[str], output: Path | None) -> None:
    """A reader of the file sees the old one or the new one, whole."""
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    name = ""
    try:
        with NamedTemporaryFile("w", encoding="utf-8", newline="", dir=output.parent, delete=False) as file:
            name = file.name
            file.writelines(pieces)
            os.fchmod(file.fileno(), 0o644)  # it is for other programs: a DNS server, a threat platform
        os.replace(name, output)
    except OSError as error:
        if name:
            with suppress(OSError):
                os.unlink(name)
        click.echo(f"{output} cannot be written: {error.strerror}", err=True)
        raise SystemExit(3) from error
