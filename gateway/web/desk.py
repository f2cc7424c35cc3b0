"""The release desk: the pages for what is held. Works without JavaScript; nothing is fetched from elsewhere.

Contract: whoever is not signed in sees the sign-in form and nothing else. GET changes nothing; what changes something
is a POST with the token of the session's forms, from our own pages, by somebody whose role is enough, and with a
reason. Every page forbids the browser to run or fetch what is not ours (Content-Security-Policy). Signing in costs a
tenth of a second of one core, so only two do so at a time.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from gateway.message import HeldState, Verdict, clip
from gateway.web import shown
from gateway.web.pages import HEADERS, HERE, DeskError, Templates, fields
from gateway.web.sessions import Session, Sessions, Tries, same
from gateway.web.users import Role, User, Users, UsersError

COOKIE = "macrogate_session"
PAGE = 50
"""Messages on one page of the list."""
PLACE = re.compile(r"[0-9]{1,17}-[0-9a-f]{16,64}")
LONGEST_FIELD = 500


class NotHeld(DeskError):
    """There is no such message."""


@dataclass(frozen=True, slots=True)
class Query:
    """What the list is to show. Texts match anywhere; ``state`` "" is what still waits, "all" everything. ``older`` and
    ``newer`` are places in the list (``place``) after or before which it goes on."""

    state: str = ""
    verdict: str = ""
    sender: str = ""
    recipient: str = ""
    subject: str = ""
    older: str = ""
    newer: str = ""
    limit: int = PAGE

    def at(self, **place: str) -> str:
        """The query string of another page of the same list."""
        fields = ("state", "verdict", "sender", "recipient", "subject")
        return urlencode({name: getattr(self, name) for name in fields if getattr(self, name)} | place)


def place(message: Any) -> str:
    """Where a message stands in the list: its time in microseconds, and its id."""
    return f"{round(message.kept_at.timestamp() * 1_000_000)}-{message.id}"


def moment_and_id(place: str) -> tuple[datetime, str]:
    """What ``place`` made; only called with what ``PLACE`` matches."""
    micros, _, held_id = place.partition("-")
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(micros)), held_id


class Desk(Protocol):
    """The quarantine as the pages need it. All raise ``DeskError``; what they give has the attributes of
    ``HeldMessage`` and ``Held`` of the quarantine."""

    async def find(self, query: Query) -> Sequence[Any]: ...

    async def get(self, held_id: str) -> Any: ...

    async def today(self) -> Mapping[str, Any]:
        """What the start page tells: ``held``, ``oldest``, ``hours`` (counts of the last 24), ``labels``, ``trouble``
        (sentences by component), ``workers``, ``busy``."""

    async def release(
        self, held_id: str, *, who: str, why: str, recipients: Sequence[str]
    ) -> Sequence[tuple[str, str]]:
        """Each recipient and the next hop's word."""

    async def delete(self, held_id: str, *, who: str, why: str) -> None: ...


def routes(desk: Desk, users: Users, *, public_url: str = "") -> list[BaseRoute]:
    """The pages. ``public_url`` is where people reach them, "" for this port itself."""
    pages = _Pages(desk, users, public_url)
    return [
        Route("/", pages.signed(pages.start)),
        Route("/sign-in", pages.sign_in, methods=["GET", "POST"]),
        Route("/sign-out", pages.acting(Role.VIEWER, pages.sign_out), methods=["POST"]),
        Route("/quarantine", pages.signed(pages.listing)),
        Route("/quarantine/{held_id:str}", pages.signed(pages.one)),
        Route("/quarantine/{held_id:str}/release", pages.signed(pages.ask_release), methods=["GET"]),
        Route("/quarantine/{held_id:str}/release", pages.acting(Role.RELEASER, pages.release), methods=["POST"]),
        Route("/quarantine/{held_id:str}/delete", pages.signed(pages.ask_delete), methods=["GET"]),
        Route("/quarantine/{held_id:str}/delete", pages.acting(Role.RELEASER, pages.delete), methods=["POST"]),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request of somebody who is signed in."""

    request: Request
    user: User
    session: Session
    form: Mapping[str, str]
    several: Mapping[str, list[str]]


Page = Callable[[_Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class _Pages:
    def __init__(self, desk: Desk, users: Users, public_url: str) -> None:
        self._desk = desk
        self._users = users
        self._public = urlsplit(public_url)
        self._sessions = Sessions()
        self._tries = Tries()
        self._hashing = asyncio.Semaphore(2)
        self._templates = Templates()

    # -- who is there --

    def signed(self, page: Page) -> Endpoint:
        """A page for people who are signed in; others are shown the way."""

        async def endpoint(request: Request) -> Response:
            visit = await self._visit(request)
            return await self._answer(page, visit) if visit else await self._to_sign_in()

        return endpoint

    def acting(self, role: Role, page: Page) -> Endpoint:
        """Something that changes something."""

        async def endpoint(request: Request) -> Response:
            visit = await self._visit(request)
            if visit is None:
                return await self._to_sign_in()
            if not self._is_ours(request) or not same(visit.form.get("form", ""), visit.session.form):
                return self._refusal(visit, 403, "This form was not one of yours; open the page again and repeat it.")
            if not visit.user.role.may(role):
                return self._refusal(visit, 403, f"This takes the role {role}; yours is {visit.user.role}.")
            return await self._answer(page, visit)

        return endpoint

    async def _visit(self, request: Request) -> _Visit | None:
        session = self._sessions.get(request.cookies.get(COOKIE, ""))
        if session is None:
            return None
        try:
            user = await asyncio.to_thread(self._users.get, session.user)
        except UsersError:
            return None
        if user is None:  # removed since
            self._sessions.end(session.token)
            return None
        form, several = await fields(request)
        return _Visit(request, user, session, form, several)

    async def _answer(self, page: Page, visit: _Visit) -> Response:
        try:
            return await page(visit)
        except NotHeld as error:
            return self._refusal(visit, 404, str(error))
        except DeskError as error:
            return self._refusal(visit, 409, str(error))

    def _is_ours(self, request: Request) -> bool:
        """Whether the browser says that one of our own pages sent this; browsers that say nothing have the token."""
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        origin = request.headers.get("origin")
        ours = self._public.netloc or request.headers.get("host", "")
        return origin is None or urlsplit(origin).netloc == ours

    async def _to_sign_in(self) -> Response:
        try:
            anybody = bool(await asyncio.to_thread(self._users.all))
        except UsersError as error:
            return self._page("nobody.html", status=503, trouble=str(error))
        if not anybody:
            return self._page("nobody.html", status=503, trouble="")
        response = RedirectResponse("/sign-in", status_code=303)
        response.headers.update(HEADERS)
        return response

    async def sign_in(self, request: Request) -> Response:
        """The form, and what becomes of it. Whatever is wrong, the answer is the same."""
        if request.method == "GET":
            return self._page("sign_in.html", wrong="")
        form, _ = await fields(request)
        name, address = form.get("name", ""), request.client.host if request.client else ""
        if not self._is_ours(request):
            return self._page("sign_in.html", status=403, wrong="Please sign in on this page itself.")
        if not self._tries.may(name, address):
            wrong = "Too many wrong passwords; try again in five minutes."
            return self._page("sign_in.html", status=429, wrong=wrong)
        async with self._hashing:
            try:
                user = await asyncio.to_thread(self._users.check, name, form.get("password", ""))
            except UsersError as error:
                return self._page("nobody.html", status=503, trouble=str(error))
        if user is None:
            self._tries.wrong(name, address)
            return self._page("sign_in.html", status=403, wrong="User name or password is wrong.")
        self._tries.right(name)
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/", status_code=303)
        response.headers.update(HEADERS)
        secure = self._public.scheme == "https"
        token = self._sessions.begin(user.name).token
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure, path="/")
        return response

    async def sign_out(self, visit: _Visit) -> Response:
        """Back to the form."""
        self._sessions.end(visit.session.token)
        response = RedirectResponse("/sign-in", status_code=303)
        response.headers.update(HEADERS)
        response.delete_cookie(COOKIE, path="/")
        return response

    # -- pages --

    async def start(self, visit: _Visit) -> Response:
        """Is all well?"""
        today = await self._desk.today()
        newest = await self._desk.find(Query(limit=8))
        plot = shown.bars(list(today["hours"]), list(today["labels"]))
        return self._page("start.html", visit, today=today, newest=newest, plot=plot)

    async def listing(self, visit: _Visit) -> Response:
        """What is held, newest first."""
        query = _query(visit.request.query_params)
        found = await self._desk.find(replace(query, limit=PAGE + 1))
        more = len(found) > PAGE
        page = found[-PAGE:] if query.newer else found[:PAGE]
        links = {
            "newer": place(page[0]) if page and (query.older or (query.newer and more)) else "",
            "older": place(page[-1]) if page and (query.newer or more) else "",
        }
        return self._page("list.html", visit, query=query, found=page, links=links)

    async def one(self, visit: _Visit) -> Response:
        """Everything about one message."""
        held = await self._desk.get(visit.request.path_params["held_id"])
        return self._page("message.html", visit, held=held, message=held.message, record=held.record)

    async def ask_release(self, visit: _Visit) -> Response:
        """The question before a release."""
        return await self._ask(visit, "release.html")

    async def ask_delete(self, visit: _Visit) -> Response:
        """The question before a deletion."""
        return await self._ask(visit, "delete.html")

    async def _ask(self, visit: _Visit, template: str) -> Response:
        held = await self._desk.get(visit.request.path_params["held_id"])
        if not visit.user.role.may(Role.RELEASER):
            return self._refusal(visit, 403, f"This takes the role {Role.RELEASER}; yours is {visit.user.role}.")
        return self._page(template, visit, held=held, message=held.message)

    async def release(self, visit: _Visit) -> Response:
        """Send it on."""
        held_id, why = visit.request.path_params["held_id"], _reason(visit)
        chosen = visit.several.get("recipient", [])
        if not chosen:
            raise DeskError("Nobody was chosen to get the message.")
        replies = await self._desk.release(held_id, who=f"{visit.user.name} (web)", why=why, recipients=chosen)
        return self._page("done.html", visit, title="Released", held_id=held_id, replies=replies)

    async def delete(self, visit: _Visit) -> Response:
        """Remove its bytes."""
        held_id = visit.request.path_params["held_id"]
        await self._desk.delete(held_id, who=f"{visit.user.name} (web)", why=_reason(visit))
        return self._page("done.html", visit, title="Deleted", held_id=held_id, replies=())

    def _refusal(self, visit: _Visit, status: int, sentence: str) -> Response:
        return self._page("refused.html", visit, status=status, sentence=clip(sentence, 1000))

    def _page(self, template: str, visit: _Visit | None = None, *, status: int = 200, **facts: Any) -> Response:
        if visit:
            facts |= {"user": visit.user, "form": visit.session.form}
        return self._templates.page(template, status=status, **facts)


def _reason(visit: _Visit) -> str:
    why = visit.form.get("why", "").strip()
    if not why:
        raise DeskError("A reason is needed: it is what the next person will read.")
    return clip(why, LONGEST_FIELD)


def _query(given: Mapping[str, str]) -> Query:
    """The list somebody asked for; words that mean nothing are taken for none."""
    state, verdict = given.get("state", ""), given.get("verdict", "")
    older, newer = given.get("older", ""), given.get("newer", "")
    return Query(
        state=state if state in {"all", *HeldState} else "",
        verdict=verdict if verdict in {known.label for known in Verdict} else "",
        sender=given.get("sender", "").strip()[:LONGEST_FIELD],
        recipient=given.get("recipient", "").strip()[:LONGEST_FIELD],
        subject=given.get("subject", "").strip()[:LONGEST_FIELD],
        older=older if PLACE.fullmatch(older) else "",
        newer=newer if PLACE.fullmatch(newer) and not older else "",
    )
