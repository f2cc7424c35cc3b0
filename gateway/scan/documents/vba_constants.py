"""Constant expressions of VBA, worked out as far as they go: what obfuscated strings say when the macro runs.

Contract: ``decoded`` gives the strings a module builds from constants: joined pieces, ``Chr`` codes, reversed,
replaced, split and joined ones, arrays of character codes, and variables that are only ever given such values.
Nothing is run. Nesting, the length of a string, the operands read and the characters given back are bounded; what lies
beyond a bound is left undecoded. Raises only ``OverLimit``, when time is up.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator

from gateway.scan.budget import Budget

MAX_STRING = 32 << 10
MAX_DECODED = 512 << 10
"""Characters of all strings together."""
MAX_OPERANDS = 60_000
"""About as many milliseconds as thousands."""
_MAX_DEPTH = 12
_LINES_BETWEEN_CLOCKS = 256

Value = str | int | list[str | int]

_TOKEN = re.compile(r'"((?:[^"\n]|"")*)"?|(&[hH][0-9a-fA-F]{1,8}|\d{1,9})|([^\W\d]\w*)|(\S)')
_WORTH_A_LOOK = re.compile(r"\"|\bchrw?b?\$?\s*\(|\barray\s*\(", re.IGNORECASE)
_TYPE_SIGNS = frozenset("$%&!#@^")
_CONSTANTS: dict[str, Value] = {
    "vbcrlf": "\r\n",
    "vbnewline": "\r\n",
    "vblf": "\n",
    "vbcr": "\r",
    "vbtab": "\t",
    "vbnullstring": "",
    "vbnullchar": "\0",
    "empty": "",
}
_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "\\": lambda a, b: a // b if b else 0,
    "/": lambda a, b: a // b if b else 0,
    "xor": operator.xor,
    "mod": lambda a, b: a % b if b else 0,
}
_MAX_NUMBER = 1 << 40


def decoded(code: str, budget: Budget) -> Iterator[str]:
    """Every string the lines of ``code`` (comments gone, no line continued) build, then the values of variables."""
    reader = _Reader()
    given = 0
    for number, line in enumerate(code.split("\n")):
        if not number % _LINES_BETWEEN_CLOCKS:
            budget.check_time()
        if reader.operands > MAX_OPERANDS or given > MAX_DECODED:
            break
        if _WORTH_A_LOOK.search(line):
            for text in reader.strings(line):
                given += len(text)
                yield text
    for value in reader.variables.values():
        text = _characters(value) if isinstance(value, list) else str(value)
        if given <= MAX_DECODED:
            given += len(text)
            yield text


class _Reader:
    """Reads one logical line after the other; ``_TOKEN`` says which of the four groups of a token holds it."""

    def __init__(self) -> None:
        self.tokens: list[tuple[str | None, ...]] = []
        self.variables: dict[str, Value] = {}
        self.operands = 0

    def strings(self, line: str) -> Iterator[str]:
        """The strings built in one line; those given to variables only once they are given something else."""
        self.tokens = [match.groups() for match in _TOKEN.finditer(line)]
        position, end = 0, len(self.tokens)
        while position < end and self.operands <= MAX_OPERANDS:
            start = position
            target = self._assigned(position)
            if target:
                position += 2
            value, position = self._joined(position, 0)
            if value is None:
                position = start + 1
                continue
            if isinstance(value, list):
                value = _characters(value) if not target else value
            whole = position >= end or self.tokens[position][3] == ":"
            if target and whole:
                value = self._assign(target, value)
            if isinstance(value, str) and value:
                yield value

    def _assign(self, target: str, value: Value) -> Value:
        """Keep the value; what it replaces, unless it was only made longer."""
        before = self.variables.get(target, "")
        self.variables[target] = value
        longer = isinstance(before, str) and isinstance(value, str) and value.startswith(before)
        return "" if longer else before

    def _assigned(self, position: int) -> str:
        """The variable, if an assignment begins here."""
        if position + 1 < len(self.tokens) and self.tokens[position + 1][3] == "=":
            return (self.tokens[position][2] or "").lower()
        return ""

    def _sign(self, position: int) -> str:
        if position >= len(self.tokens):
            return ""
        _, _, name, sign = self.tokens[position]
        return sign or (name or "").lower()

    def _joined(self, position: int, depth: int) -> tuple[Value | None, int]:
        """Operands with ``&`` or ``+`` between them, as far as they are constant."""
        value, position = self._sum(position, depth)
        if value is None or isinstance(value, list) or self._sign(position) not in {"&", "+"}:
            return value, position
        pieces, size = [str(value)], len(str(value))
        while self._sign(position) in {"&", "+"} and size <= MAX_STRING:
            more, after = self._sum(position + 1, depth)
            if more is None or isinstance(more, list):
                break
            pieces.append(str(more))
            size += len(pieces[-1])
            position = after
        return "".join(pieces)[:MAX_STRING], position

    def _sum(self, position: int, depth: int) -> tuple[Value | None, int]:
        """Numbers with arithmetic between them, from left to right; or one operand of another kind."""
        value, position = self._operand(position, depth)
        while isinstance(value, int) and (work := _ARITHMETIC.get(self._sign(position))):
            more, after = self._operand(position + 1, depth)
            if not isinstance(more, int):
                break
            value, position = work(value, more) % _MAX_NUMBER, after
        return value, position

    def _operand(self, position: int, depth: int) -> tuple[Value | None, int]:
        self.operands += 1
        if position >= len(self.tokens) or depth > _MAX_DEPTH or self.operands > MAX_OPERANDS:
            return None, position
        text, number, name, sign = self.tokens[position]
        if text is not None:
            return text.replace('""', '"'), position + 1
        if number is not None:
            return int(f"0x{number[2:]}" if number[0] == "&" else number, 0 if number[0] == "&" else 10), position + 1
        if name is not None:
            return self._named(name.lower(), position + 1, depth)
        if sign == "(":
            value, position = self._joined(position + 1, depth + 1)
            return (value, position + 1) if self._sign(position) == ")" else (None, position)
        return None, position

    def _named(self, name: str, position: int, depth: int) -> tuple[Value | None, int]:
        called = position + (self._sign(position) in _TYPE_SIGNS)
        if self._sign(called) != "(":
            return self.variables.get(name, _CONSTANTS.get(name)), position
        if name not in _FUNCTIONS:
            return None, position
        arguments, position = self._arguments(called + 1, depth + 1)
        if arguments is None:
            return None, position
        try:
            return _FUNCTIONS[name](arguments), position
        except (IndexError, TypeError, ValueError, AttributeError, OverflowError):
            return None, position  # not what the function takes, so not for us to work out

    def _arguments(self, position: int, depth: int) -> tuple[list[Value] | None, int]:
        found: list[Value] = []
        while True:
            value, position = self._joined(position, depth)
            if value is None:
                return None, position
            found.append(value)
            sign = self._sign(position)
            position += 1
            if sign == ")":
                return found, position
            if sign != ",":
                return None, position


def _characters(codes: list[str | int]) -> str:
    """The text a list of character codes spells, or its strings joined."""
    numbers = [code for code in codes if isinstance(code, int) or code.isdecimal()]
    if len(numbers) == len(codes):
        return "".join(chr(int(code)) for code in numbers if 0 < int(code) < 0xD800)
    return "".join(str(code) for code in codes)[:MAX_STRING]


def _text(value: Value) -> str:
    if isinstance(value, list):
        raise TypeError
    return str(value)


def _number(value: Value) -> int:
    return int(_text(value))


def _replace(arguments: list[Value]) -> str:
    text, old, new = (_text(value) for value in arguments[:3])
    if not old or (text.count(old) * len(new) + len(text)) > MAX_STRING:
        raise ValueError
    return text.replace(old, new)


def _split(arguments: list[Value]) -> list[str | int]:
    separator = _text(arguments[1]) if len(arguments) > 1 else " "
    return [*_text(arguments[0]).split(separator)]


def _join(arguments: list[Value]) -> str:
    pieces = arguments[0]
    separator = _text(arguments[1]) if len(arguments) > 1 else " "
    if isinstance(pieces, list) and len(pieces) * len(separator) < MAX_STRING:
        return separator.join(str(piece) for piece in pieces)[:MAX_STRING]
    raise TypeError


def _mid(arguments: list[Value]) -> str:
    start = max(_number(arguments[1]) - 1, 0)
    stop = start + _number(arguments[2]) if len(arguments) > 2 else None
    return _text(arguments[0])[start:stop]


def _array(arguments: list[Value]) -> list[str | int]:
    return [value for value in arguments if not isinstance(value, list)]


def _chr(arguments: list[Value]) -> str:
    return chr(_number(arguments[0]) & 0xFFFF)


_FUNCTIONS: dict[str, Callable[[list[Value]], Value]] = {
    **dict.fromkeys(("chr", "chrw", "chrb"), _chr),
    **dict.fromkeys(("asc", "ascw"), lambda a: ord(_text(a[0])[0])),
    **dict.fromkeys(("cint", "clng", "cbyte", "val", "int"), lambda a: _number(a[0])),
    **dict.fromkeys(("trim", "ltrim", "rtrim"), lambda a: _text(a[0]).strip()),
    "environ": lambda a: f"%{_text(a[0])}%",
    "cstr": lambda a: _text(a[0]),
    "strreverse": lambda a: _text(a[0])[::-1],
    "lcase": lambda a: _text(a[0]).lower(),
    "ucase": lambda a: _text(a[0]).upper(),
    "left": lambda a: _text(a[0])[: _number(a[1])],
    "right": lambda a: _text(a[0])[-_number(a[1]) :],
    "mid": _mid,
    "replace": _replace,
    "split": _split,
    "join": _join,
    "array": _array,
}
"""What is worked out, with its arguments; anything else ends the constant expression it stands in."""
