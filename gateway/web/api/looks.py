"""One held message looked into: text, header, code of its macros, what today's rules say, others like it, history.

Contract: changes nothing, and notes nothing. What has to be read of the bytes is read in the jail, as for the pages,
and is bounded there; at most ``TURNS`` such questions are at work at a time, so that no program takes the workers away
from the mail that flows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from gateway.web.api import models, models_looks
from gateway.web.api.held import ONE
from gateway.web.api.operations import Call, Operation
from gateway.web.api.tokens import Scope
from gateway.web.desk import Desk, Failed, require
from gateway.web.people import Act

TURNS = 2
WAIT_SECONDS = 20.0


class LookOperations:
    """What can be seen of a message beyond its record."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turns = asyncio.Semaphore(TURNS)

    def table(self) -> list[Operation]:
        """Where it is, and for whom."""
        return [
            Operation(
                "readMessage",
                "GET",
                f"{ONE}/text",
                "Read the header and the text of a message, with its links",
                "Printable and cut to a bounded length; nothing in it is fetched.",
                Scope.READ,
                self.read,
                models_looks.Reading,
                refusals=(404, 409),
            ),
            Operation(
                "showSource",
                "GET",
                f"{ONE}/source",
                "Show the code of the macros and scripts in a message",
                "All of it as far as the scan reads it; `cut` says that there is more.",
                Scope.READ,
                self.source,
                models_looks.Sources,
                refusals=(404, 409),
            ),
            Operation(
                "showOutlook",
                "GET",
                f"{ONE}/outlook",
                "Scan a message once more, with the rules of today",
                "What a release would be judged by, and what a copy without its macros would be. Nothing is sent.",
                Scope.RELEASE,
                self.outlook,
                models_looks.Outlook,
                refusals=(404, 409),
            ),
            Operation(
                "listSimilar",
                "GET",
                f"{ONE}/similar",
                "List messages like this one, newest first",
                "With the same macro in whatever file, the same file, or the same sender; a few of them.",
                Scope.READ,
                self.similar,
                models_looks.AllSimilar,
                refusals=(404,),
            ),
            Operation(
                "showHistory",
                "GET",
                f"{ONE}/history",
                "Show what was done with a message, by whom, when and why",
                "All of it, the arrival first.",
                Scope.READ,
                self.history,
                models.History,
                refusals=(404,),
            ),
        ]

    async def read(self, call: Call) -> BaseModel | Response:
        """Header and texts."""
        async with self._turn():
            reading = await self._desk.look.read(call.held_id)
        return _model(models_looks.Reading, reading)

    async def source(self, call: Call) -> BaseModel | Response:
        """Of all macros and scripts."""
        async with self._turn():
            sources = await self._desk.look.sources(call.held_id)
        return models_looks.Sources(items=tuple(models_looks.Source.model_validate(one) for one in sources))

    async def outlook(self, call: Call) -> BaseModel | Response:
        """For whoever may release it."""
        require(call.person, Act.RELEASE)
        async with self._turn():
            outlook = await self._desk.look.outlook(call.held_id)
        return _model(models_looks.Outlook, outlook)

    async def similar(self, call: Call) -> BaseModel | Response:
        """The others."""
        found = await self._desk.look.similar(call.held_id)
        return models_looks.AllSimilar(items=tuple(models_looks.Similar.model_validate(one) for one in found))

    async def history(self, call: Call) -> BaseModel | Response:
        """The journal."""
        held = await self._desk.get(call.held_id)
        entries = tuple(models.Entry.model_validate(entry) for entry in held.journal.entries)
        return models.History(history=entries, history_intact=held.trusted)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError as error:
            raise Failed("Too many messages are being looked into at this moment; try again.") from error
        try:
            yield
        finally:
            self._turns.release()


def _model(kind: Any, told: Any) -> BaseModel:
    model: BaseModel = kind.model_validate(told)
    return model
