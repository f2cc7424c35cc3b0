"""Where the link of a notice leads: a recipient asks for the original of a changed message.

Contract: no sign-in, for who has the link has the right to ask, and no right but that. GET shows what a click would do
and does nothing, because programs that check links follow them; POST asks, once. Whatever is wrong with a link, the
page says so and tells nothing about the message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.message import clip
from gateway.web.pages import DeskError, Templates, fields

LONGEST_WHY = 300

Read = Callable[[str], Awaitable[tuple[str, str]]]
"""A token's held id and recipient ("": one of several). Raises ``DeskError`` with the sentence for who clicked."""

Ask = Callable[[str, str, str], Awaitable[None]]
"""Note that a recipient asks for what is held under an id, and why. Raises ``DeskError``."""


def request_routes(read: Read, ask: Ask) -> list[BaseRoute]:
    """The one page, which looks the same in every browser and needs no script."""
    templates = Templates()

    def page(status: int = 200, **facts: Any) -> Response:
        return templates.page("request.html", status=status, **{"token": "", "wrong": "", "asked": False} | facts)

    async def show(request: Request) -> Response:
        token = request.query_params.get("request", "")
        try:
            await read(token)
        except DeskError as error:
            return page(404, wrong=str(error))
        return page(token=token)

    async def act(request: Request) -> Response:
        form, _ = await fields(request)
        try:
            held_id, recipient = await read(form.get("request", ""))
            await ask(held_id, recipient, clip(form.get("why", "").strip(), LONGEST_WHY))
        except DeskError as error:
            return page(409, wrong=str(error))
        return page(asked=True)

    return [Route("/request", show, methods=["GET"]), Route("/request", act, methods=["POST"])]
