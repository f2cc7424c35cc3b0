"""Cells whose formula asks something that is gone: the value they showed last stays, without the formula (MS-XLS).

Contract: ``Values.keep`` changes a workbook stream without moving a record of any other cell. A formula that is shared
by several cells, or that fills an array, is taken from all of them. Raises ``OverLimit``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Set

from gateway.scan.budget import Budget
from gateway.scan.disarm.biff_edit import Record, leave_out, records
from gateway.scan.documents.parsed_formula import Reader

_BOF, _FORMULA, _STRING, _CONTINUE = 0x0809, 0x0006, 0x0207, 0x003C
_SIZE_AT = {_FORMULA: 20, 0x0221: 12, 0x04BC: 8}
"""Where Formula (2.4.127), Array (2.4.4) and ShrFmla (2.4.260) say how long the expression is."""
_NUMBER, _LABEL, _BOOLERR, _BLANK = 0x0203, 0x0204, 0x0205, 0x0201
_CELL = 6
"""Bytes of the row, the column and the format, which begin each of these."""
_TEXT, _BOOLEAN, _ERROR = 0, 1, 2
_LONGEST_TEXT = 255
_EXP, _NAME, _NAME_X, _FUNC_VAR = 0x01, 0x23, 0x39, 0x22
_USER_DEFINED = 0x00FF


class Values:
    """The cells of one workbook. ``sources`` are the numbers that formulas use for what is gone outside the workbook,
    ``functions`` the numbers of the names of macros."""

    def __init__(
        self, stream: bytearray, original: bytes, sources: Set[int], functions: Set[int], version: int
    ) -> None:
        self._stream, self._original = stream, original
        self._sources, self._functions = sources, functions
        self._reader = Reader(version)

    def keep(self, budget: Budget) -> None:
        """Put the values in the place of the formulas."""
        if not self._sources and not self._functions:
            return
        anchors: set[bytes] = set()
        for cell, *behind in self._cells(budget):
            if cell.kind == _BOF:
                anchors.clear()
                continue
            if any(self._asks(record) for record in (cell, *behind)):
                anchors.add(self._original[cell.body : cell.body + 4])
            elif self._anchor(cell) not in anchors:
                continue
            self._replace(cell, behind)

    def _cells(self, budget: Budget) -> Iterator[list[Record]]:
        """Each formula with the records that belong to it, and the beginning of each sheet alone."""
        open_cell: list[Record] = []
        for record in records(self._original, budget):
            if open_cell and record.kind in {*_SIZE_AT, _STRING, _CONTINUE} - {_FORMULA}:
                open_cell.append(record)
                continue
            if open_cell:
                yield open_cell
            open_cell = [record] if record.kind == _FORMULA and record.size > _SIZE_AT[_FORMULA] + 1 else []
            if record.kind == _BOF:
                yield [record]
        if open_cell:
            yield open_cell

    def _expression(self, record: Record) -> bytes:
        at = record.body + _SIZE_AT[record.kind]
        size = int.from_bytes(self._original[at : at + 2], "little")
        return self._original[at + 2 : min(at + 2 + size, record.end)]

    def _asks(self, record: Record) -> bool:
        if record.kind not in _SIZE_AT:
            return False
        calls, named = False, False
        for token, body in self._reader.tokens(self._expression(record)):
            number = int.from_bytes(body[:2], "little")
            if token == _NAME_X and number in self._sources:
                return True
            calls = calls or (token == _FUNC_VAR and int.from_bytes(body[1:3], "little") == _USER_DEFINED)
            named = named or (token == _NAME and number in self._functions)
        return calls and named

    def _anchor(self, cell: Record) -> bytes:
        """Row and column of the cell that has the formula of this one; empty if it has its own."""
        expression = self._expression(cell)
        return expression[1:5] if expression[:1] == bytes([_EXP]) else b""

    def _replace(self, cell: Record, behind: list[Record]) -> None:
        end = behind[-1].end if behind else cell.end
        if self._stream[cell.at : end] != self._original[cell.at : end]:
            return  # a cell of a sheet that is emptied
        value = self._original[cell.body + _CELL : cell.body + _CELL + 8]
        place = self._original[cell.body : cell.body + _CELL]
        kind, content = _NUMBER, value
        if value[6:] == b"\xff\xff":
            kind, content = _BLANK, b""
            if value[0] in {_BOOLEAN, _ERROR}:
                kind, content = _BOOLERR, bytes([value[2], value[0] == _ERROR])
            elif value[0] == _TEXT:
                text = next((record for record in behind if record.kind == _STRING), None)
                if text is None or behind[-1].kind == _CONTINUE or text.size < 2:
                    return
                kind, content = _LABEL, self._original[text.body : text.end]
                if int.from_bytes(content[:2], "little") > _LONGEST_TEXT:
                    return
        record = struct.pack("<HH", kind, _CELL + len(content)) + place + content
        self._stream[cell.at : cell.at + len(record)] = record
        leave_out(self._stream, cell.at + len(record), end)
