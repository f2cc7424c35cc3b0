"""Workbooks without a compound file around them: Excel 2 to 4, whose only macros were those of Excel 4.0.

Contract: ``inspect`` looks at bytes that begin with a BOF record and at nothing else; one that is encrypted is
``ENCRYPTED``.
"""

from __future__ import annotations

from gateway.closed_sets import FileType, Kind
from gateway.scan.documents import biff
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.BINARY})

_HEADS = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x08\x00", b"\x09\x08\x10\x00")
"""BOF of BIFF2, 3, 4, 5 and 8 with the length each has."""


def inspect(blob: Blob, look: Look) -> None:
    """Report what a bare workbook stream would do."""
    if not bytes(blob.data[:4]).startswith(_HEADS):
        return
    found = biff.read_globals(bytes(blob.data), look.budget)
    biff.tell(found, blob.where, look)
    if found.encrypted:
        look.find(Kind.ENCRYPTED, blob.where, "Is encrypted with a password that is not known")
