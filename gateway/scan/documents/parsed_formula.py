"""Parsed expressions of Excel formulas (MS-XLS 2.5.198 Rgce; MS-XLSB 2.5.97; the same idea since BIFF2) as text.

Contract: ``Reader.text`` gives a formula as it would be typed, without ``=`` and with plain references (``A1``), as far
as its tokens can be followed; what cannot be followed ends it, never raises. For a person and for ``xlm_code``, not for
calculation: references that depend on the cell are shown as ``R[]C[]``. Bounded by ``MAX_SIZE``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from gateway.scan.documents.xlm_code import cell_name
from gateway.scan.documents.xlm_functions import ARITY, COMMANDS, FUNCTIONS, USER_DEFINED

MAX_SIZE = 16 << 10
"""Bytes of one expression that are read, as many as Excel accepts."""

_Operand: TypeAlias = "str | tuple[_Operand, ...]"

_OPERATORS = {
    0x03: "+",
    0x04: "-",
    0x05: "*",
    0x06: "/",
    0x07: "^",
    0x08: "&",
    0x09: "<",
    0x0A: "<=",
    0x0B: "=",
    0x0C: ">=",
    0x0D: ">",
    0x0E: "<>",
    0x0F: " ",
    0x10: ",",
    0x11: ":",
}
_AROUND = {0x12: ("+", ""), 0x13: ("-", ""), 0x14: ("", "%"), 0x15: ("(", ")")}
_MISSING = 0x16
_WITHOUT_DATA = frozenset({*_OPERATORS, *_AROUND, _MISSING})
_MEMORY = frozenset({0x26, 0x27, 0x28, 0x29, 0x2E, 0x2F})
"""Tokens that only say where Excel kept a result."""
_STR, _EXTENDED, _ATTR, _BOOL, _INT, _NUMBER = 0x17, 0x18, 0x19, 0x1D, 0x1E, 0x1F
_FUNC, _FUNC_VAR, _NAME, _REF, _AREA, _FUNC_CE, _REF_3D, _AREA_3D = 0x21, 0x22, 0x23, 0x24, 0x25, 0x38, 0x3A, 0x3B
_SHOWN = {0x01: "", 0x02: "", _MISSING: "", 0x1C: "#ERROR", 0x2C: "R[]C[]", 0x2D: "R[]C[]", 0x39: "OUTSIDE"}
_COMMAND = 0x8000
_CHOOSE, _SUM = 0x04, 0x10

_SIZES = {
    0x01: (4, 4, 4),
    0x02: (4, 4, 4),
    0x1C: (1, 1, 1),
    0x1D: (1, 1, 1),
    0x1E: (2, 2, 2),
    0x1F: (8, 8, 8),
    0x20: (7, 7, 14),
    0x21: (2, 2, 2),
    0x22: (3, 3, 3),
    0x23: (14, 4, 4),
    0x24: (3, 4, 6),
    0x25: (6, 8, 12),
    0x26: (6, 6, 6),
    0x27: (6, 6, 6),
    0x28: (6, 6, 6),
    0x29: (2, 2, 2),
    0x2A: (3, 4, 6),
    0x2B: (6, 8, 12),
    0x2C: (3, 4, 6),
    0x2D: (6, 8, 12),
    0x2E: (2, 2, 2),
    0x2F: (2, 2, 2),
    0x38: (3, 3, 3),
    0x39: (24, 6, 6),
    0x3A: (17, 6, 8),
    0x3B: (20, 10, 14),
    0x3C: (17, 6, 8),
    0x3D: (20, 10, 14),
    0x18: (5, 5, 5),
}
"""Bytes behind each token in BIFF5, BIFF8 and BIFF12 (.xlsb)."""
_SIZES_OLD = {2: {0x21: 1, 0x22: 2, 0x23: 7, 0x38: 2}, 3: {0x21: 1, 0x22: 2, 0x23: 10, 0x38: 2}, 4: {0x23: 10}}
"""Where BIFF2 to BIFF4 differ from BIFF5."""
_CELLS = (("H", 0x3FFF, "B"), ("H", 0xFFFF, "H"), ("I", 0xFFFFF, "H"))
"""How BIFF5, BIFF8 and BIFF12 write rows, which of their bits are the number, and columns."""
_LIST, _LIST_SIZE = 0x19, 13
"""PtgList of BIFF12 (MS-XLSB 2.5.97)."""


def _nothing(_number: int) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the formulas of one workbook. ``version`` is 2 to 5, 8, or 12; ``name`` gives a defined name by its number
    from 1, ``sheet`` a sheet by the number that formulas use for it."""

    version: int
    name: Callable[[int], str] = _nothing
    sheet: Callable[[int], str] = _nothing

    def text(self, expression: bytes) -> str:
        """One formula."""
        return _Parse(self, expression[:MAX_SIZE]).run()

    def tokens(self, expression: bytes) -> Iterator[tuple[int, bytes]]:
        """The tokens of one formula, those of the three classes made one, and what stands behind each."""
        return _Parse(self, expression[:MAX_SIZE]).tokens()


class _Parse:
    """One formula being read: tokens come operands first, so what is known so far lies on a stack."""

    def __init__(self, reader: Reader, data: bytes) -> None:
        self._reader, self._data = reader, data
        self._place = {8: 1, 12: 2}.get(reader.version, 0)
        self._old = _SIZES_OLD.get(reader.version, {})
        self._stack: list[_Operand] = []

    def run(self) -> str:
        for base, body in self.tokens():
            try:
                self._take(base, body)
            except (struct.error, IndexError):
                break
        return _flat(tuple(self._stack))

    def tokens(self) -> Iterator[tuple[int, bytes]]:
        position, end = 0, len(self._data)
        while position < end:
            token = self._data[position]
            base = token if token < 0x20 else token & 0x1F | 0x20
            try:
                size = self._size(base, position + 1)
            except IndexError:
                return
            if size < 0:
                return
            yield base, self._data[position + 1 : position + 1 + size]
            position += 1 + size

    def _size(self, base: int, at: int) -> int:
        """Bytes behind the token, or -1 for a token that does not exist."""
        data, version = self._data, self._reader.version
        if base == _STR:
            return self._string_size(at)
        if base == _ATTR:
            width = 2 if version > 2 else 1
            number = int.from_bytes(data[at + 1 : at + 1 + width], "little")
            return 1 + width + (width * (number + 1) if data[at] & _CHOOSE else 0)
        if base == _EXTENDED and version == 12 and data[at] == _LIST:
            return _LIST_SIZE
        if base in _WITHOUT_DATA:
            return 0
        return self._old.get(base, _SIZES[base][self._place]) if base in _SIZES else -1

    def _string_size(self, at: int) -> int:
        data = self._data
        if self._reader.version == 12:
            return 2 + 2 * int.from_bytes(data[at : at + 2], "little")
        if self._reader.version == 8:
            return 2 + data[at] * (2 if data[at + 1] & 1 else 1)
        return 1 + data[at]

    def _take(self, base: int, body: bytes) -> None:
        """Do to the stack what the token says."""
        if base in _OPERATORS:
            right, left = self._pop(), self._pop()
            self._stack.append((left, _OPERATORS[base], right))
        elif base in _AROUND:
            before, after = _AROUND[base]
            self._stack.append((before, self._pop(), after))
        elif base == _ATTR:
            if body[0] & _SUM:
                self._call("SUM", 1)
        elif base in {_FUNC, _FUNC_VAR, _FUNC_CE}:
            self._function(base, body)
        elif base not in _MEMORY:
            self._stack.append(self._operand(base, body))

    def _pop(self) -> _Operand:
        return self._stack.pop() if self._stack else ""

    def _function(self, base: int, body: bytes) -> None:
        if base == _FUNC:
            number = int.from_bytes(body[:2], "little")
            name = FUNCTIONS.get(number, f"FUNCTION{number}")
            self._call(name, ARITY.get(name, 1))
            return
        number = int.from_bytes(body[1:3], "little")
        command = number & _COMMAND or base == _FUNC_CE
        number &= ~_COMMAND
        name = COMMANDS.get(number, f"COMMAND{number}") if command else FUNCTIONS.get(number, f"FUNCTION{number}")
        count = body[0] & 0x7F
        if number == USER_DEFINED and not command and 0 < count <= len(self._stack):
            name = _flat(self._stack.pop(-count))
            count -= 1
        self._call(name, count)

    def _call(self, name: str, count: int) -> None:
        arguments = self._stack[-count:] if count else []
        del self._stack[len(self._stack) - len(arguments) :]
        call: list[_Operand] = [name, "("]
        for place, argument in enumerate(arguments):
            call += [",", argument] if place else [argument]
        self._stack.append((*call, ")"))

    def _operand(self, base: int, body: bytes) -> str:
        if base == _INT:
            return str(int.from_bytes(body, "little"))
        if base == _NUMBER:
            return format(struct.unpack("<d", body)[0], ".15g")
        if base == _STR:
            return f'"{self._string(body)}"'
        if base == _NAME:
            return self._reader.name(int.from_bytes(body[: 4 if self._place == 2 else 2], "little")) or "NAME"
        if base in {_REF, _AREA, _REF_3D, _AREA_3D}:
            return self._reference(base, body)
        return ("TRUE" if body[0] else "FALSE") if base == _BOOL else _SHOWN.get(base, "#REF")

    def _string(self, body: bytes) -> str:
        if self._reader.version == 12:
            text = body[2:].decode("utf-16-le", "replace")
        elif self._reader.version == 8:
            text = body[2:].decode("utf-16-le" if body[1] & 1 else "latin-1", "replace")
        else:
            text = body[1:].decode("cp1252", "replace")
        return text.replace("\0", "").replace('"', '""')

    def _reference(self, base: int, body: bytes) -> str:
        corners = 2 if base in {_AREA, _AREA_3D} else 1
        prefix = ""
        if base in {_REF_3D, _AREA_3D}:
            # BIFF5 has the number of the sheet behind ten bytes of other things
            at, skip = (10, 14) if self._place == 0 else (0, 2)
            sheet = self._reader.sheet(int.from_bytes(body[at : at + 2], "little"))
            prefix = f"{sheet}!" if sheet else ""
            body = body[skip:]
        row, mask, column = _CELLS[self._place]
        fields = struct.unpack_from("<" + row * corners + column * corners, body)
        cells = [cell_name((fields[n] & mask) + 1, (fields[n + corners] & 0x3FFF) + 1) for n in range(corners)]
        return prefix + ":".join(cells)


def _flat(operand: _Operand) -> str:
    """An operand as text. The nesting is the sender's, so no function calls itself for it."""
    pieces: list[str] = []
    waiting: list[_Operand] = [operand]
    while waiting:
        piece = waiting.pop()
        if isinstance(piece, str):
            pieces.append(piece)
        else:
            waiting.extend(reversed(piece))
    return "".join(pieces)
