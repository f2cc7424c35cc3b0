"""The release of one held message: what would happen, asked once more; then done.

Contract: GET shows what today's rules say and asks, POST acts, with a reason. The choice that is made before anybody
chooses is the safest one that is of use: a copy without what was found, where there can be one.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.closed_sets import Action, HeldState
from gateway.message import clip
from gateway.web.desk import Desk, require
from gateway.web.look import Outlook
from gateway.web.pages import LONGEST_FIELD, DeskError
from gateway.web.people import Act
from gateway.web.visits import Visit, Visits

SENT_ALREADY = frozenset({Action.DISARM, Action.STRIP})
"""Actions after which the recipients have got a changed copy."""


def prefers_copy(message: Any, outlook: Outlook) -> bool:
    """Whether a copy without what was found is chosen before anybody chooses."""
    return not outlook.no_copy and Action(message.action) not in SENT_ALREADY


class ReleasePages:
    """The question and the answer."""

    def __init__(self, desk: Desk, visits: Visits) -> None:
        self._desk = desk
        self._visits = visits

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        signed, acting, at = self._visits.signed, self._visits.acting, "/quarantine/{held_id:str}/release"
        return [
            Route(at, signed(self.ask), methods=["GET"]),
            Route(at, acting(self.release), methods=["POST"]),
        ]

    async def ask(self, visit: Visit) -> Response:
        """What today's rules say, what a changed copy would be, and to whom it may go."""
        require(visit.person, Act.RELEASE)
        held = await self._desk.get(visit.held_id)
        outlook = await self._desk.look.outlook(visit.held_id)
        message = held.message
        return self._visits.page(
            "release.html",
            visit,
            held=held,
            message=message,
            outlook=outlook,
            disarmed=prefers_copy(message, outlook),
            twin=message.duplicate_of or message.state != HeldState.HELD,
        )

    async def release(self, visit: Visit) -> Response:
        """Send it on."""
        form, why = visit.form, visit.reason()
        other = clip(form.get("other", "").strip(), LONGEST_FIELD)
        chosen = visit.several.get("recipient", [])
        if not chosen and not other:
            raise DeskError("Nobody was chosen to get the message.")
        if chosen and other:
            raise DeskError("Choose recipients of the message or another address, not both at once.")
        disarmed = form.get("what", "") != "original"  # whoever says nothing gets the safe one
        replies = await self._desk.release(
            visit.held_id,
            by=visit.person,
            why=why,
            recipients=None if other else chosen,
            to=[other] if other else [],
            disarmed=disarmed,
            again=form.get("again", "") == "yes",
            known=form.get("verdict", ""),
        )
        title = "A disarmed copy was sent" if disarmed else "A copy was sent" if other else "Released"
        return self._visits.page("done.html", visit, title=title, held_id=visit.held_id, replies=replies)
