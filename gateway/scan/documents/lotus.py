"""Worksheets of Lotus 1-2-3 (``.wk1``, ``.wks``): a macro is a range whose name begins with a backslash.

Contract: ``inspect`` looks at bytes that begin with the first record of such a file and at nothing else. ``\\0`` is
what 1-2-3, and Excel in its place, runs on opening; no Excel of this century does, so it is suspicious and no
auto-exec. Raises ``OverLimit``. Source: the worksheet file format that Lotus published in 1984.
"""

from __future__ import annotations

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.scan.documents.biff_records import records
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.BINARY})

_HEADS = (b"\x00\x00\x02\x00\x04\x04", b"\x00\x00\x02\x00\x05\x04", b"\x00\x00\x02\x00\x06\x04")
"""BOF of 1-2-3 release 1A, Symphony and release 2."""
_NAMES = frozenset({0x000B, 0x0047})
"""NRANGE and NNAME: a range, sixteen bytes of which are its name."""
_NAME_SIZE = 16


def inspect(blob: Blob, look: Look) -> None:
    """Report the macros of one worksheet."""
    if not bytes(blob.data[:6]).startswith(_HEADS):
        return
    for kind, body in records(bytes(blob.data), look.budget):
        name = body[:_NAME_SIZE].split(b"\0")[0]
        if kind in _NAMES and name.startswith(b"\\"):
            shown = name.decode("cp437", "replace")
            by_itself = name == b"\\0"
            what = "which 1-2-3 runs by itself" if by_itself else "which a key starts"
            verdict = Verdict.SUSPICIOUS if by_itself else Verdict.MACRO
            look.find(Kind.XLM_MACRO, blob.where, f"Holds the Lotus 1-2-3 macro {shown}, {what}", verdict=verdict)
            if by_itself:
                return
