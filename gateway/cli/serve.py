"""``macrogate serve``: run the gateway until SIGTERM.

What is slow to load comes last: first the configuration is read, then the workers' fork server is begun, and while that
loads what it needs this process does the same.
"""

from __future__ import annotations

import importlib
import resource
from pathlib import Path

import click

from gateway import failpoints
from gateway.config import ConfigError, load
from gateway.jail import server


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
        failpoints.arm()
    except (ConfigError, failpoints.BadFailpoint) as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from None
    _raise_descriptor_limit()
    server.begin()
    raise SystemExit(importlib.import_module("gateway.cli.serving").run(settings, path))


def _raise_descriptor_limit() -> None:
    """As far as the hard limit goes: a session needs up to three, and many shells give 1,024 in all."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
