"""Held messages: list, look, release, delete.

Contract: each handler is called once its checks are passed; who may do what is the desk's to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse

from gateway.closed_sets import HeldState
from gateway.message import clip
from gateway.web.api import models
from gateway.web.api.operations import Call, Operation
from gateway.web.api.tokens import Scope
from gateway.web.desk import Desk, NotHeld, Query, place, require
from gateway.web.pages import LONGEST_FIELD, DeskError
from gateway.web.parcel import PASSWORD
from gateway.web.people import Act

CHUNK = 256 * 1024
BYTES = "application/octet-stream"
COUNTED = 1000

ONE = "/messages/{held_id}"


class HeldOperations:
    """What can be done with held messages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def table(self) -> list[Operation]:
        """Where it is, and for whom."""
        return [
            Operation(
                "listMessages",
                "GET",
                "/messages",
                "List held messages, newest first",
                "Texts match anywhere and in any case. Follow `older` to read on.",
                Scope.READ,
                self.find,
                models.Page,
                query=models.Search,
            ),
            Operation(
                "countMessages",
                "GET",
                "/messages/count",
                "Count held messages",
                f"Those that `listMessages` lists. Counted up to {COUNTED}: `more` says that there are more.",
                Scope.READ,
                self.count,
                models.Count,
                query=models.Fitting,
            ),
            Operation(
                "showMessage",
                "GET",
                ONE,
                "Show everything about a message",
                "The first digits of an id are enough where only one message begins with them.",
                Scope.READ,
                self.get,
                models.Details,
                refusals=(404,),
            ),
            Operation(
                "downloadMessage",
                "GET",
                f"{ONE}/raw",
                "Download a message as it was received",
                "It is what attackers sent, and as dangerous as it was: never open it on a desktop. The history says "
                "who took it.",
                Scope.DOWNLOAD,
                self.raw,
                None,
                query=models.Raw,
                media_types=(BYTES,),
                refusals=(404, 409),
            ),
            Operation(
                "downloadParcel",
                "POST",
                f"{ONE}/download",
                "Download a message or a part of it in an encrypted zip",
                f"WinZip AES-256 with the password `{PASSWORD}`, so that no program on the way opens it or takes it "
                "away. The history says who took what, and why.",
                Scope.DOWNLOAD,
                self.download,
                None,
                body=models.Parcel,
                media_types=(BYTES,),
                refusals=(404, 409),
            ),
            Operation(
                "releaseMessage",
                "POST",
                f"{ONE}/release",
                "Send a message on to its recipients",
                "As it came, or `disarmed`. Safe to repeat without `again` and `to`: what was released is 409.",
                Scope.RELEASE,
                self.release,
                models.Outcome,
                body=models.Release,
                refusals=(404, 409, 502),
            ),
            Operation(
                "deleteMessage",
                "POST",
                f"{ONE}/delete",
                "Delete the bytes of a message",
                "What it was, who deleted it and why stays on record. Safe to repeat: what is deleted already is 409.",
                Scope.DELETE,
                self.delete,
                models.Outcome,
                body=models.Reason,
                refusals=(404, 409),
            ),
        ]

    async def find(self, call: Call) -> BaseModel | Response:
        """One page of the list, and where the pages beside it begin."""
        given: models.Search = call.query
        going_up = given.newer is not None and given.older is None
        wanted = replace(
            query_of(given),
            older=given.older or "",
            newer=given.newer or "" if going_up else "",
            limit=given.limit + 1,
        )
        found = await self._desk.find(wanted)
        more = len(found) > given.limit
        page = found[-given.limit :] if going_up else found[: given.limit]
        return models.Page(
            items=tuple(models.Message.model_validate(message) for message in page),
            older=place(page[-1]) if page and (going_up or more) else None,
            newer=place(page[0]) if page and (given.older or (going_up and more)) else None,
        )

    async def count(self, call: Call) -> BaseModel | Response:
        """How many there are."""
        counted = await self._desk.count(replace(query_of(call.query), limit=COUNTED + 1))
        return models.Count(count=min(counted, COUNTED), more=counted > COUNTED)

    async def get(self, call: Call) -> BaseModel | Response:
        """Everything but the bytes."""
        held = await self._desk.get(await self._desk.resolve(call.held_id))
        line = models.Message.model_validate(held.message)
        details: BaseModel = models.Details(
            **dict(line),
            record=models.Record.model_validate(held.record),
            history=tuple(models.Entry.model_validate(entry) for entry in held.journal.entries),
            history_intact=held.trusted,
        )
        return details

    async def download(self, call: Call) -> BaseModel | Response:
        """The zip."""
        given: models.Parcel = call.body
        if given.part and given.part not in _parts(await self._desk.get(call.held_id)):
            raise NotHeld(f"It has no part {clip(given.part, 300)}; the record says what there is, by `where`.")
        why = clip(given.why, LONGEST_FIELD)
        file = await self._desk.look.download(call.held_id, by=call.person, why=why, where=given.part)
        about = {"Content-Disposition": f'attachment; filename="{file.name}"', "Content-Length": str(file.size)}
        return StreamingResponse(file.chunks, headers=about, media_type=BYTES)

    async def raw(self, call: Call) -> BaseModel | Response:
        """The bytes, in pieces. Who asks for the header only takes nothing, so nothing is noted."""
        headers = {"Content-Disposition": f'attachment; filename="{call.held_id}.eml"'}
        if call.head:
            require(call.person, Act.DOWNLOAD)
            message = (await self._desk.get(call.held_id)).message
            if not message.stored:
                raise DeskError(f"The bytes of {call.held_id} are gone: it is {message.state}.")
            return Response(headers=headers | {"Content-Length": str(message.size)}, media_type=BYTES)
        why = clip(call.query.why, LONGEST_FIELD)
        file = await self._desk.open_message(call.held_id, by=call.person, why=why)
        return StreamingResponse(_pieces(file), headers=headers, media_type=BYTES)

    async def release(self, call: Call) -> BaseModel | Response:
        """To all its recipients, some, or others."""
        wish: models.Release = call.body
        if wish.recipients and wish.to:
            raise DeskError("recipients picks from the message's own recipients, to names others: give one of them.")
        replies = await self._desk.release(
            call.held_id,
            by=call.person,
            why=clip(wish.why, LONGEST_FIELD),
            recipients=wish.recipients,
            to=wish.to or (),
            disarmed=wish.disarmed,
            again=wish.again,
        )
        return models.outcome((await self._desk.get(call.held_id)).message, replies)

    async def delete(self, call: Call) -> BaseModel | Response:
        """Remove its bytes."""
        await self._desk.delete(call.held_id, by=call.person, why=clip(call.body.why, LONGEST_FIELD))
        return models.Outcome(id=call.held_id, state=HeldState.DELETED)


def query_of(given: models.Fitting) -> Query:
    """The list somebody asks for, from its beginning."""
    return Query(
        state="" if given.state == "waiting" else given.state,
        verdict=given.verdict or "",
        sender=given.sender,
        recipient=given.recipient,
        subject=given.subject,
        text=given.text,
        since=given.since or "",
        until=given.until or "",
        campaign=given.campaign or "",
        file=given.file or "",
    )


def _parts(held: Any) -> set[str]:
    """What the record names."""
    report = held.record.report
    return {part.where for part in report.parts} | {finding.where for finding in report.findings}


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
