"""``macrogate iocs``: what stopped mail would have fetched and carried, for blocklists, MISP, a SIEM or a DNS sinkhole.

Contract: reads the quarantine beside the running daemon and changes nothing in it. Exit codes: 0 done, 2 usage or
configuration, 3 some records could not be read.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from gateway.cli import quarantine_run as run
from gateway.cli import quarantine_text as text
from gateway.cli.moments import moment
from gateway.config import Settings
from gateway.iocs import FORMATS, Indicator, export
from gateway.iocs.gather import DEFAULT_VERDICTS, Gathering
from gateway.iocs.never import Never
from gateway.message import HeldState, Verdict
from gateway.quarantine import Filters, HeldMessage, Quarantine, QuarantineError

STOPPED = frozenset({HeldState.HELD, HeldState.DELETED, HeldState.EXPIRED})
"""Not what somebody let go: that was found to be honest."""

PAGE = 500
TABLE = "iocs.toml"

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
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration file (default: /etc/macrogate/macrogate.toml if there is one).",
)
def iocs(
    form: str,
    output: Path | None,
    since: datetime | None,
    until: datetime | None,
    verdicts: tuple[str, ...],
    own: tuple[str, ...],
    path: Path | None,
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

    Messages that were released are left out, and so are names everybody uses (rules/iocs.toml), public suffixes, and
    the domains of recipients and of this machine. How much was left out is told on stderr. Look at a list before you
    block by it: an attacker may name an honest host in a macro.
    """
    settings = run.settings(path)
    never = _table(settings)
    chosen = frozenset(map(Verdict.of, verdicts)) or DEFAULT_VERDICTS
    gathering = Gathering(never, (*own, *_ours(settings.smtp.hostname)), chosen)
    damaged: list[str] = []

    async def work(store: Quarantine) -> int:
        async for message in _stopped(store, since, until, chosen):
            try:
                held = await store.get(message.id)
            except QuarantineError as error:
                damaged.append(str(error))
                continue
            envelope = held.record.transaction.envelope
            recipients = (recipient.address for recipient in envelope.recipients)
            gathering.add(message.id, message.kept_at, held.record.report, recipients)
        return 0

    if code := run.run(work, settings):
        raise SystemExit(code)
    found = gathering.indicators()
    _write(export(form, found, datetime.now(UTC)), output)
    for line in _notes(found, gathering, damaged):
        click.echo(text.shown(line), err=True)
    raise SystemExit(3 if damaged else 0)


def _table(settings: Settings) -> Never:
    file = settings.policy.rules / TABLE
    try:
        return Never.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        click.echo(f"{file}: {getattr(error, 'strerror', None) or error}", err=True)
        raise SystemExit(2) from error


def _ours(hostname: str) -> tuple[str, ...]:
    """The domain this machine is in."""
    from publicsuffixlist import PublicSuffixList

    domain = PublicSuffixList().privatesuffix(hostname.lower())
    return (domain,) if domain else ()


async def _stopped(
    store: Quarantine, since: datetime | None, until: datetime | None, verdicts: frozenset[Verdict]
) -> AsyncIterator[HeldMessage]:
    """Newest first, a page at a time. A message may hold a part of a verdict that is not its worst one."""
    after: int | None = None
    labels = {verdict.label for verdict in Verdict if verdict >= min(verdicts)}
    while page := await store.find(Filters(states=STOPPED, since=since, until=until, older_than=after, limit=PAGE)):
        for message in page:
            if message.verdict in labels:
                yield message
        after = page[-1].place


def _notes(found: list[Indicator], gathering: Gathering, damaged: list[str]) -> Iterator[str]:
    counts = ", ".join(f"{sum(one.kind == kind for one in found)} {kind}" for kind in ("sha256", "url", "domain", "ip"))
    yield f"{len(found)} indicators: {counts}"
    for why, count in sorted(gathering.left_out.items()):
        yield f"left out: {count} {why}"
    yield from (f"not read: {sentence}" for sentence in damaged[:20])
    if len(damaged) > 20:
        yield f"not read: {len(damaged) - 20} more"


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
