"""Where a message is looked for: its texts, folded once when it is entered, and what somebody types, folded alike.

Contract: a text matches anywhere in a field, whatever its case or width. From three characters on the trigrams of
SQLite's FTS5 find it, in a time that depends on what is found; shorter ones are looked for text by text. What somebody
types is bound, and quoted where FTS5 would read it as a query.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, column, func, literal_column, or_
from sqlalchemy import table as named

from gateway.quarantine.models import Filters
from gateway.quarantine.schema import searched

SHORTEST = 3
"""Characters of one trigram."""
MOST_WORDS = 10
FIELDS = ("sender", "recipient", "subject", "other")
LONGEST = 200
"""Words of one search, and characters of one of them; more narrow nothing down."""

table = named("search", column("rowid", Integer), *(column(name) for name in FIELDS))
"""The FTS5 table over ``searched``; its rowid is the place."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What of one message can be looked for, a line for each."""

    sender: tuple[str, ...]
    """Of the envelope and of the header."""
    recipient: tuple[str, ...]
    subject: tuple[str, ...]
    other: tuple[str, ...]
    """Id and Message-ID."""

    def values(self, place: int) -> dict[str, Any]:
        """As a row of ``searched``."""
        return {"place": place} | {name: "\n".join(folded(text) for text in getattr(self, name)) for name in FIELDS}


def folded(text: str) -> str:
    """One line of printable characters in which case and width make no difference."""
    wide = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(one if one.isprintable() else " " for one in wide).split())


class Search:
    """The texts of ``filters``: what has to be found in which field."""

    def __init__(self, filters: Filters) -> None:
        asked = {"sender": filters.sender, "recipient": filters.recipient, "subject": filters.subject}
        terms = [(name, folded(text)[:LONGEST]) for name, text in asked.items()]
        terms += [("", word[:LONGEST]) for word in folded(filters.text).split()[:MOST_WORDS]]
        self._long = [(name, term) for name, term in terms if len(term) >= SHORTEST]
        self._short = [(name, term) for name, term in terms if 0 < len(term) < SHORTEST]

    @property
    def indexed(self) -> ColumnElement[bool] | None:
        """What the trigrams answer."""
        if not self._long:
            return None
        query = " AND ".join(f"{name} : {_quoted(term)}" if name else _quoted(term) for name, term in self._long)
        return literal_column("search").op("MATCH", is_comparison=True)(query)

    @property
    def scanned(self) -> list[ColumnElement[bool]]:
        """What has to be looked for text by text, in ``searched``."""
        return [_holds(name, term) for name, term in self._short]


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'


def _holds(name: str, term: str) -> ColumnElement[bool]:
    names = [name] if name else FIELDS
    return or_(*(func.instr(searched.c[one], term) > 0 for one in names))
