"""The start page and the list of what is held.

Contract: GET only; changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.message import HeldState, Verdict
from gateway.web import shown
from gateway.web.desk import PAGE, PLACE, Desk, Query, place
from gateway.web.pages import LONGEST_FIELD
from gateway.web.visits import Visit, Visits


class ListPages:
    """The pages one begins with."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        signed = self._visits.signed
        return [Route("/", signed(self.start)), Route("/quarantine", signed(self.listing))]

    async def start(self, visit: Visit) -> Response:
        """Is all well?"""
        today = await self._desk.today()
        newest = await self._desk.find(Query(limit=8))
        plot = shown.bars(list(today["hours"]), list(today["labels"]))
        return self._visits.page("start.html", visit, today=today, newest=newest, plot=plot)

    async def listing(self, visit: Visit) -> Response:
        """What is held, newest first."""
        query = _query(visit.request.query_params)
        found = await self._desk.find(replace(query, limit=PAGE + 1))
        more = len(found) > PAGE
        page = found[-PAGE:] if query.newer else found[:PAGE]
        links = {
            "newer": place(page[0]) if page and (query.older or (query.newer and more)) else "",
            "older": place(page[-1]) if page and (query.newer or more) else "",
        }
        return self._visits.page("list.html", visit, query=query, found=page, links=links)


def _query(given: Mapping[str, str]) -> Query:
    """The list somebody asked for; words that mean nothing are taken for none."""
    state, verdict = given.get("state", ""), given.get("verdict", "")
    older, newer = given.get("older", ""), given.get("newer", "")
    return Query(
        state=state if state in {"all", *HeldState} else "",
        verdict=verdict if verdict in {known.label for known in Verdict} else "",
        sender=given.get("sender", "").strip()[:LONGEST_FIELD],
        recipient=given.get("recipient", "").strip()[:LONGEST_FIELD],
        subject=given.get("subject", "").strip()[:LONGEST_FIELD],
        older=older if PLACE.fullmatch(older) else "",
        newer=newer if PLACE.fullmatch(newer) and not older else "",
    )
