"""``macrogate selftest``: is the chain that runs now stopping what it should? As EICAR and GTUBE do for their trades.

The document is inert (``Sub AutoOpen(): End Sub`` and a comment) and says so to whoever opens it. With ``--relay`` and
``--smuggling`` it asks the admin's own server whether strangers can use it. Only the host that was named is
connected to, on the port that was named, one session at a time; a host that is not this machine has to be named twice.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import smtplib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, NoReturn

import click

from gateway.cli import selftest_relay, selftest_smuggling
from gateway.cli.selftest_result import PAUSE_SECONDS, Pace, Result, Verdict, exit_code
from gateway.cli.selftest_talk import Lost, Target
from gateway.message import clip
from gateway.samples import mail as samples

HELD = "Held by Macrogate"

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
"""Without quoted local parts: these addresses are put into forms of our own."""

_SUMMARY: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "All is as it should be.",
        1: "A HOLE WAS FOUND: the lines marked HOLE say by what.",
        3: "No hole was found, but not everything could be tried: see the lines marked with a question mark.",
    }
)


@click.command()
@click.option(
    "--server", required=True, metavar="HOST:PORT", help="Where mail enters the chain, e.g. mx.example.org:25."
)
@click.option("--to", "recipient", required=True, metavar="ADDRESS", help="A mailbox the chain accepts mail for.")
@click.option("--from", "sender", default="", metavar="ADDRESS", help="Envelope sender (default: the recipient).")
@click.option("--relay", is_flag=True, help="Try instead whether the server relays for strangers. Sends no message.")
@click.option(
    "--smuggling",
    is_flag=True,
    help="Try instead whether the server takes one message for two. Some 20 harmless messages go to ADDRESS.",
)
@click.option(
    "--confirm-host",
    default="",
    metavar="HOST",
    help="For --relay and --smuggling of a server that is not this machine: its HOST once more, which says that it is "
    "yours to test.",
)
@click.option(
    "--outside",
    default="relay-test@example.com",
    show_default=True,
    metavar="ADDRESS",
    help="For --relay: an address your servers are not responsible for. Nothing is sent to it.",
)
@click.option("--source", default="", metavar="IP", help="Connect from this address of the machine.")
@click.option("--timeout", default=120.0, show_default=True, help="Seconds to wait for each reply.")
def selftest(
    server: str,
    recipient: str,
    sender: str,
    relay: bool,
    smuggling: bool,
    confirm_host: str,
    outside: str,
    source: str,
    timeout: float,
) -> NoReturn:
    """Send the inert auto-exec test document through a running chain and say whether it was stopped.

    With --relay or --smuggling (or both) your own server is asked instead whether strangers can use it: one session at
    a time, two a second at the most, and a table of what it did. Run it from a machine the server gives no rights to.

    \b
    Exit codes: 0 it was stopped (held or refused), 1 it was accepted and nobody said it was held,
                2 usage, 3 it could not be sent
    With --relay, --smuggling: 0 all is as it should be, 1 a hole, 2 usage, 3 something could not be tried
    """
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdigit():
        raise click.UsageError(f"--server {server}: write HOST:PORT, for instance 127.0.0.1:25")
    target = Target(host, int(port), source, timeout)
    if relay or smuggling:
        _may_test(host, confirm_host)
        for address in (recipient, outside, *([sender] if sender else [])):
            _check_address(address)
        raise SystemExit(_check_server(target, sender or recipient, recipient, outside if relay else "", smuggling))
    code, text = _send(target, sender or recipient, recipient)
    verdict, status = _judge(code, text)
    click.echo(f"{server} said: {code} {text}")
    click.echo(verdict)
    raise SystemExit(status)


def _may_test(host: str, confirmed: str) -> None:
    if _is_this_machine(host) or confirmed.strip("[]").lower() == host.lower():
        return
    raise click.UsageError(
        f"{host} is not this machine. Only test servers that are yours, or whose owner has agreed; "
        f"say so with: --confirm-host {host}"
    )


def _is_this_machine(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_address(address: str) -> None:
    if not _ADDRESS.fullmatch(address):
        raise click.UsageError(f"{address!r} is not an address like you@example.org")


def _check_server(target: Target, sender: str, recipient: str, outside: str, smuggling: bool) -> int:
    """Print what was tried as it is tried; returns the exit code. ``outside``: "" to leave the relay forms out."""
    pace = Pace(0.0 if _is_this_machine(target.host) else PAUSE_SECONDS)
    results: list[Result] = []
    mark = secrets.token_hex(4)
    try:
        if outside:
            click.echo(f"Does {target} relay for strangers? No message is sent.\n")
            results += _told(selftest_relay.run(target, recipient, outside, pace))
        if smuggling:
            click.echo(f"Does {target} take one message for two? Messages go to {recipient}, marked {mark}.\n")
            results += _told(selftest_smuggling.run(target, sender, recipient, mark, pace))
            click.echo(f"{selftest_smuggling.LOOK}\n")
    except Lost as error:
        click.echo(f"Not decided: {error}.", err=True)
        return 1 if exit_code(results) == 1 else 3
    code = exit_code(results)
    click.echo(_SUMMARY[code])
    if outside and any(result.verdict is Verdict.HOLE for result in results):
        click.echo("If this machine is one the server relays for (mynetworks), test from one that is not.")
    return code


def _told(results: Iterator[Result]) -> list[Result]:
    """Print each result as it comes."""
    seen = []
    for result in results:
        click.echo(f"{result.verdict:<5} {result.tried}\n      {clip(result.answer, 200)}")
        seen.append(result)
    click.echo()
    return seen


def _judge(code: int, text: str) -> tuple[str, int]:
    if HELD in text:
        return "Stopped: the test document is in quarantine. `macrogate quarantine list` shows it; delete it there.", 0
    if code >= 500 and "5.7.1" in text:
        return "Stopped: the test document was refused.", 0
    if 200 <= code <= 299:
        return (
            "NOT STOPPED as far as this reply says. A Postfix that asks by milter says no more of a held message: see "
            "`macrogate quarantine list`. If the policy tags, strips or disarms, look at what arrived in the "
            "mailbox; else mail does not go through Macrogate, or its policy lets such documents pass.",
            1,
        )
    return (
        "Not decided: the chain did not take the message. The reply above says why; try again when that is mended.",
        3,
    )


def _send(target: Target, sender: str, recipient: str) -> tuple[int, str]:
    """The chain's last word, which is the reply to the final dot if it came that far."""
    try:
        source = (target.source, 0) if target.source else None
        with smtplib.SMTP(target.host, target.port, timeout=target.timeout, source_address=source) as client:
            client.ehlo_or_helo_if_needed()
            code, text = client.mail(sender)
            if code < 400:
                code, text = client.rcpt(recipient)
            if code < 400:
                code, text = client.data(samples.selftest_message(sender, recipient))
            return code, _shown(text)
    except smtplib.SMTPResponseException as error:
        return error.smtp_code, _shown(error.smtp_error)
    except (OSError, smtplib.SMTPException) as error:
        click.echo(f"{target}: {error}", err=True)
        raise SystemExit(3) from None


def _shown(text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return clip(words.replace("\n", " / "), 400)
