"""The Debian package of this checkout, and others that differ from it in a version or a line."""

from __future__ import annotations

import os
import re
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


def changed(package: Path, folder: Path, version: str, name: str, old: str, new: str) -> Path:
    """The same package under another version, with ``old`` in the file ``name`` become ``new``."""
    tree = folder / version
    run("dpkg-deb", "--raw-extract", package, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
    text = (tree / name).read_text()
    assert old in text
    (tree / name).write_text(text.replace(old, new))
    made = folder / f"{version}.deb"
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, made, seconds=900)
    return made
