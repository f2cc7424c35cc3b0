"""One target under atheris, in this process: ``python -m tests.fuzz.one TARGET [libFuzzer options] FOLDER``."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gateway.scan"]):
    import gateway.scan.unpack  # noqa: F401  instrumented before the targets import it
from tests.fuzz.seeds import pieces, seeds
from tests.fuzz.targets import FAMILIES, TARGETS

name, folder = sys.argv[1], Path(sys.argv[-1])
for content in {**seeds(), **pieces()}.values():
    (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
atheris.Setup([sys.argv[0], *sys.argv[2:]], {**TARGETS, **FAMILIES}[name])
atheris.Fuzz()
