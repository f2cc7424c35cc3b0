"""The start page: is all well, and if not, what is to be done.

Contract: GET only; changes nothing. A browser that asks again gets the part that may have changed, or 204 when a person
would see nothing new since the ``seen`` it names. When the quarantine does not answer the page says so and shows the
rest.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.web import runbooks
from gateway.web.desk import Desk, Query
from gateway.web.pages import HEADERS, DeskError
from gateway.web.plots import plot
from gateway.web.today import Today
from gateway.web.visits import Visit, Visits

NEWEST = 8
"""Messages on the start page."""


class StartPages:
    """Where one begins."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        signed = self._visits.signed
        return [Route("/", signed(self.start)), Route("/runbooks/{name}", signed(self.runbook))]

    async def start(self, visit: Visit) -> Response:
        """Is all well?"""
        today = await self._desk.today()
        newest, unknown = await self._newest()
        seen = _seen(today, newest, unknown, visit.waiting)
        if visit.asks_again and visit.request.query_params.get("seen") == seen:
            return Response(status_code=204, headers=HEADERS)
        facts: dict[str, Any] = {
            "today": today,
            "newest": newest,
            "unknown": unknown,
            "seen": seen,
            "plots": [plot(name, counts, today.labels) for name, counts in today.counts],
        }
        return self._visits.page("today.html" if visit.asks_again else "start.html", visit, **facts)

    async def runbook(self, visit: Visit) -> Response:
        """What to do about one trouble."""
        blocks = await asyncio.to_thread(runbooks.read, str(visit.request.path_params["name"]))
        return self._visits.page("runbook.html", visit, blocks=blocks)

    async def _newest(self) -> tuple[Sequence[Any], str]:
        try:
            return await self._desk.find(Query(limit=NEWEST)), ""
        except DeskError as error:
            return (), str(error)


def _seen(today: Today, newest: Sequence[Any], unknown: str, waiting: int) -> str:
    """Another word when anything on the page is another; a minute on, "5 min ago" is not true any more."""
    shown = [(message.id, message.state, message.note) for message in newest]
    facts = (today, shown, unknown, waiting, f"{datetime.now(UTC):%d%H%M}")
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
