"""``macrogate digest``: what recipients are told about held mail; look at it, or send it now.

Contract: exit codes: 0 done, 1 there is nothing to tell, 2 usage or configuration, 3 something was not sent.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from gateway.cli import quarantine_run
from gateway.config import Settings
from gateway.digest.letter import ADDRESS, digest
from gateway.digest.sending import Outcome, Plan, posts, run
from gateway.digest.state import State, StateError
from gateway.quarantine import Quarantine
from gateway.wiring import WiringError, digest_plan


@click.command("digest")
@click.option("--to", "recipient", default="", metavar="ADDRESS", help="Only this recipient.")
@click.option("--dry-run", is_flag=True, help="Print the letter --to would get about all that is held; send nothing.")
@click.option("--now", is_flag=True, help="Send what is due today without waiting for the hour.")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Configuration file (default: /etc/macrogate/macrogate.toml if there is one).",
)
def digest_command(recipient: str, dry_run: bool, now: bool, config: Path | None) -> None:
    """Look at the digest of a recipient, or send digests now.

    \b
    What bob would be told:       macrogate digest --to bob@example.com --dry-run
    Send what is due, to all:     macrogate digest --now
    To one person:                macrogate digest --to bob@example.com --now

    A digest lists what is held for its recipient and was not told before. Nobody gets two on one day, and nobody
    outside the domains of [digest] gets any. A running gateway sends them by itself if [digest] enabled is true.
    """
    if dry_run == now:
        raise click.UsageError("say either --dry-run or --now")
    if dry_run and not recipient:
        raise click.UsageError("--dry-run needs --to: whose digest?")
    settings = quarantine_run.settings(config)
    recipient = recipient.lower()
    try:
        plan = digest_plan(settings)
        _require(settings, recipient)
        quarantine_run.open_and(lambda store: _work(store, settings, plan, recipient, dry_run), settings)
    except WiringError as error:
        raise click.UsageError(str(error)) from error
    except StateError as error:
        click.echo(str(error), err=True)
        raise SystemExit(3) from error


def _require(settings: Settings, recipient: str) -> None:
    """Raises ``click.UsageError`` for a letter that must not or cannot be."""
    if not settings.digest.sender or not settings.digest.domains:
        raise click.UsageError("[digest] needs sender and domains first")
    if recipient and not (ADDRESS.fullmatch(recipient) and recipient.rpartition("@")[2] in settings.digest.domains):
        raise click.UsageError(f"{recipient[:80]!r} is no address in the domains of [digest]")


async def _work(store: Quarantine, settings: Settings, plan: Plan, recipient: str, dry_run: bool) -> int:
    now = datetime.now().astimezone()
    if dry_run:
        post = (await posts(store, plan, {}, now, recipient)).get(recipient)
        if post is None:
            click.echo(f"Nothing is held for {recipient}.", err=True)
            return 1
        click.echo(digest(plan.writer, recipient, post.rows, post.total, now), nl=False)
        return 0
    way = lambda: quarantine_run.deliver_with(settings, "")  # noqa: E731 - a name for one argument
    found = await run(store, plan, State(settings.digest.state), way, now, recipient)
    click.echo(f"{found.sent} sent, {found.put_off} put off, {found.refused} refused.")
    return 3 if found.put_off or found.refused else 0 if found != Outcome() else 1
