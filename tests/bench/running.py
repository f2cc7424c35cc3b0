"""Programs the benchmark starts, and stops again by their process group, whatever happens in between."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.tools import find, listening


class Missing(Exception):
    """A peer cannot run here; the text is the sentence for the table."""


def program(name: str, package: str) -> str:
    """The path of an installed program. Raises ``Missing``."""
    path = find(name)
    if path is None:
        raise Missing(f"{name} is not installed (Debian package {package})")
    return path


@contextlib.contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """A temporary folder that daemons under other users may enter."""
    path = Path(tempfile.mkdtemp(prefix=f"macrogate-bench-{prefix}-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running(
    command: list[str], log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """``command`` in a session of its own; SIGTERM at the end, SIGKILL to its group ten seconds later."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True, env=environment
        )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def await_port(port: int, process: subprocess.Popen[bytes] | None, log: Path, seconds: float = 60.0) -> None:
    """Return once ``port`` accepts. Raises ``Missing`` with the end of the log when the program gave up."""
    deadline = time.monotonic() + seconds
    while not listening(port):
        if (process is not None and process.poll() is not None) or time.monotonic() > deadline:
            raise Missing(f"did not start: {_tail(log)}")
        time.sleep(0.1)


def await_path(path: Path, process: subprocess.Popen[bytes], log: Path, seconds: float = 60.0) -> None:
    """Return once ``path`` exists. Raises ``Missing`` as ``await_port`` does."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Missing(f"did not start: {_tail(log)}")
        time.sleep(0.1)


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    return " / ".join(line for line in lines if line.strip())[-300:]
