"""Equation Editor 3.0 objects: whether one is an equation, or more than its program can take (CVE-2017-11882).

Contract: ``fault`` says in a clause what is wrong with the content of an ``Equation Native`` stream, or "" for an
equation. The records are those of MTEF 1 to 3, one behind the other; nothing is drawn. The program that reads them
copies names and tables into places of fixed size, runs outside Office's protection, and is gone from current versions.
Never raises; reads each byte once.
"""

from __future__ import annotations

import struct

from gateway.closed_sets import Kind, Verdict
from gateway.scan.look import Look

STREAM_NAME = "Equation Native"
EDITOR = bytes.fromhex("02ce020000000000c000000000000046")
"""CLSID 0002CE02 of Equation.3 as it stands in a file; its program is the one that is attacked."""
CLASS_NAMES = ("equation.2", "equation.3")

_HEADER = 28
"""EQNOLEFILEHDR: its own size first."""
_VERSIONS = (1, 2, 3)
_MATHTYPE = b"\x05"
_MAX_NAME = 32
"""Bytes of a font name in Windows, its zero included (LOGFONT)."""
_MAX_CELLS = 31
"""Rows or columns whose borders fit into the eight bytes the program keeps for them."""
_NUDGED, _RULER, _LINE_SPACE, _EMBELLISHED = 0x8, 0x2, 0x4, 0x2
_END, _LINE, _CHARACTER, _TEMPLATE, _PILE, _MATRIX, _EMBELLISHMENT, _RULERS, _FONT, _SIZE = range(10)
_FIXED = {_TEMPLATE: 3, _PILE: 2, _EMBELLISHMENT: 1}
"""Bytes behind the tag of a record of fixed size."""
_LAST_RECORD = 14
_PADDING = 3
"""Bytes that may stand behind the last record to fill up four."""


def fault(content: bytes) -> str:
    """What is wrong with it; "" for an equation, and for the newer format of MathType."""
    start = struct.unpack_from("<H", content)[0] if len(content) >= 2 else 0
    head = content[start : start + 5] if start == _HEADER else content[:5]
    body = content[start + 5 :] if start == _HEADER else content[5:]
    if len(head) == 5 and head[0] in _VERSIONS:
        return _fault_of_records(body, _FIXED | {_CHARACTER: 3 if head[0] == _VERSIONS[-1] else 2})
    return "" if head[:1] == _MATHTYPE else "it does not begin as an equation"


def _fault_of_records(body: bytes, fixed: dict[int, int]) -> str:
    position = 0
    while position < len(body):
        kind, options = body[position] & 15, body[position] >> 4
        position += 1
        if kind in {_LINE, _CHARACTER, _TEMPLATE, _PILE, _MATRIX, _EMBELLISHMENT} and options & _NUDGED:
            position += 6 if body[position : position + 2] == b"\x80\x80" else 2
        if kind == _FONT:
            end = body.find(b"\0", position + 2)
            length = (end if end >= 0 else len(body)) - position - 2
            if length >= _MAX_NAME:
                return f"it names a font with {length} letters, which overruns the program that reads it"
            position += length + 3
        elif kind == _MATRIX:
            rows, columns = (*body[position + 3 : position + 5], 0, 0)[:2]
            if max(rows, columns) > _MAX_CELLS:
                return f"its matrix has {rows} rows and {columns} columns, which overruns the program that reads it"
            position += 5 + (2 * (rows + 1) + 7) // 8 + (2 * (columns + 1) + 7) // 8
        elif kind == _SIZE:
            position += {101: 3, 100: 4}.get(body[position] if position < len(body) else 0, 2)
        elif kind == _RULERS:
            position += 1 + 3 * (body[position] if position < len(body) else 0)
        elif kind > _LAST_RECORD and len(body) - position > _PADDING:
            return "it holds something that is no part of an equation"
        else:
            position += fixed.get(kind, 0) + (2 if kind == _LINE and options & _LINE_SPACE else 0)
    return ""


def inspect(content: bytes, where: str, look: Look) -> bool:
    """Report one equation: an attack on its program, or a note that it is there. Returns whether it is sound."""
    why = fault(content)
    if why:
        sentence = f"Attacks Equation Editor 3.0, which opens the object in its own program: {why}"
        look.find(Kind.OLE_PACKAGE, where, sentence, reference="CVE-2017-11882")
    else:
        sentence = "Holds an equation of Equation Editor 3.0"
        look.find(Kind.OLE_PACKAGE, where, sentence, verdict=Verdict.CLEAN)
    return not why
