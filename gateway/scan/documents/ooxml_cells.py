"""Formulas in the XML sheets of Excel packages: those of macro sheets, and those of any sheet that reach out.

Contract: ``is_macro_sheet`` and ``reaching`` cost a few searches for a sheet that has nothing of interest; only where
one of them hits, or where the encoding leaves no way of knowing, is the XML parsed. Raises ``Corrupt`` when that is not
sound.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.scan.documents import cell_dde
from gateway.scan.documents.opc import parse
from gateway.scan.documents.xlm import Workbook

_ROOT = re.compile(rb"<(?:[\w.-]{1,40}:)?macrosheet[\s>/]")
_HEAD = 4096
_WORDS = (b"webservice(", b"rtd(", b"call(", b"exec(", b"register(", b"register.id(", b"_xlws.py(")
_HIDING = (b"<![CDATA[", b"<!ENTITY")
"""What may stand for any of the words, as ``&#`` may."""
_CALL = re.compile(
    r"(?<![\w.])(?:_xl\w{1,9}\.){0,3}(WEBSERVICE|RTD|CALL|EXEC|REGISTER|REGISTER\.ID|PY)\s{0,20}\(", re.IGNORECASE
)
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})", re.IGNORECASE)


def is_macro_sheet(content: bytes) -> bool:
    """Whether the root element is that of a macro sheet, whatever the package says about the part."""
    head = content[:_HEAD].replace(b"\0", b"").lower()
    return b"macrosheet" in head and _ROOT.search(head) is not None


def read_formulas(content: bytes, sheet: str, book: Workbook) -> None:
    """Add the formulas of a sheet to ``book``, until that is full."""

    def take(cell: str, formula: str) -> None:
        match = _CELL.fullmatch(cell)
        book.add(sheet, int(match[2]) if match else 1, _column(match[1]) if match else 1, formula)

    _formulas(content, take)


def reaching(content: bytes) -> dict[str, str]:
    """What the formulas of a sheet reach out by: ``DDE`` or the name of a function, each with the first formula."""
    if b"\0" not in content[:200] and not _may_reach(content):
        return {}
    found: dict[str, str] = {}

    def take(cell: str, formula: str) -> None:
        for name, what in reached(formula).items():
            found.setdefault(name, what if name == "DDE" else f"{cell}: ={formula}")

    _formulas(content, take)
    return found


def reached(formula: str) -> dict[str, str]:
    """What one formula reaches out by: ``DDE`` with its source, or the name of a function with the formula."""
    found: dict[str, str] = {}
    if "|" in formula and (source := cell_dde.in_formula(formula.encode("utf-8", "replace"))):
        found["DDE"] = source
    for match in _CALL.finditer(formula):
        found[match[1].upper()] = formula
    return found


def _may_reach(content: bytes) -> bool:
    """Whether any of the words is there, or what may stand for one. Single characters first: those are found a hundred
    times as fast as words, and the usual sheet has none of them."""
    if b"|" in content or (b"&" in content and b"&#" in content):
        return True
    if b"!" in content and any(word in content for word in _HIDING):
        return True
    if b"(" not in content:
        return False
    lowered = content.lower()
    return any(word in lowered for word in _WORDS)


def _formulas(content: bytes, take: Callable[[str, str], None]) -> None:
    """Call ``take`` with the address and the text of each formula."""
    cell = ""
    pieces: list[str] | None = None

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal cell, pieces
        local = name.rpartition(" ")[2]
        if local == "c":
            cell = attributes.get("r", "")
        elif local in {"f", "formula", "formula1", "formula2", "definedName"}:
            pieces = []

    def text(data: str) -> None:
        if pieces is not None:
            pieces.append(data)

    def end(_name: str) -> None:
        nonlocal pieces
        if pieces is not None:
            formula, pieces = "".join(pieces).strip(), None
            if formula:
                take(cell, formula)

    parse(content, start, text=text, end=end)


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number
