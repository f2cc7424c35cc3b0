"""``macrogate selftest``: is the chain that runs now stopping what it should? As EICAR and GTUBE do for their trades.

The document is inert (``Sub AutoOpen(): End Sub`` and a comment) and says so to whoever opens it.
"""

from __future__ import annotations

import smtplib
from typing import NoReturn

import click

from gateway.message import clip
from gateway.samples import mail as samples

HELD = "Held by Macrogate"


@click.command()
@click.option(
    "--server", required=True, metavar="HOST:PORT", help="Where mail enters the chain, e.g. mx.example.org:25."
)
@click.option("--to", "recipient", required=True, metavar="ADDRESS", help="A mailbox the chain accepts mail for.")
@click.option("--from", "sender", default="", metavar="ADDRESS", help="Envelope sender (default: the recipient).")
@click.option("--timeout", default=120.0, show_default=True, help="Seconds to wait for each reply.")
def selftest(server: str, recipient: str, sender: str, timeout: float) -> NoReturn:
    """Send the inert auto-exec test document through a running chain and say whether it was stopped.

    \b
    Exit codes: 0 it was stopped (held or refused), 1 it was accepted and nobody said it was held,
                2 usage, 3 it could not be sent
    """
    host, _, port = server.rpartition(":")
    if not host or not port.isdigit():
        raise click.UsageError(f"--server {server}: write HOST:PORT, for instance 127.0.0.1:25")
    code, text = _send(host.strip("[]"), int(port), sender or recipient, recipient, timeout)
    verdict, status = _judge(code, text)
    click.echo(f"{server} said: {code} {text}")
    click.echo(verdict)
    raise SystemExit(status)


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


def _send(host: str, port: int, sender: str, recipient: str, timeout: float) -> tuple[int, str]:
    """The chain's last word, which is the reply to the final dot if it came that far."""
    try:
        with smtplib.SMTP(host, port, timeout=timeout) as client:
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
        click.echo(f"{host}:{port}: {error}", err=True)
        raise SystemExit(3) from None


def _shown(text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return clip(words.replace("\n", " / "), 400)
