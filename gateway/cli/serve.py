"""``macrogate serve``: run the gateway until SIGTERM."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import resource
import sys
from pathlib import Path
from typing import TextIO, cast

import click

from gateway import failpoints
from gateway.aside import Aside, Overheard
from gateway.config import ConfigError, Settings, load
from gateway.daemon import Daemon, StartError
from gateway.events import MailLog
from gateway.receivers import outbox
from gateway.wiring import outboxes


@click.command()
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Configuration file (default: /etc/macrogate/macrogate.toml if there is one, else the built-in defaults).",
)
def serve(path: Path | None) -> None:
    """Run the gateway: listen, look into every message, pass on what may pass.

    \b
    SIGHUP   read the configuration again; a bad file is refused and the old one stays
    SIGTERM  stop taking mail, finish what is past its final dot (60 s at the most), end
    """
    try:
        settings = load(path)
    except ConfigError as error:
        raise SystemExit(_complain(str(error), code=2)) from None
    raise SystemExit(_run(settings, path))


def _complain(text: str, code: int) -> int:
    click.echo(text, err=True)
    return code


def _run(settings: Settings, path: Path | None) -> int:
    try:
        failpoints.arm()
    except failpoints.BadFailpoint as error:
        return _complain(str(error), code=2)
    log = Aside(sys.stderr or open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
    also = outboxes(settings)
    chosen = settings.log
    events = MailLog(cast(TextIO, log), chosen.format, chosen.level, also, hash_subjects=chosen.subject == "hash")
    for receiver in also:
        receiver.start(events)
    logging.basicConfig(handlers=[Overheard(events)], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    if failpoints.wanted():
        events.notice("failpoint", set=failpoints.wanted(), why="for tests: mail will be put off or arrive twice")
    _raise_descriptor_limit()
    daemon = Daemon(settings, events, source=lambda: load(path))
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(daemon.run())
    except StartError as error:
        return _complain(f"macrogate cannot start: {error}", code=3)
    finally:
        outbox.close(also)
        log.close()
    return 0


def _raise_descriptor_limit() -> None:
    """As far as the hard limit goes: a session needs up to three, and many shells give 1,024 in all."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """uvloop when it is installed (the ``fast`` extra), asyncio's own loop otherwise."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop

    factory: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return factory
