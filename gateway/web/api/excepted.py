"""Exceptions to the rules: what is allowed and blocked, make one, take one back.

Contract: each handler is called once its checks are passed; who may do what is the desk's to say.
"""

from __future__ import annotations

from pydantic import BaseModel
from starlette.responses import Response

from gateway.web.api import models
from gateway.web.api.operations import Call, Operation
from gateway.web.api.tokens import Scope
from gateway.web.desk import Desk


class ExceptionOperations:
    """What can be done with exceptions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> list[Operation]:
        """Where it is, and for whom."""
        return [
            Operation(
                "listExceptions",
                "GET",
                "/exceptions",
                "List what is allowed and blocked, newest first",
                "With `ended` what has ended within a year as well.",
                Scope.READ,
                self.find,
                models.Exceptions,
                query=models.ExceptionSearch,
            ),
            Operation(
                "addException",
                "POST",
                "/exceptions",
                "Allow or block a macro, a file or a sender",
                "In force within a second. What is allowed ends after 30 days unless it says otherwise.",
                Scope.EXCEPTIONS,
                self.add,
                models.Exception_,
                body=models.NewException,
                refusals=(409,),
            ),
            Operation(
                "showException",
                "GET",
                "/exceptions/{entry_id}",
                "Show one exception, in force or not",
                "",
                Scope.READ,
                self.get,
                models.Exception_,
                refusals=(404,),
            ),
            Operation(
                "removeException",
                "POST",
                "/exceptions/{entry_id}/remove",
                "Take an exception back",
                "It stays on record. Safe to repeat: what has ended is 404.",
                Scope.EXCEPTIONS,
                self.remove,
                models.Exception_,
                body=models.Reason,
                refusals=(404, 409),
            ),
        ]

    async def find(self, call: Call) -> BaseModel | Response:
        """What is in force, or has been."""
        found = await self._desk.exceptions.find(all=call.query.ended)
        return models.Exceptions(items=tuple(models.Exception_.model_validate(entry) for entry in found))

    async def get(self, call: Call) -> BaseModel | Response:
        """One, as the list has it."""
        return models.Exception_.model_validate(await self._desk.exceptions.get(call.entry_id))

    async def add(self, call: Call) -> BaseModel | Response:
        """Make one."""
        wish: models.NewException = call.body
        entry = await self._desk.exceptions.add(
            wish.effect,
            wish.subject,
            wish.what,
            by=call.person,
            why=wish.why,
            recipients=wish.recipients,
            expires=wish.expires,
        )
        return models.Exception_.model_validate(entry)

    async def remove(self, call: Call) -> BaseModel | Response:
        """Take it back."""
        entry = await self._desk.exceptions.remove(call.entry_id, by=call.person, why=call.body.why)
        return models.Exception_.model_validate(entry)
