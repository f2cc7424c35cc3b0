"""One held message: everything about it, its download and its deletion.

Contract: GET shows and asks, POST acts, with a reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from gateway.message import clip
from gateway.readable import Reading
from gateway.web.desk import Desk, require
from gateway.web.look import Similar
from gateway.web.pages import HEADERS, LONGEST_FIELD, DeskError
from gateway.web.parcel import PASSWORD
from gateway.web.people import Act
from gateway.web.tree import tree
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
            Route(f"{of}/source", signed(self.source)),
            Route(f"{of}/download", signed(self.ask_download), methods=["GET"]),
            Route(f"{of}/download", acting(self.download), methods=["POST"]),
            Route(f"{of}/delete", signed(self.ask_delete), methods=["GET"]),
            Route(f"{of}/delete", acting(self.delete), methods=["POST"]),
        ]

    async def one(self, visit: Visit) -> Response:
        """Everything about one message. What cannot be read now is told, and keeps nothing else from being shown."""
        held = await self._desk.get(visit.held_id)
        reading, similar = await asyncio.gather(self._reading(held), self._similar(visit.held_id))
        nodes = tree(held.record.report.findings, held.record.report.parts)
        return self._show(
            "message.html", visit, held, reading=reading, similar=similar, nodes=nodes, **self._asking(held)
        )

    def _asking(self, held: Any) -> dict[str, Any]:
        return {"asked": self._desk.request_on(held), "two_person": self._desk.two_person}

    async def _reading(self, held: Any) -> Reading | None:
        if not held.message.stored:
            return None
        try:
            return await self._desk.look.read(held.message.id)
        except DeskError as error:
            return Reading(trouble=clip(str(error), 500))

    async def _similar(self, held_id: str) -> Sequence[Similar]:
        try:
            return await self._desk.look.similar(held_id)
        except DeskError:
            return ()  # of no matter for what is to be decided here

    async def source(self, visit: Visit) -> Response:
        """The whole code of its macros and scripts."""
        held = await self._desk.get(visit.held_id)
        sources = await self._desk.look.sources(visit.held_id)
        return self._show("source.html", visit, held, sources=sources)

    async def ask_download(self, visit: Visit) -> Response:
        """The question before something dangerous leaves the gateway."""
        require(visit.person, Act.DOWNLOAD)
        held = await self._desk.get(visit.held_id)
        where = clip(visit.request.query_params.get("part", ""), LONGEST_FIELD)
        return self._show("download.html", visit, held, where=where, password=PASSWORD)

    async def download(self, visit: Visit) -> Response:
        """The zip."""
        where = visit.form.get("part", "")
        file = await self._desk.look.download(visit.held_id, by=visit.person, why=visit.reason(), where=where)
        about = {"Content-Disposition": f'attachment; filename="{file.name}"', "Content-Length": str(file.size)}
        sandbox = {"Content-Security-Policy": f"sandbox; {HEADERS['Content-Security-Policy']}"}
        return StreamingResponse(file.chunks, media_type="application/octet-stream", headers=HEADERS | sandbox | about)

    def _show(self, template: str, visit: Visit, held: Any, **facts: Any) -> Response:
        return self._visits.page(template, visit, held=held, message=held.message, record=held.record, **facts)

    async def ask_delete(self, visit: Visit) -> Response:
        """The question before a deletion."""
        require(visit.person, Act.DELETE)
        held = await self._desk.get(visit.held_id)
        return self._show("delete.html", visit, held)

    async def delete(self, visit: Visit) -> Response:
        """Remove its bytes."""
        held_id = visit.held_id
        await self._desk.delete(held_id, by=visit.person, why=visit.reason())
        return self._visits.page("done.html", visit, title="Deleted", held_id=held_id, replies=())
