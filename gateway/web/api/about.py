"""The gateway and the token: is all well, who am I, what answers.

Contract: changes nothing.
"""

from __future__ import annotations

from pydantic import BaseModel
from starlette.responses import Response

from gateway import __version__
from gateway.web.api import models
from gateway.web.api.operations import Call, Operation
from gateway.web.api.tokens import Scope
from gateway.web.desk import Desk


class AboutOperations:
    """What a program asks first."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> list[Operation]:
        """Where it is, and for whom."""
        return [
            Operation(
                "today",
                "GET",
                "/today",
                "Is all well?",
                "What the first page tells: what waits, the last 24 hours, why mail cannot flow if it cannot.",
                Scope.READ,
                self.today,
                models.Today,
            ),
            Operation(
                "whoAmI",
                "GET",
                "/whoami",
                "Whose token is this?",
                "And what it may do.",
                None,
                self.whoami,
                models.WhoAmI,
            ),
            Operation("version", "GET", "/version", "Which version answers?", "", None, self.version, models.Version),
        ]

    async def today(self, _call: Call) -> BaseModel | Response:
        """What the start page tells."""
        return models.Today.model_validate(await self._desk.today())

    async def whoami(self, call: Call) -> BaseModel | Response:
        """The token's own facts."""
        token = call.caller.token
        return models.WhoAmI(
            user=call.person.name,
            role=call.person.role,
            token=token.name,
            scopes=tuple(sorted(token.scopes)),
            expires=token.expires,
        )

    async def version(self, _call: Call) -> BaseModel | Response:
        """Ours."""
        return models.Version(version=__version__)
