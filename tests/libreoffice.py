"""LibreOffice, as tests use it: many documents turned into other formats by few processes.

Its profile is what takes long to make, so two serve the whole run; one program at a time uses each of them.
"""

from __future__ import annotations

import os
import queue
import subprocess
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SIDE_BY_SIDE = 2
SECONDS = 300


@dataclass(frozen=True)
class Job:
    """``files`` are to be turned into ``kind`` (an extension, or extension and filter), into ``target``."""

    kind: str
    target: Path
    files: tuple[Path, ...]


def turn(jobs: Iterable[Job]) -> None:
    """Do all of them. A document that LibreOffice cannot open is left out by it; a program that fails raises
    ``CalledProcessError``."""
    _, free = _profiles()  # not by the threads: two at once would each make their own
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for done in [pool.submit(_turn, job, free) for job in jobs]:
            done.result()


def _turn(job: Job, free: queue.Queue[Path]) -> None:
    profile = free.get()
    try:
        command = ["soffice", "--headless", f"-env:UserInstallation=file://{profile}", "--convert-to", job.kind]
        subprocess.run(
            [*command, "--outdir", str(job.target), *map(str, job.files)],
            check=True,
            capture_output=True,
            timeout=SECONDS,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    finally:
        free.put(profile)


@cache
def _profiles() -> tuple[tempfile.TemporaryDirectory[str], queue.Queue[Path]]:
    """The folder, which is removed when the run ends, and the profiles nobody uses."""
    folder = tempfile.TemporaryDirectory(prefix="macrogate-libreoffice-", ignore_cleanup_errors=True)
    free: queue.Queue[Path] = queue.Queue()
    for number in range(SIDE_BY_SIDE):
        free.put(Path(folder.name) / str(number))
    return folder, free
