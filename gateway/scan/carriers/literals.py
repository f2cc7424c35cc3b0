"""Files written out as text in the source of a script: base64, hexadecimal, percent and backslash escapes, lists of
numbers; whole, or in pieces that the script joins.

Contract: ``literals`` gives what each long literal may decode to, within the budget. It is generous about what joins
pieces (``"a" + "b"``, ``["a", "b"]``, ``x += "b"``) and nothing else; other text costs a plain search for each kind. No
expression in here goes back further than one line. Raises ``OverLimit`` only.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.scan import encodings
from gateway.scan.budget import Budget

MIN_SIZE = 512
"""Bytes; no document is shorter."""
MAX_LITERALS = 500
"""Of one script."""

_JOINT = re.compile(rb"[\"'`]\s{0,20}(?:[+,]|;\s{0,20}[\w.$\[\]]{1,40}\s{0,5}\+=)\s{0,20}[\"'`]")
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|u00([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{2})\})")

_HEX_DIGITS = b"0123456789abcdefABCDEF"
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]+")
_ESCAPES = re.compile(rb"(?:\\x[0-9a-fA-F]{2}|\\u00[0-9a-fA-F]{2}|\\u\{[0-9a-fA-F]{2}\})+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{128,}(?:\\?[\r\n]{1,2}[ \t]{0,40}[A-Za-z0-9+/_-]{16,})*={0,2}")
_NUMBERS = re.compile(rb"-?(?:0[xX][0-9a-fA-F]{1,2}|\d{1,3})(?:\s{0,8},\s{0,8}-?(?:0[xX][0-9a-fA-F]{1,2}|\d{1,3}))+")
_NUMBER = re.compile(rb"-?(?:0[xX][0-9a-fA-F]{1,2}|\d{1,3})")
_PERCENT = re.compile(rb"[A-Za-z0-9%_.~!*()+/=?&:;,$@-]+")
_PERCENT_BYTE = re.compile(rb"%([0-9a-fA-F]{2})")


@dataclass(frozen=True, slots=True)
class Literal:
    """Where it stands, what it may decode to (at least one reading, the likeliest first), and whether the first reading
    is base64."""

    start: int
    end: int
    readings: tuple[bytes, ...]
    base64: bool = False


def joined(code: bytes) -> bytes:
    """``code`` with the joints between pieces of a literal taken out."""
    return _JOINT.sub(b"", code)


def unescaped(code: bytes) -> bytes:
    """``code`` with its backslash escapes undone."""
    if b"\\x" not in code and b"\\u" not in code:
        return code
    return _ESCAPE.sub(lambda match: binascii.unhexlify(match[1] or match[2] or match[3]), code)


def literals(code: bytes, budget: Budget) -> Iterator[Literal]:
    """Each long literal of ``code`` (as ``joined`` left it), at most ``MAX_LITERALS``."""
    found = 0
    for table, pattern, decode in _KINDS:
        for match in _matches(code, table, pattern, budget):
            readings = tuple(content for content in decode(match[0]) if len(content) >= MIN_SIZE)
            if readings:
                budget.spend_bytes(sum(map(len, readings)))
                yield Literal(match.start(), match.end(), readings, decode is _base64)
                found += 1
            if found >= MAX_LITERALS:
                return


def _matches(code: bytes, table: bytes, pattern: re.Pattern[bytes], budget: Budget) -> Iterator[re.Match[bytes]]:
    """Long matches of ``pattern``, looked for only where many characters of its ``table`` follow each other."""
    marks = code.translate(table)
    position = 0
    while (start := marks.find(_NEEDLE, position)) >= 0:
        budget.check_time()
        end = marks.find(b" ", start)
        position = len(code) if end < 0 else end
        yield from (match for match in pattern.finditer(code, start, position) if len(match[0]) >= MIN_SIZE)


def _base64(text: bytes) -> tuple[bytes, ...]:
    """Forwards and backwards. What is hexadecimal as well is not taken for base64."""
    if not text.translate(None, _HEX_DIGITS):
        return ()
    return encodings.simple_base64(text), encodings.simple_base64(text.rstrip(b"=")[::-1])


def _hexadecimal(text: bytes) -> tuple[bytes, ...]:
    even = text[: len(text) & ~1]
    return binascii.unhexlify(even), binascii.unhexlify(even[::-1])


def _escapes(text: bytes) -> tuple[bytes, ...]:
    return (unescaped(text),)


def _numbers(text: bytes) -> tuple[bytes, ...]:
    values = [int(number, 0) if b"x" in number.lower() else int(number) for number in _NUMBER.findall(text)]
    if not all(-128 <= value <= 255 for value in values):
        return ()
    return (bytes(value & 0xFF for value in values),)


def _percent(text: bytes) -> tuple[bytes, ...]:
    if text.count(b"%") * 8 <= len(text):
        return ()
    return (_PERCENT_BYTE.sub(lambda match: binascii.unhexlify(match[1]), text),)


def _table(characters: bytes) -> bytes:
    return bytes(0x41 if code in characters else 0x20 for code in range(256))


_NEEDLE = b"A" * MIN_SIZE
_LETTERS = bytes((*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B)))
_KINDS: tuple[tuple[bytes, re.Pattern[bytes], Callable[[bytes], tuple[bytes, ...]]], ...] = (
    (_table(_HEX_DIGITS), _HEXADECIMAL, _hexadecimal),
    (_table(_HEX_DIGITS + b"\\xu{}"), _ESCAPES, _escapes),
    (_table(_LETTERS + b"+/=_-\\\r\n \t"), _BASE64, _base64),
    (_table(_HEX_DIGITS + b"xX-, \t\r\n"), _NUMBERS, _numbers),
    (_table(_LETTERS + b"%_.~!*()+/=?&:;,$@-"), _PERCENT, _percent),
)
