"""``macrogate check-config``: everything that is wrong with a configuration, or what it will do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from gateway.cli.check_provider import provider, provider_doubts
from gateway.cli.check_receivers import doubts, receivers
from gateway.cli.yara_rules import load_yara
from gateway.closed_sets import Action
from gateway.config import DEFAULT_PATH, ConfigError, Settings, load
from gateway.endpoint import Endpoint
from gateway.message import Client
from gateway.policy import Policy, PolicyError
from gateway.scan.triggers import ScanRules
from gateway.wiring import WiringError, authserv_id, letter_writer, read_links, read_templates, sealer, unverified

FAILURE_WORDS = {
    Action.DEFER: "is put off with 451, so that its sender tries again",
    Action.QUARANTINE: "is judged as unscannable by the policy",
    Action.DELIVER: "is DELIVERED UNEXAMINED",
}

PROBE_SENDER = "relay-test@macrogate.invalid"
PROBE_RECIPIENT = "relay-test@elsewhere.invalid"
"""RFC 2606 §2: ``.invalid`` is nobody's, so an MTA that takes it relays for anybody."""

PROBE_CLIENT = Client(address="192.0.2.1", port=25, helo="stranger.invalid")
"""RFC 5737 §3: an address nobody has."""


@click.command("check-config")
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Configuration file (default: {DEFAULT_PATH} if there is one, else the built-in defaults).",
)
@click.option(
    "--probe", is_flag=True, help="Also connect to the next hop: what it offers, and whether it relays for strangers."
)
def check_config(path: Path | None, probe: bool) -> None:
    """Say everything that is wrong with a configuration and its rules, or what the gateway will do with it.

    Nothing is started or changed. Exit code: 0 fine, 2 something is wrong, 3 the probe found trouble.
    """
    try:
        settings = load(path)
    except ConfigError as error:
        raise SystemExit(_refuse(error.mistakes)) from None
    policy, mistakes = _rules(settings)
    if policy is None or mistakes:
        raise SystemExit(_refuse(tuple(mistakes)))
    for line in summary(settings, policy):
        click.echo(line)
    for doubt in (*doubts(settings), *provider_doubts(settings)):
        click.echo(f"warning: {doubt}", err=True)
    sys.exit(asyncio.run(_probe(settings)) if probe else 0)


def _refuse(mistakes: tuple[str, ...]) -> int:
    for mistake in mistakes:
        click.echo(mistake, err=True)
    click.echo(f"{len(mistakes)} wrong", err=True)
    return 2


def _rules(settings: Settings) -> tuple[Policy | None, list[str]]:
    """The policy, and what is wrong with it, with the trigger file and with the YARA files."""
    mistakes, policy = [], None
    try:
        policy = Policy.load(settings.policy.file)
    except PolicyError as error:
        mistakes += [f"{settings.policy.file}: {mistake}" for mistake in error.mistakes]
    triggers = settings.policy.rules / "triggers.toml"
    try:
        ScanRules.parse(triggers.read_text("utf-8"))
    except OSError as error:
        mistakes.append(f"{triggers}: cannot be read: {error.strerror}")
    except ValueError as error:
        mistakes += [f"{triggers}: {line}" for line in str(error).splitlines()]
    mistakes += load_yara(settings.policy.rules)[1]
    mistakes += _notice(settings)
    mistakes += _authentication(settings, policy)
    return policy, mistakes


def _authentication(settings: Settings, policy: Policy | None) -> list[str]:
    """What is wrong with our keys, and with rules that ask who signed."""
    mistakes = [unverified(settings, policy)] if policy is not None else []
    try:
        sealer(settings)
    except WiringError as error:
        mistakes.append(str(error))
    return [mistake for mistake in mistakes if mistake]


def _notice(settings: Settings) -> list[str]:
    """What is wrong with the wording of notices and digests and with the secret of their links."""
    mistakes = []
    try:
        read_templates(settings.notice.templates, settings.notice.language)
    except WiringError as error:
        mistakes += str(error).splitlines()
    try:
        read_links(settings)
        letter_writer(settings)
    except WiringError as error:
        mistakes.append(str(error))
    return mistakes


def summary(settings: Settings, policy: Policy) -> Iterator[str]:
    """What will be done, line by line."""
    smtp, scan, kept = settings.smtp, settings.scan, settings.quarantine
    yield "fine"
    doors = (smtp.listen, "SMTP"), (settings.milter.listen, "milter"), (settings.http.listen, "metrics, health")
    yield "  listens    " + ", ".join(f"{where} ({what})" for where, what in doors if where)
    if settings.http.listen and not _private(settings):
        yield (
            f"  CAUTION    {settings.http.listen} is open to other machines in plain HTTP: passwords of the pages can "
            "be read on the way; listen on 127.0.0.1, with a web server with TLS in front named in http.public_url"
        )
    if settings.http.user_header:
        proxies = ", ".join(map(str, settings.http.trusted_proxies))
        yield f"  signs in   to the pages whomever {proxies} names in {settings.http.user_header}"
    for line in provider(settings):
        yield f"  signs in   {line}"
    peers = ", ".join(map(str, smtp.trusted_peers)) or "nobody"
    yield f"  trusts     {peers} to name the real client"
    introduced = "introduces the client by XCLIENT" if smtp.xclient else "introduces the client by XFORWARD if offered"
    yield f"  passes on  to {smtp.next_hop}, TLS {smtp.next_hop_tls}, {introduced}"
    yield f"  releases   to {smtp.release_next_hop or smtp.next_hop}"
    yield f"  takes      messages up to {_megabytes(smtp.max_message_size)}, {smtp.max_recipients} recipients"
    yield f"  scans      with {scan.workers} workers, {scan.timeout:g} s and {_megabytes(scan.max_memory)} each"
    yield f"  if it fails, a message without a verdict {FAILURE_WORDS[scan.on_failure]}"
    yield f"  keeps      {kept.messages}, index {kept.store}, for {kept.retention / 86400:g} days"
    yield f"  verifies   {_authenticates(settings)}"
    yield f"  logs       to {receivers(settings)}"
    name = policy.name or settings.policy.file
    yield f"  policy     {name}, {len(policy.rules)} rules, version {policy.version[:12]}"
    for rule in policy.rules:
        trial = " (on trial)" if rule.table.mode == "shadow" else ""
        yield f"    {rule.table.action.value:<11}{rule.id}: {rule.table.title}{trial}"


def _private(settings: Settings) -> bool:
    """Whether the pages are for this machine only, or reached by TLS."""
    return Endpoint.parse(settings.http.listen).private or settings.http.public_url.startswith("https://")


def _authenticates(settings: Settings) -> str:
    chosen = settings.authentication
    words = [f"DKIM, ARC and DMARC as {authserv_id(settings)}" if chosen.verify else "nobody's signature"]
    words += [f"seals changed messages as {chosen.seal.domain}"] if chosen.seal else []
    words += [f"signs them as {chosen.sign.domain}"] if chosen.sign else []
    return ", ".join(words)


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):g} MiB"


async def _probe(settings: Settings) -> int:
    """Speak to the next hop as the gateway would for a stranger; nothing is sent."""
    from gateway.message import Recipient
    from gateway.metrics import Metrics
    from gateway.smtp.client import HopError, HopPool
    from gateway.wiring import hop_settings

    pool = HopPool(hop_settings(settings, settings.smtp.next_hop), Metrics())
    try:
        hop = await pool.acquire(PROBE_CLIENT)
        click.echo(f"next hop {settings.smtp.next_hop} offers {', '.join(sorted(hop.extensions)) or 'nothing'}")
        sender = await hop.mail(PROBE_SENDER, "")
        reply = await hop.rcpt(Recipient(PROBE_RECIPIENT)) if sender.positive else sender
        await pool.release(hop)
    except HopError as error:
        click.echo(f"next hop {settings.smtp.next_hop}: {error} ({error.reply.text})", err=True)
        return 3
    finally:
        await pool.close()
    if not reply.positive:
        click.echo(f"it does not relay for strangers: {reply.text}")
        return 0
    taken = f"it takes mail from {PROBE_CLIENT.address} for {PROBE_RECIPIENT} ({reply.text})"
    if settings.smtp.xclient:
        click.echo(f"OPEN RELAY: though told who the client is, {taken}", err=True)
        return 3
    click.echo(f"{taken}: right only because the MTA in front of this gateway has judged the recipient already")
    return 0
