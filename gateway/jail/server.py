"""The fork server: every worker is its child, born with everything loaded.

Contract: ``context`` is what workers are started by. ``begin`` has the server load while the gateway itself still
does, and returns at once; whoever needs a worker before that, or without it, waits for it. Imports next to nothing, for
it is the first thing a gateway does. The server ends when the gateway does.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from typing import Final

PRELOAD: Final = ["gateway.jail.preload", "gateway.cli"]
"""``gateway.cli``: multiprocessing runs the parent's main script again in every child, and that should find in memory
what it imports: quicker, and not of another version after an upgrade on disk."""


def context() -> ForkServerContext:
    """With what a worker needs loaded."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(PRELOAD)
    # The fork server is a "python -c", which would import from the current directory before anything else: an
    # administrator may look at a folder of suspicious files.
    os.environ["PYTHONSAFEPATH"] = "1"
    return found


def begin() -> None:
    """Start it. What goes wrong here goes wrong again, and is told, when the first worker is started."""
    context()
    with contextlib.suppress(OSError):
        forkserver.ensure_running()
