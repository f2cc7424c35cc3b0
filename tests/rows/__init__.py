"""Faults, attacks on the protocol, and the safety of the gateway itself: what is tried, what has to come of it, and the
tests that show it.

One TOML file a family beside this one, a table for each row: ``what``, ``outcome``, ``tests`` as ``FILE::FUNCTION``
below ``tests/``, and ``why`` where no test, or no test alone, can show it. ``tests/coverage.py`` makes a page of it and
``tests/corpus/test_coverage.py`` fails for a row nobody proves or explains, and for a test that does not exist.
"""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
KEYS = {"what", "outcome", "tests", "why"}


@dataclass(frozen=True, slots=True)
class Family:
    """Rows of one letter, ``letter01`` to ``letter`` and ``count``."""

    file: str
    letter: str
    count: int
    title: str

    @property
    def rows(self) -> tuple[str, ...]:
        return tuple(f"{self.letter}{number:02}" for number in range(1, self.count + 1))


FAMILIES = (
    Family("faults.toml", "F", 70, "What breaks"),
    Family("protocol.toml", "S", 68, "Attacks on the protocol"),
    Family("safety.toml", "G", 47, "The safety of the gateway itself"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a family. ``tests`` are ``FILE::FUNCTION`` below ``tests/``."""

    id: str
    what: str
    outcome: str
    tests: tuple[str, ...] = ()
    why: str = ""


def read(family: Family) -> list[Row]:
    """The rows of a family in their order. Raises ``ValueError`` for a key nobody reads."""
    with (HERE / family.file).open("rb") as file:
        tables = tomllib.load(file)
    for name, table in tables.items():
        if unknown := set(table) - KEYS:
            raise ValueError(f"{family.file} [{name}]: there is no key {', '.join(sorted(unknown))}")
    found = [Row(name, **{**table, "tests": tuple(table["tests"])}) for name, table in tables.items()]
    return sorted(found, key=lambda row: row.id)


def complaints() -> list[str]:
    """What is wrong with the tables: rows that are missing, unknown, neither proved nor explained, or proved by a test
    that does not exist."""
    said = []
    for family in FAMILIES:
        rows = {row.id: row for row in read(family)}
        said += [f"{family.file} says nothing about {row}" for row in family.rows if row not in rows]
        said += [f"{family.file}: there is no row {row}" for row in rows if row not in family.rows]
        for row in rows.values():
            if not row.tests and not row.why:
                said.append(f"{row.id}: is neither proved by a test nor explained: {row.what}")
            said += [f"{row.id}: there is no test {test}" for test in row.tests if not exists(test)]
    return said


def exists(test: str) -> bool:
    """Whether ``FILE::FUNCTION`` is there."""
    path, _, function = test.partition("::")
    return function in _functions(TESTS / path)


@cache
def _functions(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    nodes = ast.parse(path.read_text("utf-8")).body
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def page() -> str:
    """All families as tables."""
    return "".join(_table(family) for family in FAMILIES)


def _table(family: Family) -> str:
    head = f"\n## {family.title}\n\n| row | what is done | what comes of it | shown by |\n|---|---|---|---|\n"
    return head + "".join(
        f"| {row.id.lower()} | {_cell(row.what)} | {_cell(row.outcome)} | {_shown_by(row)} |\n" for row in read(family)
    )


def _shown_by(row: Row) -> str:
    files: dict[str, list[str]] = defaultdict(list)
    for test in row.tests:
        path, _, function = test.partition("::")
        files[path].append(function.removeprefix("test_"))
    shown = [f"`{path}`: {', '.join(names)}" for path, names in files.items()]
    return "<br>".join([*shown, *([_cell(row.why)] if row.why else [])])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
