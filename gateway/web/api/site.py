"""The API put together: each path, and what happens to a request before a handler sees it.

Contract: whoever has no good token learns nothing but that. A method that is not there is 405, a path that is not there
404, in the words of the API. Nothing here sends a CORS header, so no page of another site can read an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from gateway.web.api.about import AboutOperations
from gateway.web.api.asking import AskingOperations
from gateway.web.api.door import Door
from gateway.web.api.excepted import ExceptionOperations
from gateway.web.api.held import HeldOperations
from gateway.web.api.iocs import IocOperations
from gateway.web.api.looks import LookOperations
from gateway.web.api.openapi import document
from gateway.web.api.operations import Call, Operation
from gateway.web.api.problems import HEADERS, Problem, status_of
from gateway.web.api.several import SeveralOperations
from gateway.web.api.taking import body_of, query_of
from gateway.web.api.tokens import Tokens
from gateway.web.desk import Desk
from gateway.web.pages import DeskError
from gateway.web.users import Users

PREFIX = "/api/v1"
ID = re.compile(r"[0-9a-f]{1,64}", re.ASCII)


def operations(desk: Desk) -> list[Operation]:
    """All of them."""
    families = (
        HeldOperations,
        LookOperations,
        SeveralOperations,
        AskingOperations,
        ExceptionOperations,
        IocOperations,
        AboutOperations,
    )
    return [operation for family in families for operation in family(desk).table()]


def api_routes(desk: Desk, tokens: Tokens, users: Users) -> list[BaseRoute]:
    """The API. Its own document needs no token: it is the same for everybody."""
    table = operations(desk)
    door = Door(tokens, users)
    paths = list(dict.fromkeys(operation.path for operation in table))
    places: list[BaseRoute] = [
        Route(path, Place(door, [operation for operation in table if operation.path == path])) for path in paths
    ]
    about = Route("/openapi.json", Document(json.dumps(document(table)).encode()))
    return [Mount(PREFIX, routes=[*places, about, Route("/{rest:path}", Place(door, []))])]


class Document:
    """The OpenAPI document, made once."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        if scope["method"] in {"GET", "HEAD"}:
            response = Response(self._text, headers=dict(HEADERS), media_type="application/json")
        else:
            response = _wrong_method({"GET"}).response()
        await response(scope, receive, send)


class Place:
    """One path: what its methods do."""

    def __init__(self, door: Door, table: Sequence[Operation]) -> None:
        self._door = door
        self._by_method = {operation.method: operation for operation in table}

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            return _told(await self._act(request))
        except Problem as problem:
            return problem.response()
        except DeskError as error:
            return Problem(status_of(error), str(error)).response()

    async def _act(self, request: Request) -> BaseModel | Response:
        if not self._by_method:
            raise Problem(404, f"There is nothing here; {PREFIX}/openapi.json says what there is.")
        method = "GET" if request.method == "HEAD" else request.method
        operation = self._by_method.get(method)
        if operation is None:
            raise _wrong_method(set(self._by_method))
        caller = await self._door.enter(request, operation.scope)
        named = {name: str(request.path_params.get(name, "")) for name in ("held_id", "entry_id")}
        if not all(ID.fullmatch(word) for word in named.values() if word):
            raise Problem(404, "There is nothing of that id: it has the digits 0-9 and a-f.")
        query = query_of(request, operation.query or Nothing)
        body = await body_of(request, operation.body) if operation.body else None
        head, accept = request.method == "HEAD", ",".join(request.headers.getlist("accept"))
        return await operation.handler(Call(caller, **named, query=query, body=body, head=head, accept=accept))


class Nothing(BaseModel, extra="forbid"):
    """The query of what takes none."""


def _told(answer: BaseModel | Response) -> Response:
    if isinstance(answer, Response):
        answer.headers.update(HEADERS)
        return answer
    return Response(answer.model_dump_json(), headers=dict(HEADERS), media_type="application/json")


def _wrong_method(methods: set[str]) -> Problem:
    allowed = sorted(methods | ({"HEAD"} if "GET" in methods else set()))
    return Problem(405, f"That is not done here; this takes {', '.join(allowed)}.", {"Allow": ", ".join(allowed)})
