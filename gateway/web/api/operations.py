"""What one operation of the API is: where, for whom, what it takes and gives.

Contract: data only. The routes, the checks before a handler and the OpenAPI document are all made from these, so none
of them can say what another does not do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from gateway.web.api.door import Caller
from gateway.web.api.tokens import Scope
from gateway.web.people import Person


@dataclass(frozen=True, slots=True)
class Call:
    """One request that passed every check: ``query`` and ``body`` are of the operation's models, ``held_id``
    and ``entry_id`` are "" where the path names no message and no exception. ``head``: only the header of the answer is
    asked for, so nothing may be noted; ``accept`` is the field of that name."""

    caller: Caller
    held_id: str
    entry_id: str
    query: Any
    body: Any
    head: bool = False
    accept: str = ""

    @property
    def person(self) -> Person:
        """Who asks."""
        return self.caller.person


Handler = Callable[[Call], Awaitable[BaseModel | Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path below ``/api/v1``. ``scope`` None: any token will do. ``answer`` None: not JSON, but
    what ``media_types`` say. ``refusals`` are the statuses of its own, beside those that any operation may have."""

    name: str
    method: str
    path: str
    summary: str
    detail: str
    scope: Scope | None
    handler: Handler
    answer: type[BaseModel] | None
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    media_types: tuple[str, ...] = ("application/json",)
    refusals: tuple[int, ...] = field(default=())
