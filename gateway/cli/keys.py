"""``macrogate keys``: make a key to seal or sign with, and show the DNS record by which others verify it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from gateway.authentication.resolver import Resolver
from gateway.authentication.secret import BadKey, Kind, SigningKey, generate, load, zone_line
from gateway.closed_sets import AuthResult
from gateway.message import Answer

DNS_SECONDS = 5.0

NAMES = (
    click.option("--domain", required=True, help="The domain that will answer for the mail, as in example.com."),
    click.option("--selector", required=True, help="A word that tells this key from your others, as in arc1 or 2026."),
)


@click.group()
def keys() -> None:
    """Keys for the ARC seal and the DKIM signature on messages that were changed.

    \b
    macrogate keys generate --domain example.com --selector arc1 /etc/macrogate/arc1.pem
    macrogate keys show --domain example.com --selector arc1 /etc/macrogate/arc1.pem --check

    Then name the key in [authentication] of the configuration, as seal or sign. Exit codes: 0 done, 1 DNS has another
    record, 2 usage, 3 DNS cannot be asked.
    """


@keys.command("generate")
@NAMES[0]
@NAMES[1]
@click.option(
    "--type",
    "kind",
    type=click.Choice(["rsa", "ed25519"]),
    default="rsa",
    show_default=True,
    help="ARC needs rsa; not everybody verifies ed25519 yet.",
)
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
def generate_key(domain: str, selector: str, kind: Kind, out: Path) -> None:
    """Write a new private key to OUT, readable by its owner alone, and print its DNS record.

    The gateway has to be able to read it: make the user it runs as the owner (chown macrogate OUT).
    """
    try:
        key = generate(out, domain, selector, kind)
    except BadKey as error:
        raise _refusal(error) from None
    click.echo(f"{out} written; put this into DNS before you use it:", err=True)
    click.echo(zone_line(key))


@keys.command("show")
@NAMES[0]
@NAMES[1]
@click.option("--check", is_flag=True, help="Compare with what DNS has.")
@click.option("--dns", "servers", multiple=True, help="DNS server to ask (default: those of the system).")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def show_key(domain: str, selector: str, check: bool, servers: tuple[str, ...], file: Path) -> None:
    """Print the DNS record of the private key in FILE, as a zone file has it."""
    try:
        key = load(file, domain, selector)
    except BadKey as error:
        raise _refusal(error) from None
    click.echo(zone_line(key))
    if check:
        (answer,) = asyncio.run(Resolver(servers).look_up([key.name], DNS_SECONDS))
        code, sentence = compared(key, answer)
        click.echo(sentence, err=True)
        raise SystemExit(code)


def compared(key: SigningKey, answer: Answer) -> tuple[int, str]:
    """Exit code and sentence: whether others can verify with what DNS has."""
    if answer.result is not AuthResult.PASS:
        return 3, f"{key.name}: {answer.reason}"
    if not answer.texts:
        return 1, f"{key.name}: DNS has no such record (yet; it may take as long as the old answer is remembered)"
    public = key.record.partition("p=")[2]
    if len(answer.texts) > 1:
        return 1, f"{key.name}: DNS has {len(answer.texts)} records there, and others may take the wrong one"
    if public not in answer.texts[0].replace(" ", ""):
        return 1, f"{key.name}: DNS has the record of another key: {answer.texts[0][:80]}"
    return 0, f"{key.name}: DNS has this key"


def _refusal(error: BadKey) -> SystemExit:
    click.echo(str(error), err=True)
    return SystemExit(2)
