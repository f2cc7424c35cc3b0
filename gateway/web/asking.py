"""Releases that somebody asks for: the list of them, the question, and the answer.

Contract: GET shows and asks, POST acts. An answer carries the number of the request that was on the page, so a request
that has changed since is not answered by it; who may answer is the desk's to say.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.message import clip
from gateway.web.desk import Desk, require
from gateway.web.look import Outlook
from gateway.web.pages import LONGEST_FIELD, DeskError
from gateway.web.people import Act
from gateway.web.releasing import prefers_copy
from gateway.web.visits import Visit, Visits


class AskingPages:
    """The pages about requests."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        signed, acting, of = self._visits.signed, self._visits.acting, "/quarantine/{held_id:str}"
        return [
            Route("/requests", signed(self.listing)),
            Route(f"{of}/ask", signed(self.question), methods=["GET"]),
            Route(f"{of}/ask", acting(self.ask), methods=["POST"]),
            Route(f"{of}/request", signed(self.one), methods=["GET"]),
            Route(f"{of}/request", acting(self.answer), methods=["POST"]),
        ]

    async def listing(self, visit: Visit) -> Response:
        """Who waits, and for what."""
        found = [(held, self._desk.request_on(held)) for held in await self._desk.requests()]
        return self._visits.page("requests.html", visit, found=found)

    async def question(self, visit: Visit) -> Response:
        """What, to whom, and why? With what today's rules say of it, for who asks has to answer for it."""
        require(visit.person, Act.ASK)
        held = await self._desk.get(visit.held_id)
        outlook = await self._desk.look.outlook(visit.held_id)
        return self._visits.page(
            *("ask.html", visit),
            held=held,
            message=held.message,
            outlook=outlook,
            disarmed=prefers_copy(held.message, outlook),
            two_person=self._desk.two_person,
        )

    async def ask(self, visit: Visit) -> Response:
        """Note it for others to decide."""
        why, chosen = visit.reason(), visit.several.get("recipient", [])
        other = clip(visit.form.get("other", "").strip(), LONGEST_FIELD)
        if bool(chosen) == bool(other):
            raise DeskError("Choose recipients of the message, or another address instead of them.")
        await self._desk.request_release(
            visit.held_id,
            by=visit.person,
            why=why,
            recipients=None if other else chosen,
            to=[other] if other else [],
            disarmed=visit.form.get("what", "") != "original",  # whoever says nothing gets the safe one
        )
        return self._visits.page("done.html", visit, title="Asked for", held_id=visit.held_id, replies=())

    async def one(self, visit: Visit) -> Response:
        """The request, for whoever decides."""
        held = await self._desk.get(visit.held_id)
        asked = self._desk.request_on(held)
        return self._visits.page(
            *("decide.html", visit),
            held=held,
            message=held.message,
            asked=asked,
            outlook=await self._outlook(visit.held_id) if asked and visit.person.may(Act.DECIDE) else None,
            mine=asked is not None and self._desk.is_mine(asked, visit.person),
            recipients_wait=self._desk.recipients_wait(held),
            two_person=self._desk.two_person,
        )

    async def _outlook(self, held_id: str) -> Outlook:
        """What today's rules say; whoever decides can still refuse where nobody can look into it."""
        try:
            return await self._desk.look.outlook(held_id)
        except DeskError as error:
            return Outlook(trouble=str(error), no_copy=str(error))

    async def answer(self, visit: Visit) -> Response:
        """Approve and send, send again, refuse, or take back."""
        held_id, by, number = visit.held_id, visit.person, _number(visit.form.get("number", ""))
        why, known = clip(visit.form.get("why", "").strip(), LONGEST_FIELD), visit.form.get("verdict", "")
        match visit.form.get("answer", ""):
            case "approve":
                replies = await self._desk.approve(held_id, number, by=by, why=visit.reason(), known=known)
                return self._done(visit, "Approved and released", replies)
            case "send":
                replies = await self._desk.send_approved(held_id, number, by=by, known=known)
                return self._done(visit, "Released", replies)
            case "refuse":
                await self._desk.turn_down(held_id, number, by=by, why=why)
                return self._done(visit, "Refused")
            case "take-back":
                await self._desk.take_back(held_id, number, by=by)
                return self._done(visit, "Taken back")
        raise DeskError("Nothing was chosen to do with the request.")

    def _done(self, visit: Visit, title: str, replies: object = ()) -> Response:
        return self._visits.page("done.html", visit, title=title, held_id=visit.held_id, replies=replies)


def _number(text: str) -> int:
    """Which request; what is no number is none's."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
