"""``macrogate disarm IN OUT``: one document without what runs in it, made by the gateway's own jailed workers.

Contract: OUT is written whole or not at all, and only after the result was examined again. IN is never changed. Exit
code 0 done, or nothing to remove; 2 usage, passwords or rules; 3 the document cannot be had without what runs in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

import click

from gateway.cli.scan import jail_for
from gateway.config import rules_directory
from gateway.events import MailLog
from gateway.jail.wire import MAX_TAIL, Disarmed
from gateway.message import ScanFailed, clip
from gateway.metrics import Metrics
from gateway.spool import CHUNK, Spool
from gateway.wiring import WiringError
from gateway.workers import Workers
from gateway.workers.link import WorkerUnfit
from gateway.workers.settings import Jail

STANDARD = Path("-")


@click.command(short_help="Write a document without its macros.")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("result", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--name", default="", help="The file name of what comes in by standard input, as in report.docm.")
@click.option("--force", is_flag=True, help="Replace OUT if it is there.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as one JSON object.")
@click.option(
    "--passwords",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Text file with passwords to try if it is encrypted, one a line.",
)
@click.option(
    "--rules",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Rules folder (default: the one that came with the program).",
)
def disarm(
    source: Path, result: Path, name: str, force: bool, as_json: bool, passwords: Path | None, folder: Path | None
) -> None:
    """Write the document IN, without its macros and what else runs in it, to OUT.

    Everything else in the document stays as it is. What it is is told by its content, not by its name. The result is
    examined before it is written: OUT is clean, or there is no OUT. Text, which also says the name the result should
    have now, goes to standard error when OUT is "-"; IN may be "-" too.

    \b
        macrogate disarm report.docm report.docx
        macrogate disarm --json old.xls new.xls
        cat report.docm | macrogate disarm --name report.docm - - > report.docx

    Exit code: 0 done, or there was nothing to remove and OUT is a copy; 2 usage; 3 it could not be done.
    """
    if result != STANDARD and not force and os.path.lexists(result):
        raise click.UsageError(f"{result} is there already; name another file, or replace it with --force")
    try:
        jail = jail_for((folder or rules_directory()).absolute(), passwords)
        content = _read(source)
    except OSError as error:
        raise click.UsageError(f"{source}: {error.strerror}") from None
    except WiringError as error:
        raise click.UsageError(str(error)) from None
    name = name or ("" if source == STANDARD else source.name)
    try:
        done, document = asyncio.run(_disarmed(content, clip(name, 255), jail))
        _write(result, document, force=force)
    except ScanFailed as failure:
        sys.exit(_failed(source, failure.detail))
    except (WorkerUnfit, OSError) as error:
        sys.exit(_failed(source, str(error)))
    for line in _told(source, result, done, as_json=as_json):
        click.echo(line, err=result == STANDARD)


def _failed(source: Path, why: str) -> int:
    click.echo(f"{clip(str(source), 1000)}: not disarmed: {why}", err=True)
    return 3


def _read(source: Path) -> Spool:
    """Raises ``OSError``; ``UsageError`` for more than a worker may send back."""
    spool = Spool()
    opened = contextlib.nullcontext(sys.stdin.buffer) if source == STANDARD else source.open("rb")
    with opened as file:
        while chunk := file.read(CHUNK):
            spool.write(chunk)
            if spool.size > MAX_TAIL:
                spool.close()
                raise click.UsageError(f"{source} is larger than {MAX_TAIL >> 20} MiB")
    return spool


async def _disarmed(content: Spool, name: str, jail: Jail) -> tuple[Disarmed, bytes | bytearray]:
    """With a real worker. Raises ``ScanFailed``, ``WorkerUnfit`` and ``OSError``."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: ASYNC230 - opening /dev/null does not wait
        workers = Workers(jail, Metrics(), MailLog(nowhere))
        await workers.start()
        try:
            return await workers.disarm(content, name=name)
        finally:
            await workers.stop()
            content.close()


def _write(result: Path, document: bytes | bytearray, *, force: bool) -> None:
    """Whole or not at all. Raises ``OSError``, also when OUT has come into being meanwhile."""
    if result == STANDARD:
        sys.stdout.buffer.write(document)
        sys.stdout.buffer.flush()
        return
    if not force:
        result.open("xb").close()  # ours from now on, or somebody else's already
    try:
        with tempfile.TemporaryDirectory(prefix=".macrogate-", dir=result.parent) as folder:
            made = Path(folder, "result")
            made.write_bytes(document)
            made.replace(result)
    except BaseException:
        if not force:
            result.unlink(missing_ok=True)
        raise


def _told(source: Path, result: Path, done: Disarmed, *, as_json: bool) -> list[str]:
    if as_json:
        facts = {"path": str(source), "result": str(result), "name": done.name, "type": done.media_type}
        return [json.dumps({**facts, "removed": list(done.removed)})]
    shown = clip(str(source), 1000)
    if not done.removed:
        return [f"{shown}: nothing to remove, the result is a copy"]
    lines = [f"{shown}: disarmed, without {', '.join(done.removed)}"]
    if result == STANDARD or result.suffix.lower() != Path(done.name).suffix.lower():
        lines.append(f"It should be called {done.name} now, because what it is has changed.")
    return lines
