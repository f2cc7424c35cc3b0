"""The records of a binary workbook, ``.xlsb`` (MS-XLSB).

Contract: ``read_workbook`` gives sheets and names of ``workbook.bin``, ``dde_sources`` the DDE links of an
``externalLink.bin``, ``read_formulas`` the formulas of a sheet, and ``may_be_macro_sheet`` says cheaply whether a sheet
has functions that only macro sheets have. Reading stops where the records end to make sense; nothing raises but
``OverLimit``.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.scan.budget import Budget
from gateway.scan.documents.parsed_formula import Reader
from gateway.scan.documents.xlm import Workbook, plain_name

_NAME, _SHEET, _SOURCE, _EXTERN_SHEETS = 39, 156, 360, 362
"""BrtName (MS-XLSB 2.4.711), BrtBundleSh (2.4.309), BrtBeginSupBook (2.4.233), BrtExternSheet."""
_ROW, _ARRAY, _SHARED = 0, 426, 427
_RESULT_SIZES = {8: -1, 9: 8, 10: 1, 11: 1}
"""Cells with a formula (BrtFmlaString, Num, Bool, Error), and the bytes of the result; a string has its own length."""
_DDE = 1
_STEPS_BETWEEN_CLOCKS = 4096

_MACRO_FUNCTION = re.compile(
    rb"[\x21\x41\x61]\x35\x00"  # PtgFunc GOTO
    rb"|[\x22\x42\x62][\x00-\x1e](?:[\x36\x37\x6e\x84\x95\x96]\x00|[\x11\x60\x94]\x80)"
)
"""PtgFuncVar of HALT, RETURN, EXEC, FOPEN, REGISTER, CALL, and of the commands RUN, FORMULA, ON.TIME."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as the workbook lists it."""

    name: str
    relation: str
    state: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record; ``head`` are the bytes of its type and its size."""

    kind: int
    head: bytes
    body: bytes


@dataclass(slots=True)
class Book:
    """What ``workbook.bin`` says: sheets, defined names with what they refer to, and the sheet behind each number that
    formulas use."""

    sheets: list[Sheet] = field(default_factory=list)
    names: list[tuple[str, bytes]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def reader(self) -> Reader:
        """Reads formulas of this workbook."""
        return Reader(12, self._name, self._sheet)

    def _name(self, number: int) -> str:
        return plain_name(self.names[number - 1][0]) if 0 < number <= len(self.names) else ""

    def _sheet(self, number: int) -> str:
        place = self.numbers[number] if number < len(self.numbers) else -1
        return self.sheets[place].name if 0 <= place < len(self.sheets) else ""


def read_workbook(content: bytes, budget: Budget) -> Book:
    """The listed sheets and the defined names."""
    book = Book()
    for kind, body in _records(content, budget):
        if kind == _SHEET and len(body) >= 12:
            state = struct.unpack_from("<I", body)[0]
            relation, position = string_at(body, 8)
            book.sheets.append(Sheet(string_at(body, position)[0], relation, state))
        elif kind == _NAME and len(body) >= 13:
            name, position = string_at(body, 9)
            book.names.append((name, _expression(body, position)))
        elif kind == _EXTERN_SHEETS:
            entries = body[4 : 4 + max(0, len(body) - 4) // 12 * 12]
            book.numbers += [first for _, first, _ in struct.iter_unpack("<Iii", entries)]
    return book


def dde_sources(content: bytes, budget: Budget) -> Iterator[str]:
    """Each DDE link as ``server|topic``."""
    for kind, body in _records(content, budget):
        if kind == _SOURCE and len(body) >= 6 and struct.unpack_from("<H", body)[0] == _DDE:
            server, position = string_at(body, 2)
            yield f"{server}|{string_at(body, position)[0]}"


def may_be_macro_sheet(content: bytes) -> bool:
    """Whether bytes occur that stand for a function of macro sheets; ``read_formulas`` knows for sure."""
    return _MACRO_FUNCTION.search(content) is not None


def read_formulas(content: bytes, sheet: str, reader: Reader, book: Workbook, budget: Budget) -> None:
    """Add the formulas of a sheet to ``book``, until that is full."""
    row = 0
    for kind, body in _records(content, budget):
        if kind == _ROW and len(body) >= 4:
            row = struct.unpack_from("<I", body)[0]
        elif kind in _RESULT_SIZES and len(body) > 8:
            size = _RESULT_SIZES[kind]
            position = string_at(body, 8)[1] if size < 0 else 8 + size
            column = struct.unpack_from("<I", body)[0]
            _add(book, sheet, row, column, reader.text(_expression(body, position + 2)))
        elif kind in {_ARRAY, _SHARED} and len(body) > 16:
            first, _, column = struct.unpack_from("<III", body)
            _add(book, sheet, first, column, reader.text(_expression(body, 17 if kind == _ARRAY else 16)))
        if book.full:
            break


def _add(book: Workbook, sheet: str, row: int, column: int, text: str) -> None:
    book.add(sheet, (row & 0xFFFFF) + 1, (column & 0x3FFF) + 1, text)


def _expression(body: bytes, position: int) -> bytes:
    """A parsed formula (2.5.97) behind its length."""
    if position + 4 > len(body):
        return b""
    size = struct.unpack_from("<I", body, position)[0]
    return body[position + 4 : position + 4 + size]


def _records(content: bytes, budget: Budget) -> Iterator[tuple[int, bytes]]:
    for record in records(content, budget):
        yield record.kind, record.body


def records(content: bytes, budget: Budget) -> Iterator[Record]:
    """Each record (2.1.4): type and size in seven bits a byte, then the content."""
    position, steps, end = 0, 0, len(content)
    while position < end:
        start = position
        kind, position = _number(content, position, 2)
        size, position = _number(content, position, 4)
        yield Record(kind, content[start:position], content[position : position + size])
        position += size
        steps += 1
        if not steps % _STEPS_BETWEEN_CLOCKS:
            budget.check_time()


def _number(content: bytes, position: int, most: int) -> tuple[int, int]:
    value = 0
    for place in range(most):
        if position >= len(content):
            break
        byte = content[position]
        position += 1
        # a record type keeps its continuation bit clear in the value: 2.1.4 counts 7 bits of each byte
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            break
    return value, position


def string_at(body: bytes, position: int) -> tuple[str, int]:
    """XLWideString (2.5.169); a null string is empty."""
    if position + 4 > len(body):
        return "", len(body)
    length = struct.unpack_from("<I", body, position)[0]
    position += 4
    if length == 0xFFFFFFFF:
        return "", position
    return body[position : position + 2 * length].decode("utf-16-le", "replace"), position + 2 * length
