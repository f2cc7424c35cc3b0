"""Releases that take two persons: ask for one, see who waits, approve, refuse, take back.

Contract: each handler is called once its checks are passed; who may do what is the desk's to say, which compares
accounts: a token is its owner, so nobody approves by a token what they asked for on the pages. An answer carries the
number of the request it is about, so a request that has changed since is not answered by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from gateway.message import clip
from gateway.web.api import models
from gateway.web.api.held import ONE
from gateway.web.api.operations import Call, Operation
from gateway.web.api.tokens import Scope
from gateway.web.desk import Desk
from gateway.web.pages import LONGEST_FIELD, DeskError


class AskingOperations:
    """What can be done with requests."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> list[Operation]:
        """Where it is, and for whom."""
        return [
            Operation(
                "listRequests",
                "GET",
                "/requests",
                "List the requests that wait for a decision, longest first",
                "At most a hundred messages; requests of our people, and of recipients by the link in a notice.",
                Scope.READ,
                self.find,
                models.Requests,
            ),
            Operation(
                "showRequest",
                "GET",
                f"{ONE}/request",
                "Show who waits for a release of a message",
                "Also what was approved and has not reached everybody.",
                Scope.READ,
                self.get,
                models.Request,
                refusals=(404,),
            ),
            Operation(
                "requestRelease",
                "POST",
                f"{ONE}/request",
                "Ask for a release that somebody else approves",
                "One request is open for a message at a time: a second one is 409. It ends after 24 hours.",
                Scope.ASK,
                self.ask,
                models.Request,
                body=models.Wish,
                refusals=(404, 409),
            ),
            Operation(
                "approveRequest",
                "POST",
                f"{ONE}/approve",
                "Approve a request and send just what it asks for",
                "Where every release takes two persons, not by a token of whoever asks. Safe to repeat: what was "
                "approved is 409.",
                Scope.APPROVE,
                self.approve,
                models.Outcome,
                body=models.Answer,
                refusals=(404, 409, 502),
            ),
            Operation(
                "sendApproved",
                "POST",
                f"{ONE}/send",
                "Send what was approved to those who have not got it",
                "After a 502: it was approved, and the next hop did not take every copy.",
                Scope.APPROVE,
                self.send,
                models.Outcome,
                body=models.Numbered,
                refusals=(404, 409, 502),
            ),
            Operation(
                "refuseRequest",
                "POST",
                f"{ONE}/refuse",
                "Say no to a request",
                "With the number 0 to those that recipients made by their links. The message stays held.",
                Scope.APPROVE,
                self.refuse,
                models.Outcome,
                body=models.Refusal,
                refusals=(404, 409),
            ),
            Operation(
                "takeBackRequest",
                "POST",
                f"{ONE}/take-back",
                "Take back a request of one's own",
                "Whoever asked does not want it any more. The message stays held.",
                Scope.ASK,
                self.take_back,
                models.Outcome,
                body=models.Numbered,
                refusals=(404, 409),
            ),
        ]

    async def find(self, _call: Call) -> BaseModel | Response:
        """Who waits, and for what."""
        return models.Requests(items=tuple(self._told(held) for held in await self._desk.requests()))

    async def get(self, call: Call) -> BaseModel | Response:
        """What is open on one message."""
        return self._told(await self._desk.get(call.held_id))

    async def ask(self, call: Call) -> BaseModel | Response:
        """Note it for others to decide."""
        wish: models.Wish = call.body
        if wish.recipients and wish.to:
            raise DeskError("recipients picks from the message's own recipients, to names others: give one of them.")
        await self._desk.request_release(
            call.held_id,
            by=call.person,
            why=clip(wish.why, LONGEST_FIELD),
            recipients=wish.recipients,
            to=wish.to or (),
            disarmed=wish.disarmed,
        )
        return self._told(await self._desk.get(call.held_id))

    async def approve(self, call: Call) -> BaseModel | Response:
        """Approve and send."""
        given: models.Answer = call.body
        why = clip(given.why, LONGEST_FIELD)
        return await self._done(call, await self._desk.approve(call.held_id, given.number, by=call.person, why=why))

    async def send(self, call: Call) -> BaseModel | Response:
        """Once more."""
        given: models.Numbered = call.body
        return await self._done(call, await self._desk.send_approved(call.held_id, given.number, by=call.person))

    async def refuse(self, call: Call) -> BaseModel | Response:
        """Say no."""
        given: models.Refusal = call.body
        why = clip(given.why, LONGEST_FIELD)
        await self._desk.turn_down(call.held_id, given.number, by=call.person, why=why)
        return await self._done(call)

    async def take_back(self, call: Call) -> BaseModel | Response:
        """One's own."""
        given: models.Numbered = call.body
        await self._desk.take_back(call.held_id, given.number, by=call.person)
        return await self._done(call)

    def _told(self, held: Any) -> models.Request:
        asked = self._desk.request_on(held)
        return models.Request(
            message=models.Message.model_validate(held.message),
            request=None if asked is None else models.Asked.model_validate(asked),
            recipients_wait=self._desk.recipients_wait(held),
        )

    async def _done(self, call: Call, replies: Sequence[tuple[str, str]] = ()) -> models.Outcome:
        held = await self._desk.get(call.held_id)
        return models.outcome(held.message, replies)
