"""``macrogate scan PATH...``: the gateway's own scan and policy, without a network.

Contract: every file goes to the same jailed workers a message goes to, as many at a time as there are workers, and is
told in the order given. Exit code 3 if anything could not be examined, else 1 if anything would be stopped, else 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import hashlib
import json
import os
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import click

from gateway.cli import scan_text
from gateway.cli.scan_items import Item, files, items
from gateway.closed_sets import Action
from gateway.config import Settings, rules_directory
from gateway.events import MailLog
from gateway.message import Client, Decision, Envelope, Finding, Report, ScanFailed, Transaction, clip
from gateway.metrics import Metrics
from gateway.policy import Policy, PolicyError
from gateway.spool import Spool
from gateway.wiring import WiringError, jail_settings
from gateway.workers import Workers
from gateway.workers.link import WorkerUnfit
from gateway.workers.settings import Jail

PASSES = frozenset({Action.DELIVER, Action.TAG})


class Style(enum.Enum):
    """How results are told."""

    BRIEF = enum.auto()
    PAGE = enum.auto()
    JSON = enum.auto()


class Pool(Protocol):
    """What is needed of ``gateway.workers.Workers``."""

    async def examine(self, content: Spool, *, name: str = "", mail: bool = True) -> Report: ...


@dataclass(frozen=True, slots=True)
class Result:
    """One item looked into, or the ``trouble`` with it. Report and decision are there if its bytes could be read."""

    item: Item
    size: int = 0
    report: Report | None = None
    decision: Decision | None = None
    trouble: str = ""

    @property
    def stopped(self) -> bool:
        """Whether it would not have reached its recipient as it is."""
        return self.decision is not None and self.decision.action not in PASSES


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "style", flag_value=Style.JSON, type=Style, help="One JSON object a line and file.")
@click.option(
    "-v",
    "--verbose",
    "style",
    flag_value=Style.PAGE,
    type=Style,
    help="A page a file: which part, which macro, what it would fetch.",
)
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Policy file (default: policy.toml in the rules folder).",
)
@click.option(
    "--rules",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Rules folder (default: the one that came with the program).",
)
@click.option(
    "--passwords",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Text file with passwords to try on what is encrypted, one a line.",
)
def scan(
    paths: tuple[Path, ...],
    style: Style | None,
    policy_file: Path | None,
    folder: Path | None,
    passwords: Path | None,
) -> None:
    """Look into documents, messages (.eml), mailboxes (mbox), Maildirs and folders of them.

    Says what the gateway would find and do. What a document is is told by its content, not by its name; links inside
    folders are not followed. Exit code: 0 all would pass, 1 something would be stopped, 2 usage or rules, 3 something
    could not be examined.
    """
    folder = (folder or rules_directory()).absolute()
    policy_file = policy_file or folder / "policy.toml"
    try:
        policy = Policy.load(policy_file)
        jail = jail_for(folder, passwords)
    except PolicyError as error:
        raise SystemExit(_refuse(f"{policy_file}: {mistake}" for mistake in error.mistakes)) from None
    except WiringError as error:
        raise SystemExit(_refuse([str(error)])) from None
    sys.exit(asyncio.run(_scan(paths, policy, jail, style or Style.BRIEF)))


def _refuse(mistakes: Iterable[str]) -> int:
    for mistake in mistakes:
        click.echo(mistake, err=True)
    return 2


def jail_for(folder: Path, passwords: Path | None) -> Jail:
    """What workers are told without a configuration file; here nobody waits, so each file may wait its turn.

    Raises ``WiringError``.
    """
    tried = {"passwords": passwords.absolute()} if passwords else {}
    jail = jail_settings(Settings.model_validate({"policy": {"rules": str(folder)}, "scan": tried}))
    return replace(jail, queue_timeout=2 * jail.timeout)


async def _scan(paths: tuple[Path, ...], policy: Policy, jail: Jail, style: Style) -> int:
    """With real workers."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: ASYNC230 - opening /dev/null does not wait
        workers = Workers(jail, Metrics(), MailLog(nowhere))
        try:
            await workers.start()
        except (WorkerUnfit, OSError) as error:
            click.echo(f"the scan cannot start: {error}", err=True)
            return 3
        try:
            return await scan_paths(paths, workers, policy, width=jail.workers, style=style)
        finally:
            await workers.stop()


async def scan_paths(paths: Iterable[Path], pool: Pool, policy: Policy, *, width: int, style: Style) -> int:
    """Look into everything below ``paths``, ``width`` at a time, tell it, and return the exit code."""
    found = list(files(paths))
    counts: Counter[str] = Counter()
    code = 0
    with _progress(len(found)) as advance:
        async for result, last in _results(found, pool, policy, width):
            _tell(result, style)
            if result.trouble:
                code = 3
            elif result.stopped:
                code = max(code, 1)
            counts[_class(result)] += 1
            advance(last)
    if style is not Style.JSON:
        click.echo(f"{counts.total()} looked into: {', '.join(f'{count} {name}' for name, count in counts.items())}")
    return code


def _class(result: Result) -> str:
    if result.trouble:
        return "could not be examined"
    return result.decision.action.value if result.decision else ""


async def _results(
    found: Iterable[tuple[Path, str]], pool: Pool, policy: Policy, width: int
) -> AsyncIterator[tuple[Result, bool]]:
    """Results in the order of the items, and whether each is the last of its file."""
    running: deque[tuple[asyncio.Task[Result], bool]] = deque()
    try:
        for item, last in _with_last(found):
            running.append((asyncio.create_task(examine_item(pool, policy, item)), last))
            if len(running) >= width:
                task, was_last = running.popleft()
                yield await task, was_last
        while running:
            task, was_last = running.popleft()
            yield await task, was_last
    finally:
        for task, _ in running:
            task.cancel()


def _with_last(found: Iterable[tuple[Path, str]]) -> Iterator[tuple[Item, bool]]:
    for path, trouble in found:
        before: Item | None = None
        for item in items(path, trouble):
            if before is not None:
                yield before, False
            before = item
        if before is not None:
            yield before, True


async def examine_item(pool: Pool, policy: Policy, item: Item) -> Result:
    """One item through scan and policy. Trouble is part of the result; only cancellation is raised."""
    if item.trouble:
        return Result(item, trouble=item.trouble)
    try:
        content = await asyncio.to_thread(item.spool)
    except OSError as error:
        return Result(item, trouble=error.strerror or str(error))
    try:
        return await _examined(pool, policy, item, content)
    finally:
        content.close()


async def _examined(pool: Pool, policy: Policy, item: Item, content: Spool) -> Result:
    trouble = ""
    try:
        report = await pool.examine(content, name=clip(item.file.name, 200), mail=item.mail)
    except ScanFailed as failure:
        trouble = failure.detail
        finding = Finding.of(failure.kind, "message" if item.mail else clip(item.file.name, 200), failure.detail)
        report = Report(verdict=finding.verdict, findings=(finding,), sha256=_digest(content))
    decision = policy.decide(_transaction(content.size), report if item.mail else _attached(report))
    return Result(item, content.size, report, decision, trouble)


def _digest(content: Spool) -> str:
    digest = hashlib.sha256()
    for chunk in content.chunks():
        digest.update(chunk)
    return digest.hexdigest()


def _transaction(size: int) -> Transaction:
    """A message from nowhere: rules about sender, recipient or client do not match it."""
    return Transaction("scan", "scan", Client(), Envelope("", ()), size, datetime.now(UTC))


def _attached(report: Report) -> Report:
    """A document is judged as the attachment it would be in a mail, so that rules may take it out."""
    findings = tuple(replace(finding, where=f"2/{finding.where}") for finding in report.findings)
    parts = tuple(replace(part, where=f"2/{part.where}") for part in report.parts)
    return replace(report, findings=findings, parts=parts)


def _tell(result: Result, style: Style) -> None:
    path = result.item.path
    if result.trouble:
        click.echo(f"{clip(path, 1000)}: could not be examined: {result.trouble}", err=True)
    if result.report is None or result.decision is None:
        return
    match style:
        case Style.JSON:
            click.echo(json.dumps(scan_text.as_object(path, result.size, result.report, result.decision)))
        case Style.PAGE:
            _say(scan_text.page(path, result.size, result.report, result.decision))
        case Style.BRIEF:
            _say(scan_text.brief(path, result.report, result.decision))


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[bool], None]]:
    """A bar on standard error if a person sees it; what is called after each result, with "that file is done"."""
    if total < 2 or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task("Looking into files", total=total)
        yield lambda done: bar.advance(task, 1 if done else 0)
