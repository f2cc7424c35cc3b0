"""One held message: everything about it, its release and its deletion.

Contract: GET shows and asks, POST acts, with a reason.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.web.desk import Desk, require
from gateway.web.pages import DeskError
from gateway.web.people import Act
from gateway.web.visits import Visit, Visits


class HeldPages:
    """The pages of one message."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        signed, acting, of = self._visits.signed, self._visits.acting, "/quarantine/{held_id:str}"
        return [
            Route(of, signed(self.one)),
            Route(f"{of}/release", signed(self.ask_release), methods=["GET"]),
            Route(f"{of}/release", acting(self.release), methods=["POST"]),
            Route(f"{of}/delete", signed(self.ask_delete), methods=["GET"]),
            Route(f"{of}/delete", acting(self.delete), methods=["POST"]),
        ]

    async def one(self, visit: Visit) -> Response:
        """Everything about one message."""
        held = await self._desk.get(visit.held_id)
        return self._visits.page("message.html", visit, held=held, message=held.message, record=held.record)

    async def ask_release(self, visit: Visit) -> Response:
        """The question before a release."""
        return await self._ask(visit, "release.html", Act.RELEASE)

    async def ask_delete(self, visit: Visit) -> Response:
        """The question before a deletion."""
        return await self._ask(visit, "delete.html", Act.DELETE)

    async def _ask(self, visit: Visit, template: str, act: Act) -> Response:
        require(visit.person, act)
        held = await self._desk.get(visit.held_id)
        return self._visits.page(template, visit, held=held, message=held.message)

    async def release(self, visit: Visit) -> Response:
        """Send it on."""
        held_id, why = visit.held_id, visit.reason()
        chosen = visit.several.get("recipient", [])
        if not chosen:
            raise DeskError("Nobody was chosen to get the message.")
        replies = await self._desk.release(held_id, by=visit.person, why=why, recipients=chosen)
        return self._visits.page("done.html", visit, title="Released", held_id=held_id, replies=replies)

    async def delete(self, visit: Visit) -> Response:
        """Remove its bytes."""
        held_id = visit.held_id
        await self._desk.delete(held_id, by=visit.person, why=visit.reason())
        return self._visits.page("done.html", visit, title="Deleted", held_id=held_id, replies=())
