"""How held messages look to a person: a table, a page, a line.

Contract: every string that came from outside passes ``shown`` once more here, because the files it was read from may
have been changed since. ``rich`` is loaded only for the table on a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from gateway.cli import finding_text
from gateway.closed_sets import Action
from gateway.message import Authentication, Change, clip
from gateway.quarantine import Held, HeldMessage
from gateway.quarantine.sidecar import encode

NARROW = (("from", 4), ("to", 4), ("subject", 4), ("why", 4))
"""Columns that give way when the terminal is narrow."""


def shown(value: str, limit: int = 500) -> str:
    """Printable and bounded."""
    return clip(value, limit)


def when(moment: datetime) -> str:
    """UTC, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def size(octets: int) -> str:
    """``512 B``, ``49 KiB``, ``3.2 MiB``."""
    if octets < 1024:
        return f"{octets} B"
    return f"{octets / 1024:.0f} KiB" if octets < 1 << 20 else f"{octets / (1 << 20):.1f} MiB"


def row(message: HeldMessage) -> str:
    """For programs that like tabs: id, time, state, verdict, sender, recipients, subject, why."""
    addresses = ",".join(recipient.address for recipient in message.recipients)
    moment = f"{message.kept_at:%Y-%m-%dT%H:%M:%S}Z"
    fields = (message.id, moment, message.state.value, message.verdict, message.sender, addresses, message.subject)
    return "\t".join(shown(field, 2000) for field in (*fields, message.why))


def table(messages: Sequence[HeldMessage]) -> None:
    """On a terminal."""
    if not messages:
        click.echo("Nothing is held that fits.")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    view = Table(box=None, pad_edge=False, header_style="bold")
    for name, width in (("id", 16), ("held since", 17), ("state", 4), ("verdict", 8), *NARROW):
        view.add_column(name, no_wrap=True, overflow="ellipsis", min_width=width)
    for message in messages:
        # Text, because rich would read markup in a plain string
        view.add_row(*(Text(shown(cell, 120)) for cell in _cells(message)))
    Console().print(view)


def _cells(message: HeldMessage) -> Iterator[str]:
    first, more = message.recipients[:1], len(message.recipients) - 1
    yield message.id
    yield f"{message.kept_at:%Y-%m-%d %H:%M}Z"
    yield message.state.value
    yield message.verdict
    yield message.sender or "<>"
    yield "".join(recipient.address for recipient in first) + (f" +{more}" if more > 0 else "")
    yield message.subject
    yield message.why


def page(held: Held) -> None:
    """Everything about one message."""
    for line in _page(held):
        click.echo(shown(line, 2000))


def _page(held: Held) -> Iterator[str]:
    yield f"{held.message.id}   {held.message.state.value} since {when(held.journal.last.at)}"
    yield from _facts(held)
    report = held.record.report
    if changes := held.record.decision.changes:
        yield from ("", f"In the copy that was sent on ({len(changes)} changed)")
        yield from (f"  {_changed(change)}" for change in changes)
    yield from ("", f"Findings ({len(report.findings)})")
    for finding in report.findings:
        yield f"  {finding.where}   {finding.verdict.label}"
        yield from (f"  {line}" for line in finding_text.lines(finding))
    yield from ("", f"Parts ({len(report.parts)})")
    for part in report.parts:
        yield f"  {part.where}   {part.type}, {size(part.size)}, {part.verdict.label}, sha256 {part.sha256}"
    yield from ("", "History" if held.trusted else "History (CHANGED SINCE IT WAS WRITTEN: do not trust it)")
    for entry in held.journal.entries:
        reason = ": ".join(word for word in (entry.why, entry.detail) if word)
        yield f"  {when(entry.at)}  {entry.what.value} by {entry.who}   {reason}"


def _changed(change: Change) -> str:
    """What became of one attachment of the copy."""
    name = f"{change.part} {change.name}".strip()
    if change.action is Action.DISARM:
        renamed = f" as {change.new_name}" if change.new_name != change.name else ""
        return f"{name}   disarmed{renamed}, without {', '.join(change.removed)}"
    return f"{name}   replaced by a notice" + (f", not disarmed: {change.why}" if change.why else "")


def _facts(held: Held) -> Iterator[str]:
    message, transaction = held.message, held.record.transaction
    headline, client = held.record.report.headline, transaction.client
    yield f"  Subject      {headline.subject}"
    yield f"  From         {headline.sender}"
    yield f"  Message-ID   {headline.message_id}"
    yield f"  Envelope     <{transaction.envelope.sender}>"
    for position, recipient in enumerate(transaction.envelope.recipients):
        got = "   (released to)" if position in held.journal.delivered else ""
        yield f"    to         <{recipient.address}>{got}"
    yield f"  Client       {client.address or 'local'} {client.name} (HELO {client.helo})"
    yield f"  Received     {when(transaction.received)} as {transaction.id} by {transaction.listener}"
    if (found := held.record.report.authentication) is not None:
        yield from _authentication(found)
    yield f"  Verdict      {message.verdict}: {message.action} by rule {message.rule}: {message.why}"
    gone = "" if message.stored else "   (bytes gone)"
    yield f"  Size         {size(message.size)}, sha256 {message.sha256}{gone}"
    if message.duplicate_of:
        yield f"  Duplicate    probably of {message.duplicate_of}: same bytes, sender and recipients"
    if message.recovered:
        yield "  Recovered    after a crash: the sender may not have heard that it is kept, and have sent it again"


def _authentication(found: Authentication) -> Iterator[str]:
    """Who answers for it, as it arrived."""
    for signed in found.dkim:
        who = f" by {signed.domain} (selector {signed.selector})" if signed.domain else ""
        yield f"  DKIM         {signed.result}{who}{_because(signed.reason)}"
    if not found.dkim:
        yield "  DKIM         none"
    for name, checked in (("ARC", found.arc), ("DMARC", found.dmarc), ("SPF", found.spf)):
        domain = f" for {checked.domain}" if checked.domain else ""
        yield f"  {name:<12} {checked.result}{domain}{_because(checked.reason)}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def everything(held: Held) -> dict[str, Any]:
    """The page for programs: the line of the list, the record, the journal."""
    return {
        **asdict(held.message),
        "record": json.loads(encode(held.record)),
        "history": [asdict(entry) for entry in held.journal.entries],
        "history_intact": held.trusted,
    }


def outcome(held_id: str, result: dict[str, Any]) -> str:
    """What became of one message."""
    replies: Iterable[tuple[str, str]] = result.get("replies", ())
    words = "; ".join(f"{address}: {reply}" for address, reply in replies)
    return shown(f"{held_id} {result['state']}" + (f"   {words}" if words else ""), 4000)
