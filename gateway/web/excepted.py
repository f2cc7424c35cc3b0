"""The pages of exceptions: what is allowed and blocked, and why; make one, take one back.

Contract: GET shows and asks, POST acts, with a reason. /exceptions/new fills its form in from the query (``effect``,
``subject``, ``what``, ``recipient``, the last as often as there are), so other pages link to it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.closed_sets import Effect
from gateway.policy.entries import Entry, Subject
from gateway.web.desk import Desk, require
from gateway.web.pages import HEADERS, LONGEST_FIELD, DeskError
from gateway.web.people import Act, Person
from gateway.web.visits import Visit, Visits

DAYS = re.compile(r"[0-9]{1,3}")
Word = TypeVar("Word", bound=StrEnum)


class ExceptionPages:
    """All of them."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        signed, acting, of = self._visits.signed, self._visits.acting, "/exceptions/{entry_id:str}"
        return [
            Route("/exceptions", signed(self.listing), methods=["GET"]),
            Route("/exceptions", acting(self.add), methods=["POST"]),
            Route("/exceptions/new", signed(self.ask), methods=["GET"]),
            Route(f"{of}/remove", signed(self.ask_remove), methods=["GET"]),
            Route(f"{of}/remove", acting(self.remove), methods=["POST"]),
        ]

    async def listing(self, visit: Visit) -> Response:
        """What is in force; with ``all`` in the query what has ended too."""
        everything = "all" in visit.request.query_params
        now = datetime.now(UTC)
        entries = await self._desk.exceptions.find(all=everything)
        rows = [(entry, entry.in_force(now), may_remove(visit.person, entry)) for entry in entries]
        return self._visits.page(
            "exceptions.html",
            visit,
            rows=rows,
            everything=everything,
            effects=[effect for effect in Effect if visit.person.may(act_for(effect))],
        )

    async def ask(self, visit: Visit) -> Response:
        """The form."""
        given = visit.request.query_params
        effect = _word(Effect, given.get("effect", "")) or Effect.BLOCK
        require(visit.person, act_for(effect))
        return self._visits.page(
            "exception.html",
            visit,
            effect=effect,
            subject=_word(Subject, given.get("subject", "")) or Subject.SENDER,
            subjects=list(Subject),
            what=given.get("what", "")[:LONGEST_FIELD],
            recipients="\n".join(one[:LONGEST_FIELD] for one in given.getlist("recipient")[:100]),
        )

    async def add(self, visit: Visit) -> Response:
        """Make one."""
        form = visit.form
        effect, subject = _word(Effect, form.get("effect", "")), _word(Subject, form.get("subject", ""))
        if effect is None or subject is None:
            raise DeskError("Say whether to allow or to block, and what: a macro, a file or a sender.")
        await self._desk.exceptions.add(
            effect,
            subject,
            form.get("what", ""),
            by=visit.person,
            why=visit.reason(),
            recipients=form.get("recipients", "").replace(",", " ").split(),
            expires=_end(form.get("days", "").strip()),
        )
        return _to_the_list()

    async def ask_remove(self, visit: Visit) -> Response:
        """The question before one is taken back."""
        entry = await self._desk.exceptions.get(str(visit.request.path_params["entry_id"]))
        require(visit.person, _act_of_removal(entry))
        return self._visits.page("exception_remove.html", visit, entry=entry)

    async def remove(self, visit: Visit) -> Response:
        """Take it back."""
        entry_id = str(visit.request.path_params["entry_id"])
        await self._desk.exceptions.remove(entry_id, by=visit.person, why=visit.reason())
        return _to_the_list()


def act_for(effect: Effect) -> Act:
    """What making one takes."""
    return Act.ALLOW if effect is Effect.ALLOW else Act.BLOCK


def may_remove(person: Person, entry: Entry) -> bool:
    """Whether to show somebody the way to take it back."""
    return person.may(_act_of_removal(entry))


def _act_of_removal(entry: Entry) -> Act:
    return Act.BLOCK if entry.effect is Effect.ALLOW else Act.ALLOW


def _word(kind: type[Word], text: str) -> Word | None:
    return kind(text) if text in list(kind) else None


def _end(days: str) -> datetime | None:
    if not days:
        return None
    if not DAYS.fullmatch(days):
        raise DeskError("How long is a number of days, up to 366.")
    return datetime.now(UTC) + timedelta(days=int(days))


def _to_the_list() -> Response:
    response = RedirectResponse("/exceptions", status_code=303)
    response.headers.update(HEADERS)
    return response
