"""The list of what is held, as a page and as a table for other programs.

Contract: GET only; changes nothing. A browser that asks again (``HX-Request``) gets the part that may have changed, or
204 when nothing has since the ``seen`` it names.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from gateway.closed_sets import HeldState, Verdict
from gateway.spreadsheet import line
from gateway.web.desk import DIGEST, FINGERPRINT, PAGE, PLACE, Desk, Query, place
from gateway.web.pages import HEADERS, LONGEST_FIELD, DeskError
from gateway.web.visits import Visit, Visits

COUNTED = 1000
"""Messages that are counted; beyond, it is "more than"."""
EXPORTED = 10_000
"""Rows of one export."""
BATCH = 500

COLUMNS = (
    "kept_at",
    "id",
    "state",
    "verdict",
    "sender",
    "from_header",
    "to",
    "subject",
    "why",
    "rule",
    "size",
    "sha256",
)


class ListPages:
    """The list."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        signed = self._visits.signed
        return [
            Route("/quarantine", signed(self.listing)),
            Route("/quarantine.csv", signed(self.export)),
        ]

    async def listing(self, visit: Visit) -> Response:
        """What is held, newest first."""
        query = _query(visit.request.query_params)
        seen = (
            f"{await self._desk.revision()}-{datetime.now(UTC):%H%M}"  # a minute on, "5 min ago" is not true any more
        )
        if visit.asks_again and visit.request.query_params.get("seen") == seen:
            return Response(status_code=204, headers=HEADERS)
        found = await self._desk.find(replace(query, limit=PAGE + 1))
        more = len(found) > PAGE
        page = found[-PAGE:] if query.newer else found[:PAGE]
        links = {
            "newer": place(page[0]) if page and (query.older or (query.newer and more)) else "",
            "older": place(page[-1]) if page and (query.newer or more) else "",
        }
        count = await self._desk.count(replace(query, limit=COUNTED + 1, older="", newer=""))
        facts: dict[str, Any] = {
            "query": query,
            "found": page,
            "links": links,
            "seen": seen,
            "told": sentence(query, count),
            "two_person": self._desk.two_person,
        }
        return self._visits.page("listed.html" if visit.asks_again else "list.html", visit, **facts)

    async def export(self, visit: Visit) -> Response:
        """The list as CSV, as far as ``EXPORTED``."""
        query = replace(_query(visit.request.query_params), older="", newer="", limit=BATCH)
        first = await self._desk.find(query)
        headers = HEADERS | {"Content-Disposition": 'attachment; filename="quarantine.csv"'}
        return StreamingResponse(self._rows(query, first), media_type="text/csv; charset=utf-8", headers=headers)

    async def _rows(self, query: Query, found: Sequence[Any]) -> AsyncIterator[str]:
        yield line(COLUMNS)
        told = 0
        while found and told < EXPORTED:
            yield "".join(line(_cells(message)) for message in found)
            told += len(found)
            try:
                found = await self._desk.find(replace(query, older=place(found[-1])))
            except DeskError as error:
                yield line([f"Incomplete: {error}"])
                return
        if found:
            yield line([f"Incomplete: more than {EXPORTED:,} messages fit; narrow the search down"])


def _cells(message: Any) -> list[str]:
    to = " ".join(recipient.address for recipient in message.recipients)
    whole = {"kept_at": message.kept_at.isoformat(timespec="seconds"), "to": to}
    return [whole[name] if name in whole else str(getattr(message, name)) for name in COLUMNS]


def sentence(query: Query, count: int) -> str:
    """What is shown, in plain words: ``12 waiting messages with the macro 0f0f0f0f since 2026-11-01``."""
    number = f"More than {COUNTED:,}" if count > COUNTED else f"{count:,}" if count else "No"
    kind = {"": "waiting ", "all": ""}.get(query.state, f"{query.state} ")
    parts = [
        ("found to be", query.verdict),
        ("from", query.sender and f"“{query.sender}”"),
        ("to", query.recipient and f"“{query.recipient}”"),
        ("about", query.subject and f"“{query.subject}”"),
        ("with", query.text and f"“{query.text}”"),
        ("with the macro", query.campaign[:16]),
        ("with the file", query.file[:16]),
        ("since", query.since),
        ("until", query.until),
    ]
    told = "".join(f" {word} {value}" for word, value in parts if value)
    return f"{number} {kind}message{'' if count == 1 else 's'}{told}."


def _query(given: Mapping[str, str]) -> Query:
    """The list somebody asked for; words that mean nothing are taken for none."""
    state, verdict = given.get("state", ""), given.get("verdict", "")
    older, newer, campaign = given.get("older", ""), given.get("newer", ""), given.get("campaign", "")

    def text(name: str) -> str:
        return given.get(name, "").strip()[:LONGEST_FIELD]

    return Query(
        state=state if state in {"all", *HeldState} else "",
        verdict=verdict if verdict in {known.label for known in Verdict} else "",
        older=older if PLACE.fullmatch(older) else "",
        newer=newer if PLACE.fullmatch(newer) and not older else "",
        since=_day(given.get("since", "")),
        until=_day(given.get("until", "")),
        file=given.get("file", "") if DIGEST.fullmatch(given.get("file", "")) else "",
        campaign=campaign if FINGERPRINT.fullmatch(campaign) else "",
        sender=text("sender"),
        recipient=text("recipient"),
        subject=text("subject"),
        text=text("text"),
    )


def _day(text: str) -> str:
    """A day as forms send it; "" for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return ""
    return day.isoformat() if 1970 <= day.year < 9999 else ""
