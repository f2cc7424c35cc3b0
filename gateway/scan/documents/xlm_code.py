"""What Excel 4.0 macro formulas would do, read from their text.

Contract: nothing is executed. ``read`` joins constant strings (``"a"&CHAR(98)``), names the functions that reach out of
the workbook, lists addresses and commands, and makes the fingerprint of the code: the same for the same formulas
in other cells, on sheets of another name and in another format. Linear in the length of the formulas, whose number and
length their ``Workbook`` bounds. Raises ``OverLimit``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.message import MAX_INDICATORS
from gateway.scan.budget import Budget

DANGEROUS = frozenset(
    {
        *("EXEC", "CALL", "REGISTER", "REGISTER.ID", "RUN", "EXECUTE", "INITIATE", "POKE", "REQUEST"),
        *("FOPEN", "FWRITE", "FWRITELN", "FILE.DELETE", "OPEN", "SAVE.AS", "SEND.MAIL", "VBA.INSERT.FILE"),
        *("ON.TIME", "ON.SHEET", "ON.DATA", "ON.WINDOW", "ON.RECALC", "ON.ENTRY", "ON.KEY", "ON.DOUBLECLICK"),
        "EVALUATE",
    }
)
"""Functions that start programs, call libraries, write files, or wait for an event to run another macro."""

_MACRO_ONLY = re.compile(
    r"(?<![\w.])(?:EXEC|CALL|REGISTER|HALT|RETURN|GOTO|RUN|FORMULA|FOPEN|ON\.TIME|SET\.VALUE|SET\.NAME)\(",
    re.IGNORECASE,
)
"""Functions a worksheet cannot have."""
EXCERPT_LINES = 12
LINE = 300
"""Characters of one formula that are shown."""
_SHORTEST_STRING = 4
_STEPS_BETWEEN_CLOCKS = 512

_CONSTANT = r'(?:"[^"]*"|CHAR\(\d{1,5}(?:[+-]\d{1,5})?\))'
_JOINED = re.compile(rf"{_CONSTANT}(?:\s*&\s*{_CONSTANT}|{_CONSTANT})*", re.IGNORECASE)
_PIECE = re.compile(r'"([^"]*)"|CHAR\((\d{1,5})(?:([+-])(\d{1,5}))?\)', re.IGNORECASE)
_CALL = re.compile(r"[A-Z][A-Z0-9.]{1,30}(?=\()", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:https?|ftp)://[^\s\"'<>]{4,280}|\\\\[\w.@-]{2,100}\\[^\s\"<>]{1,180}", re.IGNORECASE)
_COMMAND = re.compile(
    r"\.(?:exe|dll|ocx|ps1|vbs|js|bat|cmd|hta|tmp|dat|cpl|scr)\b|powershell|mshta|rundll|regsvr|wscript|urlmon|"
    r"shell32|kernel32|wininet|URLDownload|ShellExec|CreateDirectory|cmd\b|[a-z]:\\",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"(?:'[^']{0,64}'!|\b[\w.]{1,64}!)?(?:\$?\b[a-z]{1,3}\$?\d{1,7}\b|\br\[?-?\d*\]?c\[?-?\d*\]?(?![\w(]))"
)


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula of a macro sheet, without ``=``; ``row`` and ``column`` count from 1."""

    sheet: str
    row: int
    column: int
    text: str

    @property
    def cell(self) -> str:
        """``A1``."""
        return cell_name(self.row, self.column)


def cell_name(row: int, column: int) -> str:
    """``A1`` for 1, 1."""
    letters = ""
    while column > 0:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return f"{letters}{row}"


@dataclass(frozen=True, slots=True)
class Code:
    """What was read: dangerous functions in the order met, indicators, the first lines, the name of the code."""

    dangerous: tuple[str, ...]
    indicators: tuple[str, ...]
    excerpt: str
    fingerprint: str


def read(formulas: list[Formula], sheet: str, row: int, column: int, *, budget: Budget) -> Code:
    """Read the formulas; the excerpt begins at the cell where Excel begins, if it is known (``row`` is not 0)."""
    dangerous: dict[str, None] = {}
    addresses: dict[str, None] = {}
    commands: dict[str, None] = {}
    digest = hashlib.sha256()
    for number, formula in enumerate(formulas):
        if not number % _STEPS_BETWEEN_CLOCKS:
            budget.check_time()
        digest.update(normal(formula.text).encode("utf-8", "replace") + b"\n")
        for text in (formula.text, *_strings(formula.text)):
            dangerous.update((name, None) for name in _called(text))
        for text in _strings(formula.text):
            addresses.update((match[0], None) for match in _ADDRESS.finditer(text))
            if _COMMAND.search(text):
                commands[text] = None
    return Code(
        dangerous=tuple(dangerous),
        indicators=tuple({**addresses, **commands})[:MAX_INDICATORS],
        excerpt=_excerpt(formulas, sheet, row, column),
        fingerprint=digest.hexdigest() if formulas else "",
    )


def is_macro(text: str) -> bool:
    """Whether a formula calls what only macro sheets can call."""
    return _MACRO_ONLY.search(text) is not None


def normal(text: str) -> str:
    """A formula without what another copy of the same code may have otherwise: case, space, cells, names of sheets."""
    return _REFERENCE.sub("#", "".join(text.casefold().split()))


def _called(text: str) -> Iterator[str]:
    return (name for match in _CALL.finditer(text) if (name := match[0].upper()) in DANGEROUS)


def _strings(text: str) -> list[str]:
    """The constant strings of a formula, those joined by ``&`` as one."""
    if '"' not in text and "CHAR(" not in text.upper():
        return []
    joined = (_decode(match[0]) for match in _JOINED.finditer(text))
    return [string for string in joined if len(string) >= _SHORTEST_STRING]


def _decode(run: str) -> str:
    return "".join(_piece(match) for match in _PIECE.finditer(run.replace('""', "\x01"))).replace("\x01", '"')


def _piece(match: re.Match[str]) -> str:
    if match[2] is None:
        return match[1]
    code = int(match[2]) + (int(match[4]) if match[3] == "+" else -int(match[4] or 0))
    return chr(code) if 0 < code < 0xD800 else ""


def _excerpt(formulas: list[Formula], sheet: str, row: int, column: int) -> str:
    started: Iterable[Formula] = ()
    if row:
        below = [f for f in formulas if f.column == column and f.row >= row and sheet in ("", f.sheet)]
        started = sorted(below, key=lambda f: f.row)
    first = [*started, *formulas][:EXCERPT_LINES] if row else formulas[:EXCERPT_LINES]
    lines = dict.fromkeys(f"{f.cell}: ={f.text}"[:LINE] for f in first)
    return "\n".join(lines)
