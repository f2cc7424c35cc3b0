"""Who asks: a token in the ``Authorization`` header, and nothing else (RFC 6750 §2.1).

Contract: ``enter`` gives the caller of a request, or raises ``Problem``. No cookie is looked at, so no page of another
site can act through somebody's browser. A token in an address is refused although it may be good: addresses end up in
logs. Wrong tokens are counted by address, and from a number on answered with 429; a good one is never locked out.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime

from cachetools import TTLCache
from starlette.requests import Request

from gateway.web.api.problems import Problem
from gateway.web.api.tokens import SHAPE, Scope, Token, Tokens
from gateway.web.people import Person
from gateway.web.private import PrivateFileError
from gateway.web.users import Users

WRONG_TOKENS = 20
PENALTY = 300.0
"""Seconds after which the wrong tokens of an address are forgotten."""
MAX_REMEMBERED = 10_000

CHALLENGE = 'Bearer realm="macrogate"'


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and by which token."""

    person: Person
    token: Token


class Door:
    """Lets programs in that have a token of a user."""

    def __init__(self, tokens: Tokens, users: Users) -> None:
        self._tokens = tokens
        self._users = users
        self._wrong: TTLCache[str, int] = TTLCache(MAX_REMEMBERED, PENALTY)

    async def enter(self, request: Request, scope: Scope | None) -> Caller:
        """The caller, whose token has this scope. Raises ``Problem``."""
        secret = _bearer(request)
        address = request.client.host if request.client else ""
        try:
            caller = await asyncio.to_thread(self._known, secret)
        except PrivateFileError as error:
            raise Problem(503, f"No token can be checked now: {error}") from error
        if caller is None:
            raise self._refused(address)
        if scope is not None and scope not in caller.token.scopes:
            raise Problem(
                403,
                f"This takes a token with the scope {scope}; this one has {', '.join(sorted(caller.token.scopes))}.",
                {"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{scope}"'},
            )
        return caller

    def _known(self, secret: str) -> Caller | None:
        now = datetime.now(UTC)
        token = self._tokens.find(secret) if SHAPE.fullmatch(secret) else None
        user = self._users.get(token.user) if token else None
        if token is None or user is None:
            return None
        if token.expired(now):
            raise Problem(401, f"The token {token.name} has expired; its owner can make another.", _invalid())
        with contextlib.suppress(PrivateFileError):  # a full disk must not keep anybody from reading
            self._tokens.note_use(token, now)
        return Caller(Person(user.name, user.role, "api"), token)

    def _refused(self, address: str) -> Problem:
        tries = self._wrong.get(address, 0) + 1
        self._wrong[address] = tries
        if tries > WRONG_TOKENS:
            sentence = "Too many wrong tokens came from this address; a right one is heard at any time."
            return Problem(429, sentence, {"Retry-After": f"{PENALTY:.0f}"})
        return Problem(401, "This token is not known, was removed, or its owner was.", _invalid())


def _invalid() -> dict[str, str]:
    return {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'}


def _bearer(request: Request) -> str:
    """The token of a request. Raises ``Problem``."""
    for name, value in request.query_params.multi_items():
        if SHAPE.search(value) or name in {"access_token", "token"}:
            sentence = "A token has no place in an address, where logs keep it: send it as Authorization: Bearer."
            raise Problem(400, f"{sentence} Make another one; this one may have been seen.")
    given = request.headers.getlist("authorization")
    scheme, _, secret = (given[0] if len(given) == 1 else "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Problem(
            401,
            "Send a token as Authorization: Bearer mgt_...; macrogate token add makes one.",
            {"WWW-Authenticate": CHALLENGE},
        )
    return secret.strip()
