"""The gateway in this process, from its log to its last reply.

Contract: ``run`` returns the exit status: 0 after a stop, 3 if it could not start, which it has said on standard error.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import sys
from pathlib import Path
from typing import TextIO, cast

import click

from gateway import failpoints
from gateway.aside import Aside, Overheard
from gateway.config import Settings, load
from gateway.daemon import Daemon, StartError
from gateway.events import MailLog
from gateway.receivers import outbox
from gateway.wiring import outboxes


def run(settings: Settings, path: Path | None) -> int:
    """Serve with ``settings``, which were read from ``path`` and are read from there again at each SIGHUP."""
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
    daemon = Daemon(settings, events, source=lambda: load(path))
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(daemon.run())
    except StartError as error:
        click.echo(f"macrogate cannot start: {error}", err=True)
        return 3
    finally:
        outbox.close(also)
        log.close()
    return 0


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """uvloop when it is installed (the ``fast`` extra), asyncio's own loop otherwise."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop

    factory: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return factory
