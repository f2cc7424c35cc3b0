"""CSV (RFC 4180) that people open in spreadsheet programs, with words of attackers in it.

Contract: pure. Those programs take a cell that begins with one of a few signs for a formula, and run it, quoted or not:
such a cell gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
"""Beginnings of a formula; the wide forms are the same to a Japanese spreadsheet."""


def line(cells: Sequence[str]) -> str:
    """One line, its end included."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow(map(cell, cells))
    return text.getvalue()


def cell(text: str) -> str:
    """``text`` as no spreadsheet takes it for a formula, whatever white space stands before one."""
    formula = text.lstrip(" ").startswith(FORMULA) or text.lstrip().startswith(FORMULA)
    return f"'{text}" if formula else text
