"""``macrogate demo``: the gateway at work, with nothing to set up.

A gateway, a next hop of its own that writes a Maildir, and the HTTP port run on free loopback ports in a temporary
folder; real messages go through by real SMTP, and a table says what became of each. Every outcome is compared with
the expected one: what is delivered must be byte for byte what was sent, below our header; what is held must be in
quarantine.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import secrets
import shutil
import signal
import smtplib
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import demo_disarm
from gateway.cli.demo_hop import MaildirHop
from gateway.closed_sets import Action, Verdict
from gateway.config import Settings, load
from gateway.daemon import Daemon
from gateway.events import MailLog
from gateway.message import Outcome, clip
from gateway.pipeline import HEADER
from gateway.samples import mail as samples
from gateway.web.people import Role
from gateway.web.users import Users

if TYPE_CHECKING:
    from rich.table import Table

SENDER = "sender@example.org"
RECIPIENT = "recipient@example.net"

HELD = Action.QUARANTINE
PASSED = Action.DELIVER


@dataclass(frozen=True, slots=True)
class Case:
    """One message of the demo and what must become of it."""

    title: str
    make: Callable[[str, str], bytes]
    verdict: Verdict
    action: Action
    recipient: str = RECIPIENT


CASES = (
    Case("plain text", samples.plain_message, Verdict.CLEAN, PASSED),
    Case("HTML with an image", samples.html_message, Verdict.CLEAN, PASSED),
    Case("clean .docx", samples.docx_message, Verdict.CLEAN, PASSED),
    Case("clean .xlsx", samples.xlsx_message, Verdict.CLEAN, PASSED),
    Case("a name in Japanese", samples.japanese_message, Verdict.CLEAN, PASSED),
    Case(".docm with AutoOpen", samples.docm_autoopen_message, Verdict.AUTOEXEC, HELD),
    Case(".xls with Workbook_Open", samples.xls_workbook_open_message, Verdict.AUTOEXEC, HELD),
    Case(".xlsm with XLM Auto_Open", samples.xlsm_xlm_message, Verdict.AUTOEXEC, HELD),
    Case(".docm in a .zip, forwarded", samples.forwarded_zip_message, Verdict.AUTOEXEC, HELD),
    Case(
        ".docm with AutoOpen, disarmed",
        samples.docm_autoopen_message,
        Verdict.AUTOEXEC,
        Action.DISARM,
        demo_disarm.RECIPIENT,
    ),
)

CONFIGURATION = """\
# Written by `macrogate demo`; everything lives in this folder.
[smtp]
listen = "127.0.0.1:0"
next_hop = "{next_hop}"

[http]
listen = "127.0.0.1:0"
users = "users.json"

[policy]
file = "{folder}/policy.toml"
exceptions = "exceptions.json"

[quarantine]
store = "sqlite:///{folder}/quarantine.db"
messages = "file:///{folder}/messages"
contact = "the demo"
"""


class _Memory(MailLog):
    """A mail log that also remembers how the last message ended."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        super().__init__(self._file)
        self.last: Outcome | None = None

    def message(self, outcome: Outcome) -> None:
        self.last = outcome
        super().message(outcome)

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one case."""

    case: Case
    outcome: Outcome | None
    reply: str
    milliseconds: float
    surprise: str
    sent: bytes = b""
    arrived: tuple[bytes, ...] = ()

    @property
    def why(self) -> str:
        """The finding or rule a person would be told."""
        if self.outcome is None:
            return self.reply
        worst = max(self.outcome.report.findings, key=lambda finding: finding.verdict, default=None)
        return worst.detail if worst else self.outcome.decision.why


@click.command()
@click.option("--once", is_flag=True, help="End after the table; exit 0 only if every outcome was the expected one.")
def demo(once: bool) -> None:
    """Run a gateway of its own and send real messages through it.

    Nothing is installed or changed outside a temporary folder, which goes away at the end.
    """
    folder = Path(tempfile.mkdtemp(prefix="macrogate-demo-"))
    try:
        surprises = asyncio.run(_demo(folder, once=once))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    raise SystemExit(1 if surprises else 0)


async def _demo(folder: Path, *, once: bool) -> int:
    hop = MaildirHop(folder / "delivered")
    next_hop = await hop.start()
    path = folder / "macrogate.toml"
    (folder / "policy.toml").write_text(demo_disarm.policy(), encoding="utf-8")
    path.write_text(CONFIGURATION.format(next_hop=next_hop, folder=folder), encoding="utf-8")
    path.chmod(0o600)
    memory = _Memory(folder / "events.jsonl")
    settings = load(path)
    daemon = Daemon(settings, memory)
    await daemon.start()
    try:
        rows = [await _one(case, daemon, hop, memory) for case in CASES]
        _show(rows)
        _explain(daemon, hop, path, rows)
        _let_in(settings, daemon)
        if not once:
            await _until_interrupted()
    finally:
        await daemon.stop()
        await hop.stop()
        memory.close()
    return sum(bool(row.surprise) for row in rows)


async def _one(case: Case, daemon: Daemon, hop: MaildirHop, memory: _Memory) -> Row:
    content = case.make(SENDER, case.recipient)
    before = set(hop.messages())
    memory.last = None
    began = time.perf_counter()
    reply = await asyncio.to_thread(_send, daemon.smtp_address, case.recipient, content)
    milliseconds = (time.perf_counter() - began) * 1000
    arrived = [path.read_bytes() for path in hop.messages() if path not in before]
    surprise = _surprise(case, memory.last, content, arrived)
    return Row(case, memory.last, reply, milliseconds, surprise, content, tuple(arrived))


def _send(address: str, recipient: str, content: bytes) -> str:
    host, _, port = address.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=60) as client:
        client.ehlo()
        client.mail(SENDER, ["BODY=8BITMIME"])
        client.rcpt(recipient)
        code, text = client.data(content)
    return f"{code} {text.decode('utf-8', 'replace')}"


def _surprise(case: Case, outcome: Outcome | None, sent: bytes, arrived: list[bytes]) -> str:
    """What is not as it must be; empty when all is well."""
    if outcome is None:
        return "no outcome was recorded"
    if (outcome.report.verdict, outcome.decision.action) != (case.verdict, case.action):
        return f"expected {case.verdict.label}, {case.action}"
    if case.action is HELD:
        return "it was delivered, too" if arrived else "" if outcome.held_id else "it is not in quarantine"
    if case.action is Action.DISARM:
        return demo_disarm.surprise(outcome, sent, arrived)
    if len(arrived) != 1:
        return f"{len(arrived)} copies arrived"
    header, _, below = arrived[0].partition(b"\r\n")
    same = header.startswith(HEADER.encode() + b":") and below == sent
    return "" if same else "what arrived is not what was sent"


def _show(rows: list[Row]) -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else 140
    Console(width=width).print(table(rows))


def table(rows: list[Row]) -> Table:
    """The rows as a person reads them."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = Table(title="What became of each message", title_justify="left", box=SIMPLE_HEAD)
    for column in ("message", "verdict", "action", "why"):
        shown.add_column(column, overflow="fold")
    shown.add_column("ms", justify="right")
    shown.add_column("as expected")
    for row in rows:
        verdict = row.outcome.report.verdict.label if row.outcome else "?"
        action = str(row.outcome.decision.action) if row.outcome else "?"
        colour = "red" if row.surprise else "green" if action == PASSED else "yellow"
        shown.add_row(
            row.case.title,
            verdict,
            Text(action, style=colour),
            Text(clip(row.why, 200)),
            f"{row.milliseconds:.1f}",
            row.surprise or "yes",
        )
    return shown


def _explain(daemon: Daemon, hop: MaildirHop, path: Path, rows: list[Row]) -> None:
    text = io.StringIO()
    config = f"--config {path}"
    macrogate = shutil.which("macrogate", path=str(Path(sys.executable).parent)) or "macrogate"
    for row in rows:
        if row.case.action is Action.DISARM and not row.surprise and row.outcome:
            lines = demo_disarm.shown(path.parent, row.sent, row.arrived[0])
            text.write("\n" + "".join(f"{line}\n" for line in lines))
            text.write(f"  The original:   {macrogate} quarantine release {row.outcome.held_id} ")
            text.write(f"--why 'the recipient asked for it' {config}\n")
    held = next((row.outcome.held_id for row in rows if row.outcome and row.outcome.held_id), "ID")
    surprises = sum(bool(row.surprise) for row in rows)
    text.write(f"\nDelivered mail:   {hop.folder}\nEvents:           {path.parent}/events.jsonl\n")
    text.write(f"SMTP:             {daemon.smtp_address}\nMetrics:          http://{daemon.http_address}/metrics\n\n")
    text.write(f"What is held:     {macrogate} quarantine list {config}\n")
    text.write(f"Why:              {macrogate} quarantine show {held} {config}\n")
    text.write(f"Release it:       {macrogate} quarantine release {held} --why 'expected from a customer' {config}\n")
    if surprises:
        text.write(f"\n{surprises} message(s) did not end as expected.\n")
    click.echo(text.getvalue())


def _let_in(settings: Settings, daemon: Daemon) -> None:
    """A user for the pages, with a password of this run's own."""
    password = secrets.token_urlsafe(12)
    Users(settings.http.users).put("demo", Role.RELEASER, password)
    click.echo(f"Pages:            http://{daemon.http_address}/   user demo, password {password}\n")


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    click.echo("Running until Ctrl-C.")
    with contextlib.suppress(asyncio.CancelledError):
        await stop.wait()
