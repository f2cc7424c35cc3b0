"""Who is at the door: signing in and out, sessions, forms, and the answer to whoever may not pass.

Contract: whoever is not signed in sees the sign-in form and nothing else; whom a web server in front has signed in
(``gateway.web.front``) never sees the form. GET changes nothing; what changes something is a POST with the token of the
session's forms, from our own pages. What a person's role allows is the desk's to say (``NotAllowed``). Signing in costs
a tenth of a second of one core, so only two do so at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.message import clip
from gateway.web.clients import Networks, address_of, is_local
from gateway.web.desk import NotAllowed, NotHeld
from gateway.web.front import Front, NotLetIn
from gateway.web.pages import HEADERS, LONGEST_FIELD, DeskError, Templates, fields
from gateway.web.people import Person
from gateway.web.sessions import Session, Sessions, Tries, same
from gateway.web.users import User, Users, UsersError

COOKIE = "macrogate_session"
BY_THE_PROXY = (
    "The web server in front of these pages has signed you in, and does so again with your next click. To leave for "
    "good, sign out there, or close the browser."
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in."""

    request: Request
    person: Person
    session: Session
    waiting: int
    """Messages somebody asks for: the head of each page says how many."""
    form: Mapping[str, str]
    several: Mapping[str, list[str]]

    @property
    def held_id(self) -> str:
        """Which message the address names."""
        return str(self.request.path_params["held_id"])

    @property
    def asks_again(self) -> bool:
        """Whether an open page looks for what is new, and takes the part of it that may have changed."""
        return _asks_by_itself(self.request)

    def reason(self) -> str:
        """Why somebody does it. Raises ``DeskError`` when the form says nothing."""
        why = self.form.get("why", "").strip()
        if not why:
            raise DeskError("A reason is needed: it is what the next person will read.")
        return clip(why, LONGEST_FIELD)


Page = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class Visits:
    """The door: signs people in and out, and lets a page see only who is signed in. ``public_url`` is where people
    reach the pages, "" for this port itself; ``waiting`` counts the messages somebody asks for; ``proxies`` are
    believed when they say whose request they pass on, and ``front`` knows whom they have signed in."""

    def __init__(
        self,
        users: Users,
        public_url: str,
        waiting: Callable[[], Awaitable[int]],
        proxies: Networks = (),
        front: Front | None = None,
    ) -> None:
        self._proxies = proxies
        self._front = front or Front()
        self._waiting = waiting
        self._users = users
        self._public = urlsplit(public_url)
        self._secure = self._public.scheme == "https"
        # with this prefix a browser takes it from this very host over TLS only: no neighbour can plant one
        self._cookie = f"__Host-{COOKIE}" if self._secure else COOKIE
        self._sessions = Sessions()
        self._tries = Tries()
        self._hashing = asyncio.Semaphore(2)
        self._templates = Templates()

    def routes(self) -> list[BaseRoute]:
        """The way in and out."""
        return [
            Route("/sign-in", self.sign_in, methods=["GET", "POST"]),
            Route("/sign-out", self.acting(self.sign_out), methods=["POST"]),
        ]

    def signed(self, page: Page) -> Endpoint:
        """A page for people who are signed in; others are shown the way."""

        async def endpoint(request: Request) -> Response:
            visit = await self._visit(request)
            if isinstance(visit, Visit):
                return await self._answer(page, visit)
            if _asks_by_itself(request):
                return Response(headers=HEADERS | {"HX-Refresh": "true"})  # the whole page goes to the form, not a part
            return visit

        return endpoint

    def acting(self, page: Page) -> Endpoint:
        """Something that changes something: a form of ours, from our own pages."""

        async def endpoint(request: Request) -> Response:
            visit = await self._visit(request)
            if not isinstance(visit, Visit):
                return visit
            if not self._is_ours(request) or not same(visit.form.get("form", ""), visit.session.form):
                return self._refusal(visit, 403, "This form was not one of yours; open the page again and repeat it.")
            return await self._answer(page, visit)

        return endpoint

    async def _visit(self, request: Request) -> Visit | Response:
        """Of whom it is, or the answer to who may not pass."""
        named = self._front.speaks_for(request)
        by_itself = _asks_by_itself(request)
        try:
            if named:
                known = await self._front.enter(request, self._users, by_itself=by_itself)
            else:
                known = await self._signed_in(request, by_itself=by_itself)
        except NotLetIn as error:
            return self.page("outside.html", status=403, title="Not let in", sentence=str(error), refused=True)
        except UsersError as error:
            return self.page("nobody.html", status=503, trouble=str(error))
        if known is None:
            return await self._to_sign_in(request)
        user, session = known
        form, several = await fields(request)
        try:
            waiting = await self._waiting()
        except DeskError:  # the page itself says what is wrong
            waiting = 0
        person = Person(user.name, user.role, "proxy" if named else "web")
        return Visit(request, person, session, waiting, form, several)

    async def _signed_in(self, request: Request, *, by_itself: bool) -> tuple[User, Session] | None:
        """Who has a session with a password. Raises ``UsersError``."""
        session = self._sessions.get(request.cookies.get(self._cookie, ""), by_itself=by_itself)
        if session is None:
            return None
        user = await asyncio.to_thread(self._users.get, session.user)
        if user is None or not same(user.proof, session.proof):  # removed, or another role or password since
            self._sessions.end(session.token)
            return None
        return user, session

    async def _answer(self, page: Page, visit: Visit) -> Response:
        try:
            return await page(visit)
        except NotHeld as error:
            return self._refusal(visit, 404, str(error))
        except NotAllowed as error:
            return self._refusal(visit, 403, str(error))
        except DeskError as error:
            return self._refusal(visit, 409, str(error))

    def _is_ours(self, request: Request) -> bool:
        """Whether the browser says that one of our own pages sent this; browsers that say nothing have the token."""
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        origin = request.headers.get("origin")
        ours = self._public.netloc or request.headers.get("host", "")
        return origin is None or urlsplit(origin).netloc == ours

    async def _to_sign_in(self, request: Request) -> Response:
        try:
            anybody = bool(await asyncio.to_thread(self._users.all))
        except UsersError as error:
            return self.page("nobody.html", status=503, trouble=str(error))
        if not anybody and not is_local(address_of(request, self._proxies)):
            return Response(status_code=404, headers=HEADERS)  # strangers need not know that it is new
        if not anybody:
            return self.page("nobody.html", status=503, trouble="")
        response = RedirectResponse("/sign-in", status_code=303)
        response.headers.update(HEADERS)
        return response

    async def sign_in(self, request: Request) -> Response:
        """The form, and what becomes of it. Whatever is wrong, the answer is the same."""
        if self._front.speaks_for(request):  # a password is no way round who the web server in front says it is
            return RedirectResponse("/", status_code=303, headers=HEADERS)
        return self.page("sign_in.html", wrong="") if request.method == "GET" else await self._check(request)

    async def _check(self, request: Request) -> Response:
        form, _ = await fields(request)
        name, address = form.get("name", ""), address_of(request, self._proxies)
        if not self._is_ours(request):
            return self.page("sign_in.html", status=403, wrong="Please sign in on this page itself.")
        if not self._tries.may(name, address):
            wrong = "Too many wrong passwords; try again in five minutes."
            return self.page("sign_in.html", status=429, wrong=wrong)
        async with self._hashing:
            try:
                user = await asyncio.to_thread(self._users.check, name, form.get("password", ""))
            except UsersError as error:
                return self.page("nobody.html", status=503, trouble=str(error))
        if user is None:
            self._tries.wrong(name, address)
            return self.page("sign_in.html", status=403, wrong="User name or password is wrong.")
        self._tries.right(name)
        self._sessions.end(request.cookies.get(self._cookie, ""))
        response = RedirectResponse("/", status_code=303)
        response.headers.update(HEADERS)
        token = self._sessions.begin(user.name, user.proof).token
        response.set_cookie(self._cookie, token, httponly=True, samesite="strict", secure=self._secure, path="/")
        return response

    async def sign_out(self, visit: Visit) -> Response:
        """Back to the form; whom the web server in front has signed in has to go there."""
        if visit.person.via == "proxy":
            self._front.leave(visit.session)
            return self.page("outside.html", title="Signed out here", sentence=BY_THE_PROXY, refused=False)
        self._sessions.end(visit.session.token)
        response = RedirectResponse("/sign-in", status_code=303)
        response.headers.update(HEADERS)
        response.delete_cookie(self._cookie, path="/", secure=self._secure)
        return response

    def _refusal(self, visit: Visit, status: int, sentence: str) -> Response:
        return self.page("refused.html", visit, status=status, sentence=clip(sentence, 1000))

    def page(self, template: str, visit: Visit | None = None, *, status: int = 200, **facts: Any) -> Response:
        """One page, as this visitor sees it."""
        if visit:
            facts |= {"user": visit.person, "form": visit.session.form, "waiting": visit.waiting}
        return self._templates.page(template, status=status, **facts)


def _asks_by_itself(request: Request) -> bool:
    """Whether it is a page that looks for what is new, and nobody's click: it keeps no session alive."""
    return request.headers.get("hx-request") == "true"
