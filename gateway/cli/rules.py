"""``macrogate rules list|test``: the rules in force, and whether each does what its own example says."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gateway.cli.yara_rules import examine_yara, load_yara
from gateway.closed_sets import USUAL_VERDICT, Verdict
from gateway.config import rules_directory
from gateway.message import (
    Authentication,
    Checked,
    Client,
    Envelope,
    Finding,
    Part,
    Recipient,
    Report,
    Signed,
    Transaction,
)
from gateway.policy import Policy, PolicyError, Rule
from gateway.scan import ScanRules
from gateway.scan.yara import Signature

TRIGGERS = "triggers.toml"


def _sources(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which files are meant."""
    policy = click.option(
        "--policy",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Policy file (default: policy.toml in the rules folder).",
    )
    folder = click.option(
        "--rules",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        help="Rules folder (default: the one that came with the program).",
    )
    return policy(folder(click.option("--json", "as_json", is_flag=True, help="JSON for other programs.")(command)))


@click.group()
def rules() -> None:
    """List the rules, or test them against their own examples."""


@rules.command("list")
@_sources
def list_rules(policy: Path | None, folder: Path | None, as_json: bool) -> None:
    """Show the policy's rules in the order they are tried, what counts as a macro that starts by itself, and the YARA
    rules."""
    loaded, triggers = _load(policy, folder)
    signatures = [_signature_row(signature) for signature in triggers.yara.signatures]
    today = datetime.datetime.now(datetime.UTC).date()
    rows = [_row(rule, today) for rule in loaded.rules]
    names = [_trigger_row(trigger) for trigger in triggers.triggers]
    if as_json:
        found = {"policy": loaded.name, "version": loaded.version, "rules": rows, "triggers": names, "yara": signatures}
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        _table(
            f"Policy {loaded.name}: the first rule that matches decides",
            rows,
            ("id", "action", "mode", "when", "title"),
        )
        _table("Triggers: names that start a macro", names, ("id", "language", "runs", "title"))
        _table("YARA rules", signatures, ("id", "verdict", "file", "title"))


@rules.command("test")
@_sources
def test_rules(policy: Path | None, folder: Path | None, as_json: bool) -> None:
    """Try every rule with its own example: it must be the first to match. Also names rules that can never match.

    A YARA rule has to match its own test, and no honest document or message.
    """
    loaded, triggers = _load(policy, folder)
    complaints = [*examine(loaded, datetime.datetime.now(datetime.UTC)), *examine_yara(triggers)]
    if as_json:
        count = {"rules": len(loaded.rules), "triggers": len(triggers.triggers)}
        count["yara"] = len(triggers.yara.signatures)
        click.echo(json.dumps({"policy": loaded.name, **count, "wrong": complaints}, ensure_ascii=False))
    else:
        for complaint in complaints:
            click.echo(complaint)
        summary = (
            f"{len(loaded.rules)} rules, {len(triggers.triggers)} triggers, {len(triggers.yara.signatures)} YARA rules"
        )
        click.echo(f"{summary}: {f'{len(complaints)} wrong' if complaints else 'fine'}")
    sys.exit(1 if complaints else 0)


def _load(policy: Path | None, folder: Path | None) -> tuple[Policy, ScanRules]:
    """All rule files. Ends the command with code 2 and every mistake of all if there are any."""
    folder = folder or rules_directory()
    path = policy or folder / "policy.toml"
    mistakes: list[str] = []
    loaded = triggers = None
    try:
        loaded = Policy.load(path)
    except PolicyError as error:
        mistakes += [f"{path}: {mistake}" for mistake in error.mistakes]
    try:
        triggers = ScanRules.parse((folder / TRIGGERS).read_text("utf-8"))
    except OSError as error:
        mistakes.append(f"{folder / TRIGGERS}: cannot be read: {error.strerror}")
    except ValueError as error:
        mistakes += [f"{folder / TRIGGERS}: {line}" for line in str(error).splitlines()]
    yara, wrong = load_yara(folder)
    mistakes += wrong
    if loaded is None or triggers is None or wrong:
        for mistake in mistakes:
            click.echo(mistake, err=True)
        sys.exit(2)
    return loaded, replace(triggers, yara=yara)


def examine(policy: Policy, now: datetime.datetime) -> Iterator[str]:
    """A sentence for each rule that does not do what it says. ``now`` is in UTC."""
    for index, rule in enumerate(policy.rules):
        table = rule.table
        missing = [key for key in ("why", "references", "example") if not getattr(table, key)]
        if missing:
            yield f"rule {rule.id}: has no {' and no '.join(missing)}"
        if table.expires is not None and table.expires < now.date():
            yield f"rule {rule.id}: expired on {table.expires} and is not used any more; remove it"
        elif cover := next((other for other in policy.rules[:index] if _covers(other, rule)), None):
            yield f"rule {rule.id}: can never match, because {cover.id} before it takes all it could"
        elif table.example is not None:
            yield from _tried(policy, rule, now)


def _tried(policy: Policy, rule: Rule, now: datetime.datetime) -> Iterator[str]:
    transaction, report = _message(rule, now)
    decision = policy.decide(transaction, report)
    if rule.table.mode == "shadow":
        if rule.id not in decision.shadow:
            yield f"rule {rule.id}: is on trial and does not match its own example; {decision.rule} decides about it"
    elif decision.rule != rule.id:
        yield f"rule {rule.id}: does not decide about its own example, {decision.rule} does"


def _message(rule: Rule, now: datetime.datetime) -> tuple[Transaction, Report]:
    """The message a rule's example describes: a text, and the part it is about."""
    example = rule.table.example
    assert example is not None
    verdicts = [USUAL_VERDICT[kind] for kind in example.findings]
    verdict = max(verdicts, default=Verdict.CLEAN) if example.verdict is None else example.verdict
    part = Part("2", example.type, example.size, example.sha256, verdict)
    findings = tuple(
        Finding.of(kind, "2", rule.table.title, fingerprint=example.macro) for kind in sorted(example.findings)
    )
    envelope = Envelope(example.sender, (Recipient(example.recipient),))
    client = Client(address=example.client, name="", helo="")
    transaction = Transaction("example", "example", client, envelope, example.size, now)
    found = Authentication(dkim=(Signed(example.dkim),), dmarc=Checked(example.dmarc))
    report = Report(verdict=verdict, findings=findings, parts=(part,), sha256=example.sha256, authentication=found)
    return transaction, report


def _covers(earlier: Rule, later: Rule) -> bool:
    """Whether ``earlier`` matches whenever ``later`` does, as far as can be told from the words of both."""
    if earlier.table.mode == "shadow" or earlier.table.expires is not None:
        return False
    wide, narrow = earlier.table.when, later.table.when
    for key in type(wide).model_fields:
        given, other = getattr(wide, key), getattr(narrow, key)
        if given is None:
            continue
        if other is None or (key == "size" and given != other):
            return False
        if key != "size" and not set(other) <= set(given):
            return False
    return True


def _row(rule: Rule, today: datetime.date) -> dict[str, Any]:
    table = rule.table
    expired = table.expires is not None and table.expires < today
    return {
        "id": table.id,
        "action": table.action.value,
        "mode": "expired" if expired else table.mode,
        "when": _conditions(rule),
        "title": table.title,
        "why": " ".join(table.why.split()),
        "references": list(table.references),
        "expires": table.expires.isoformat() if table.expires else None,
        "reason": table.reason,
    }


def _conditions(rule: Rule) -> str:
    when = rule.table.when.model_dump(exclude_none=True)
    return " and ".join(f"{key} {_words(value)}" for key, value in when.items()) or "always"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key} {number} bytes" for key, number in value.items())
    words = [word.label if isinstance(word, Verdict) else str(word) for word in sorted(value)]
    return ", ".join(words[:6]) + (f" and {len(words) - 6} more" if len(words) > 6 else "")


def _trigger_row(trigger: Any) -> dict[str, Any]:
    return {
        "id": trigger.id,
        "language": trigger.language,
        "applies": sorted(trigger.applies),
        "runs": "by itself" if trigger.by_itself else "when the reader acts",
        "names": sorted(trigger.names),
        "title": trigger.title,
        "why": " ".join(trigger.why.split()),
        "references": list(trigger.references),
    }


def _signature_row(signature: Signature) -> dict[str, Any]:
    return {
        "id": signature.id,
        "verdict": signature.verdict.label,
        "file": signature.file,
        "title": signature.title,
        "why": " ".join(signature.why.split()),
        "reference": signature.reference,
    }


def _table(heading: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    """A table for a person at a terminal, lines with tabs for anything else."""
    if not sys.stdout.isatty():
        click.echo("\t".join(columns))
        for row in rows:
            click.echo("\t".join(str(row[column]) for column in columns))
        return
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns, title=heading, title_justify="left", box=box.SIMPLE)
    for row in rows:
        table.add_row(*(escape(str(row[column])) for column in columns))
    Console().print(table)
