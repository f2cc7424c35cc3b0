"""SYLK workbooks: plain text that Excel opens, with Excel 4.0 macros in it if the sender likes.

Contract: ``inspect`` looks at text that begins as SYLK does and at nothing else. Raises nothing.
"""

from __future__ import annotations

from gateway.message import FileType
from gateway.scan.documents import xlm
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.TEXT})

_HEAD = b"ID;"


def inspect(blob: Blob, look: Look) -> None:
    """Report the macro sheet (record O with option E) and the names (record NN) of a SYLK file."""
    if bytes(blob.data[:3]).upper() != _HEAD:
        return
    book = xlm.Workbook()
    for line in bytes(blob.data).decode("cp1252", "replace").splitlines():
        record, *fields = line.split(";")
        if record.upper() == "O" and any(field.upper() == "E" for field in fields):
            book.macro_sheets.append(("SYLK", xlm.HIDDEN[0]))
        elif record.upper() == "NN":
            book.names += [field[1:] for field in fields if field[:1].upper() == "N"]
    xlm.tell(book, blob.where, look)
