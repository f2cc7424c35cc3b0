"""What every end-to-end test needs: programs that may be missing, free ports, waiting for other processes.

A missing program skips the test with a sentence; where the environment variable ``CI`` is set it fails it instead, so
that a build server which lost a package does not go on reporting green.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/sbin"])

PROCESSES = 16
"""Of one run, at the most."""

Answer = TypeVar("Answer")


def need(*programs: str) -> None:
    """Skip (or fail, see above) unless all ``programs`` are installed."""
    missing = [program for program in programs if find(program) is None]
    if missing:
        unavailable(f"this test needs {', '.join(missing)}; on Debian, `make test` as root installs what is missing")


def need_root(what_for: str) -> None:
    """Skip (or fail) unless this runs as root; ``what_for`` completes "only root may ..."."""
    if os.geteuid() != 0:
        unavailable(f"only root may {what_for}")


def unavailable(sentence: str) -> NoReturn:
    """Say why this cannot be tested here."""
    if os.environ.get("CI"):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def find(program: str) -> str | None:
    """The full path of a program, the system administrator's folders included."""
    return shutil.which(program, path=SEARCH)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on now, and that the kernel gives to no client either (``ip_local_port_range`` begins
    at 32768): a listener may be gone for a while again and again. None is given twice, until all have been; and each
    process of a run has its own."""
    for port in islice(_own_ports(), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    pytest.fail("no port below 30000 is free")


@cache
def _own_ports() -> Iterator[int]:
    own = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PROCESSES
    ports = range(20_000 + own, 30_000, PROCESSES)
    return cycle(random.SystemRandom().sample(ports, len(ports)))


def eventually(what: str, look: Callable[[], Answer | None], seconds: float = 15.0) -> Answer:
    """The first true answer of ``look``; fails with ``what`` if there is none in time.

    Other processes tell nobody when they are done; looking again is the only way, and the deadline only decides
    when to give up.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: did not happen within {seconds:.0f} s")
        time.sleep(0.02)


def listening(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0
