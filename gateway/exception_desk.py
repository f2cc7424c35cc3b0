"""Exceptions to the rules as pages and API (``gateway.web``) ask for them.

Contract: decides who may make and take back which (``gateway.web.people.TAKES``): what lets mail pass takes more than
what holds it, and taking back a block lets mail pass. What goes wrong is a ``DeskError`` with a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from gateway.closed_sets import Effect
from gateway.exceptions import ExceptionList, ExceptionsError, NoSuchEntry
from gateway.policy.entries import Entry, Subject
from gateway.web.desk import NotHeld, require
from gateway.web.pages import DeskError
from gateway.web.people import Act, Person


class ExceptionDesk:
    """Over the file of ``known``."""

    def __init__(self, known: ExceptionList) -> None:
        self._known = known

    async def find(self, *, all: bool = False) -> Sequence[Entry]:  # noqa: A002 - reads as what it means
        """What is in force, or all of the last year, the newest first."""
        with _told():
            return await self._known.find(all=all)

    async def get(self, entry_id: str) -> Entry:
        """One entry, ended or not."""
        found = next((entry for entry in await self.find(all=True) if entry.id == entry_id), None)
        if found is None:
            raise NotHeld("There is no such exception.")
        return found

    async def add(
        self,
        effect: Effect,
        subject: Subject,
        what: str,
        *,
        by: Person,
        why: str,
        recipients: Sequence[str] = (),
        expires: datetime | None = None,
    ) -> Entry:
        """A new entry; without ``expires`` what is allowed ends after 30 days."""
        require(by, Act.ALLOW if effect is Effect.ALLOW else Act.BLOCK)
        with _told():
            return await self._known.add(
                effect, subject, what, why=why, who=by.who, recipients=recipients, expires=expires
            )

    async def remove(self, entry_id: str, *, by: Person, why: str) -> Entry:
        """Take it back."""
        entry = await self.get(entry_id)
        require(by, Act.BLOCK if entry.effect is Effect.ALLOW else Act.ALLOW)
        with _told():
            return await self._known.remove(entry.id, who=by.who, why=why)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except NoSuchEntry as error:
        raise NotHeld(f"{error}.") from error
    except ExceptionsError as error:
        raise DeskError(f"{error}.") from error
