"""Several messages of the list at once: one question, one reason, one result for each.

Contract: GET shows and asks, POST acts, one message after the other (``each``). At most ``MOST`` at a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.web.desk import Desk, require
from gateway.web.each import MOST, Done, Replies, each
from gateway.web.pages import DeskError
from gateway.web.people import Act, Person
from gateway.web.visits import Visit, Visits

ACTS = {"release": Act.RELEASE, "delete": Act.DELETE}
DONE = {"release": "done", "delete": "deleted"}


class SeveralPages:
    """Release and deletion of what was ticked in the list."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[BaseRoute]:
        """Where they are; before those of one message, whose id this word cannot be."""
        signed, acting = self._visits.signed, self._visits.acting
        return [
            Route("/quarantine/several", signed(self.ask), methods=["GET"]),
            Route("/quarantine/several", acting(self.act), methods=["POST"]),
        ]

    async def ask(self, visit: Visit) -> Response:
        """What would be done."""
        given = visit.request.query_params
        act = _act(given.get("act", ""))
        require(visit.person, ACTS[act])
        chosen = _ids(given.getlist("shown" if given.get("all") else "id"))
        messages, gone = [], []
        for held_id in chosen:
            try:
                messages.append((await self._desk.get(held_id)).message)
            except DeskError as error:
                gone.append(str(error))
        return self._visits.page("several.html", visit, act=act, messages=messages, gone=gone)

    async def act(self, visit: Visit) -> Response:
        """Do it."""
        act, why = _act(visit.form.get("act", "")), visit.reason()
        require(visit.person, ACTS[act])
        chosen = _ids(visit.several.get("id", []))
        done = [(one.held_id, *_told(act, one)) for one in await each(chosen, self._one(act, why, visit.person))]
        failed = sum(not well for _, well, _ in done)
        return self._visits.page("results.html", visit, act=act, done=done, failed=failed)

    def _one(self, act: str, why: str, by: Person) -> Callable[[str], Awaitable[Replies | None]]:
        if act == "release":
            return lambda held_id: self._desk.release(held_id, by=by, why=why, recipients=None)
        return lambda held_id: self._desk.delete(held_id, by=by, why=why)


def _told(act: str, one: Done) -> tuple[bool, str]:
    """Whether it was done, and the words for it."""
    if one.error is not None:
        return False, str(one.error)
    return True, "; ".join(f"{address}: {reply}" for address, reply in one.replies) or DONE[act]


def _act(word: str) -> str:
    if word not in ACTS:
        raise DeskError("Nothing was chosen to be done.")
    return word


def _ids(given: Sequence[str]) -> list[str]:
    chosen = list(dict.fromkeys(given))
    if not chosen:
        raise DeskError("No message was ticked.")
    if len(chosen) > MOST:
        raise DeskError(f"{len(chosen)} messages are too many for one time; at most {MOST}.")
    return chosen
