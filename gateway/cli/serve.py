"""``macrogate serve``: run the gateway until SIGTERM."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path

import click

from gateway.config import ConfigError, Settings, load
from gateway.daemon import Daemon, StartError
from gateway.events import MailLog


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
    events = MailLog(sys.stderr, settings.log.format, settings.log.level)
    daemon = Daemon(settings, events, source=lambda: load(path))
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(daemon.run())
    except StartError as error:
        return _complain(f"macrogate cannot start: {error}", code=3)
    return 0


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """uvloop when it is installed (the ``fast`` extra), asyncio's own loop otherwise."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop

    factory: type[asyncio.AbstractEventLoop] = uvloop.Loop
    return factory
