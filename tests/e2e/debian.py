"""The Debian package of this checkout, and others that differ from it in a version or a line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.tools import ROOT


def run(*command: str | Path, seconds: float = 300.0) -> str:
    """What a command says on both channels; fails with it unless it ends with 0."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}"
    return done.stdout


def build(folder: Path) -> Path:
    """The package as ``make deb`` builds it, in ``folder``. Takes a minute and the network."""
    done = subprocess.run(
        ["sh", str(ROOT / "deploy/debian/build.sh"), str(folder)],
        env={**os.environ, "PIP": f"{sys.executable} -m pip"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("macrogate_*.deb")
    return made
