"""Several messages by one request: release, delete, or ask for a release of each.

Contract: one after the other and with one reason (``gateway.web.each``); each has a result of its own, so the answer
is 200 although some could not be done. Whoever may do it to none of them is told so at once, and nothing is tried. The
rule of two persons is that of a single release: what nobody else has approved stays held.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from starlette.responses import Response

from gateway.closed_sets import HeldState
from gateway.message import clip
from gateway.web.api import models_several as models
from gateway.web.api.models import Reply
from gateway.web.api.operations import Call, Operation
from gateway.web.api.problems import status_of
from gateway.web.api.tokens import Scope
from gateway.web.desk import Desk, require
from gateway.web.each import MOST, Done, Replies, each
from gateway.web.pages import LONGEST_FIELD, DeskError
from gateway.web.people import Act

RESULTS = f"At most {MOST} of them; each has a result of its own. Safe to repeat: what is done already is told as 409."


class SeveralOperations:
    """What can be done with many messages at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> list[Operation]:
        """Where it is, and for whom."""
        return [
            Operation(
                "releaseSeveral",
                "POST",
                "/several/release",
                "Send several messages on to all who have not got them, as they came",
                f"Where every release takes two persons, those that are approved. {RESULTS}",
                Scope.RELEASE,
                self.release,
                models.Results,
                body=models.Several,
            ),
            Operation(
                "deleteSeveral",
                "POST",
                "/several/delete",
                "Delete the bytes of several messages",
                f"What they were, who deleted them and why stays on record. {RESULTS}",
                Scope.DELETE,
                self.delete,
                models.Results,
                body=models.Several,
            ),
            Operation(
                "requestSeveral",
                "POST",
                "/several/request",
                "Ask for the release of several messages, each to be approved by somebody else",
                f"A result has the `number` by which its request is approved. {RESULTS}",
                Scope.ASK,
                self.ask,
                models.Results,
                body=models.SeveralWished,
            ),
        ]

    async def release(self, call: Call) -> BaseModel | Response:
        """As they came."""
        require(call.person, Act.RELEASE)
        why = _why(call)
        return await self._each(
            call, lambda held_id: self._desk.release(held_id, by=call.person, why=why, recipients=None)
        )

    async def delete(self, call: Call) -> BaseModel | Response:
        """Remove their bytes."""
        require(call.person, Act.DELETE)
        why = _why(call)
        return await self._each(call, lambda held_id: self._desk.delete(held_id, by=call.person, why=why))

    async def ask(self, call: Call) -> BaseModel | Response:
        """Note it for others to decide."""
        require(call.person, Act.ASK)
        why, disarmed = _why(call), call.body.disarmed
        return await self._each(
            call,
            lambda held_id: self._desk.request_release(
                held_id, by=call.person, why=why, recipients=None, disarmed=disarmed
            ),
        )

    async def _each(self, call: Call, act: Callable[[str], Awaitable[Replies | None]]) -> models.Results:
        results = [await self._result(one) for one in await each(call.body.ids, act)]
        done = sum(result.status == 200 for result in results)
        return models.Results(done=done, failed=len(results) - done, items=tuple(results))

    async def _result(self, one: Done) -> models.Result:
        state: HeldState | None = None
        number = None
        with contextlib.suppress(DeskError):  # what was done was done, though nobody can say how it stands now
            held = await self._desk.get(one.held_id)
            asked = self._desk.request_on(held)
            state, number = held.message.state, asked.number if asked is not None else None
        return models.Result(
            id=one.held_id,
            status=200 if one.error is None else status_of(one.error),
            detail="" if one.error is None else str(one.error),
            state=state,
            number=number,
            replies=tuple(Reply(recipient=address, reply=reply) for address, reply in one.replies),
        )


def _why(call: Call) -> str:
    return clip(call.body.why, LONGEST_FIELD)
