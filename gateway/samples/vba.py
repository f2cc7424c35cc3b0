"""Macro projects for the sample documents: empty procedures, and nothing that could do anything.

Contract: ``inert`` gives the source of one empty procedure, ``document`` a macro-enabled file with one module of any
source.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path

MARKER = "INERT-MACRO-7d1f3c52"
"""A comment in every macro made here, so that tests can find it again."""


def inert(procedure: str) -> str:
    """``Sub procedure(): End Sub`` with the marker."""
    return f"' {MARKER}: this macro is empty and does nothing\r\nSub {procedure}()\r\nEnd Sub\r\n"


@lru_cache(maxsize=64)
def document(suffix: str, source: str, module: str = "Module1") -> bytes:
    """A ``.docm``, ``.xlsm``, ``.xlsb`` or ``.xlam`` with ``source`` in ``module``, a new one or ``ThisDocument``."""
    from pyopenvba import ExcelFile, WordFile

    maker = WordFile if suffix == ".docm" else ExcelFile
    with tempfile.TemporaryDirectory(prefix="macrogate-sample-") as folder:
        path = Path(folder) / f"sample{suffix}"
        with maker.create_new(path) as file:
            if module in file.module_names():
                file.set_module(module, source)
            else:
                file.vba_project().add_module(module, f'Attribute VB_Name = "{module}"\r\n{source}')
            file.save(path)
        return path.read_bytes()


def project(content: bytes) -> bytes:
    """The ``vbaProject.bin`` of a document made here."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        name = next(name for name in package.namelist() if name.endswith("vbaProject.bin"))
        return package.read(name)
