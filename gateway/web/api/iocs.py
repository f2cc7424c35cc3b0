"""The indicators of stopped mail, for what blocks by them or looks for them.

Contract: changes nothing. The format is the one that is named, else the first one of ``Accept`` that we write, else
JSON. What was left out, and how many records could not be read, stands in the field ``NOTES`` of the answer: there is
no room for it in most of the formats.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from gateway.closed_sets import Verdict
from gateway.iocs import FORMATS, export
from gateway.iocs.gather import DEFAULT_VERDICTS, Wanted
from gateway.web.api import models_iocs as models
from gateway.web.api.operations import Call, Operation
from gateway.web.api.tokens import Scope
from gateway.web.desk import Desk, moment

NOTES = "Macrogate-Notes"
CHUNK = 1 << 16
MOST_TYPES = 20
"""Media types of one ``Accept`` that are looked at."""

BY_TYPE = {media_type.partition(";")[0]: form for form, (_, media_type, _) in reversed(list(FORMATS.items()))}
"""Of two formats of one type the first."""


class IocOperations:
    """What a blocklist is made from."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> list[Operation]:
        """Where it is, and for whom."""
        return [
            Operation(
                "exportIndicators",
                "GET",
                "/iocs",
                "Export the indicators of compromise of stopped mail",
                "Hashes of documents, and addresses and hosts in their macros; not of what was released. "
                f"`{NOTES}` tells in JSON how many there are, what was left out and why, and how many records could "
                "not be read. What is too much for one answer is 409: ask for less at a time.",
                Scope.IOCS,
                self.export,
                models.Iocs,
                query=models.Wish,
                media_types=tuple(BY_TYPE),
                refusals=(409,),
            )
        ]

    async def export(self, call: Call) -> BaseModel | Response:
        """In the format that is asked for."""
        given: models.Wish = call.query
        form = given.format or preferred(call.accept)
        wanted = Wanted(
            since=moment(given.since or ""),
            until=moment(given.until or "", after=True),
            verdicts=frozenset(map(Verdict.of, given.verdict.split(","))) if given.verdict else DEFAULT_VERDICTS,
            own=tuple(filter(None, given.own.lower().split(","))),
        )
        found = await self._desk.iocs.collect(wanted, by=call.person)
        _, media_type, ending = FORMATS[form]
        headers = {"Content-Disposition": f'attachment; filename="macrogate-iocs{ending}"', "Vary": "Accept"}
        return StreamingResponse(
            _chunks(export(form, found.indicators, datetime.now(UTC))),
            headers=headers | {NOTES: json.dumps(found.notes)},
            media_type=media_type,
        )


def preferred(accept: str) -> str:
    """The format of an ``Accept`` field (RFC 9110 §12.5.1): the heaviest we write, the first of several."""
    best, heaviest = "json", 0.0
    for words in accept.split(",")[:MOST_TYPES]:
        kind, *parameters = (word.strip().lower() for word in words.split(";"))
        weight = _weight(parameters)
        if kind in BY_TYPE and weight > heaviest:
            best, heaviest = BY_TYPE[kind], weight
    return best


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _chunks(pieces: Iterable[str]) -> Iterator[bytes]:
    """Of a size that is worth a way through the web server."""
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    yield "".join(waiting).encode()
