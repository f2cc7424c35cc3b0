"""How the quarantine's commands run: configuration, opening and closing, exit codes, files in and out."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import click

from gateway.cli import quarantine_text as text
from gateway.config import ConfigError, Settings, load
from gateway.quarantine import HeldNotFound, NotPossible, Quarantine, QuarantineError
from gateway.quarantine.release import Deliver

CHUNK = 256 * 1024


@asynccontextmanager
async def deliver_with(settings: Settings, next_hop: str) -> AsyncIterator[Deliver]:
    """The way a released message takes: ``next_hop``, else where the configuration sends released mail."""
    from gateway.metrics import Metrics
    from gateway.smtp.client import HopPool
    from gateway.wiring import hop_settings

    address = next_hop or settings.smtp.release_next_hop or settings.smtp.next_hop
    pool = HopPool(hop_settings(settings, address), Metrics())
    try:
        yield pool.deliver
    finally:
        await pool.close()


def settings(path: Path | None) -> Settings:
    try:
        return load(path)
    except ConfigError as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from error


def open_and(work: Callable[[Quarantine], Awaitable[int]], settings: Settings) -> None:
    raise SystemExit(run(work, settings))


def run(work: Callable[[Quarantine], Awaitable[int]], settings: Settings) -> int:
    async def opened() -> int:
        quarantine = await open_here(settings)
        try:
            return await work(quarantine)
        finally:
            await quarantine.close()

    return guarded(opened)


async def open_here(settings: Settings) -> Quarantine:
    """The quarantine of this machine, beside the daemon. Raises ``StoreRefused``."""
    place = settings.quarantine
    return await Quarantine.open(place.store, place.messages, exclusive=False, two_person=place.two_person)


def guarded(work: Callable[[], Awaitable[int]]) -> int:
    async def main() -> int:
        return await work()

    try:
        return asyncio.run(main())
    except QuarantineError as error:
        return failure(error)


def failure(error: QuarantineError) -> int:
    click.echo(text.shown(str(error)), err=True)
    return 1 if isinstance(error, HeldNotFound | NotPossible) else 3


async def each(
    resolve: Callable[[str], Awaitable[str]],
    held_ids: Sequence[str],
    one: Callable[[str], Awaitable[dict[str, Any]]],
    *,
    as_json: bool,
) -> int:
    """Do it for each message, go on after a failure, and return the worst exit code."""
    worst = 0
    for held_id in held_ids:
        try:
            found = await resolve(held_id)
            result = await one(found)
        except QuarantineError as error:
            if as_json:
                tell({"id": held_id, "error": str(error)})
            worst = max(worst, failure(error))
            continue
        if as_json:
            tell({"id": found, **result})
        else:
            click.echo(text.outcome(found, result))
    return worst


def tell(fields: dict[str, Any]) -> None:
    click.echo(json.dumps(fields, default=word))


def word(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def who() -> str:
    """The person behind sudo, else the user this runs as."""
    if name := os.environ.get("SUDO_USER"):
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def new_file(path: Path) -> BinaryIO:
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.fdopen(os.open(path, flags, 0o600), "wb")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be made: {error.strerror}") from error


def copy(source: BinaryIO, target: BinaryIO) -> int:
    size = 0
    try:
        while chunk := source.read(CHUNK):
            size += target.write(chunk)
        target.flush()
    except OSError as error:
        raise QuarantineError(f"The message could not be written: {error.strerror}") from error
    return size


def copy_raw(message: BinaryIO) -> None:
    if not sys.stdout.isatty():
        copy(message, sys.stdout.buffer)
        return
    for line in message:
        click.echo(text.shown(line.decode("utf-8", "replace").rstrip("\r\n"), 4000))
