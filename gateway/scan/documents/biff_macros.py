"""The formulas on a macro sheet of Excel before 2007 (MS-XLS 2.4.127 Formula, 2.4.4 Array, 2.4.260 ShrFmla).

Contract: ``read_sheet`` walks one sheet from its BOF to its EOF and adds each formula to the workbook, until that is
full. What breaks off is read as far as it goes. Raises ``OverLimit``.
"""

from __future__ import annotations

import struct

from gateway.scan.budget import Budget
from gateway.scan.documents.biff_records import records
from gateway.scan.documents.parsed_formula import Reader
from gateway.scan.documents.xlm import Workbook

_BOF = frozenset({0x0009, 0x0209, 0x0409, 0x0809})
_EOF = 0x000A
_FORMULAS = {0x0006: 20, 0x0206: 16, 0x0406: 16, 0x0221: 12, 0x04BC: 8}
"""Records with a formula of a cell, an array or a range, and where in each the size of the expression is."""
_FORMULA_2, _SIZE_AT_2 = 0x0006, 15
"""Formula of BIFF2: the size is one byte."""
_JOINED = frozenset(_FORMULAS)


def read_sheet(stream: bytes, at: int, name: str, reader: Reader, book: Workbook, budget: Budget) -> None:
    """Add the formulas of the sheet that begins at ``at``."""
    depth = 0
    for kind, body in records(stream, budget, _JOINED, at):
        # sheets may claim to begin anywhere, inside one another too
        book.spend_step()
        if kind in _BOF:
            depth += 1  # a chart on the sheet has records of its own
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                break
        elif kind in _FORMULAS and len(body) > 8:
            row, column = struct.unpack_from("<HH", body)
            if text := reader.text(_expression(kind, body, reader.version)):
                book.add(name, row + 1, (column & 0xFF) + 1, text)
        if book.full:
            break


def _expression(kind: int, body: bytes, version: int) -> bytes:
    if kind == _FORMULA_2 and version == 2:
        return body[_SIZE_AT_2 + 1 : _SIZE_AT_2 + 1 + body[_SIZE_AT_2]] if len(body) > _SIZE_AT_2 else b""
    at = _FORMULAS[kind]
    size = int.from_bytes(body[at : at + 2], "little")
    return body[at + 2 : at + 2 + size]
