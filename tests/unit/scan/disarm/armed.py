"""Running the disarm of one document, and looking at the result with other eyes than ours."""

from __future__ import annotations

import io

import olefile

from gateway.message import Report
from gateway.samples.compound import streams_of
from gateway.scan import Limits, disarm, examine
from gateway.scan.disarm import Disarmed
from gateway.scan.documents import olevba
from gateway.scan.passwords import Passwords
from tests.makers.looks import RULES

WINDOW = 24
"""Bytes of a stream that cannot be in a file by chance."""


def run(content: bytes, name: str = "sample.doc", limits: Limits | None = None) -> Disarmed:
    return disarm.disarm(content, name, rules=RULES, limits=limits or Limits(), passwords=Passwords(20.0))


def examined(content: bytes) -> Report:
    return examine(content, rules=RULES, limits=Limits(), mail=False)


def check(before: bytes, after: bytes, *changed: str) -> None:
    """No reader finds a macro; no byte of a module is left; what is not ``changed`` is the same."""
    assert examined(after).findings == ()
    parser = olevba.load()("sample", data=after)
    assert not parser.detect_vba_macros()
    parser.close()
    assert len(after) == len(before)
    with olefile.OleFileIO(io.BytesIO(after), raise_defects=olefile.DEFECT_POTENTIAL) as file:
        names = {part.casefold() for path in file.listdir(storages=True) for part in path}
    assert not names & {"macros", "vba", "dir", "_vba_project", "_vba_project_cur", "project", "projectwm"}
    old, new = streams_of(before), streams_of(after)
    for path in old.keys() - new.keys():
        pieces = (old[path][at : at + WINDOW] for at in range(0, len(old[path]) - WINDOW, WINDOW))
        assert not any(piece in after for piece in pieces if len(set(piece)) > 4), path
    assert new.keys() <= old.keys()
    assert {path for path in new if new[path] != old[path]} == {(name,) for name in changed}
