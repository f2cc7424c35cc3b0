"""Who is at the door: signing in and out, sessions, forms, and the answer to whoever may not pass.

Contract: whoever is not signed in sees the sign-in form and nothing else; whom a web server in front has signed in
(``gateway.web.front``) never sees the form, and whom a provider signs in comes by ``gateway.web.oidc``. GET changes
nothing; what changes something is a POST with the token of the session's forms, from our own pages. What a person's
role allows is the desk's to say (``NotAllowed``). Signing in with a password costs a tenth of a second of one core, so
only two do so at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.message import clip
from gateway.web.clients import Networks, address_of, is_local
from gateway.web.desk import NotAllowed, NotHeld
from gateway.web.front import Front, NotLetIn
from gateway.web.oidc.client import Client
from gateway.web.pages import HEADERS, LONGEST_FIELD, DeskError, Templates, fields
from gateway.web.people import Person
from gateway.web.places import local, wanted
from gateway.web.sessions import Session, Sessions, Tries, same
from gateway.web.users import Users, UsersError

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
    believed when they say whose request they pass on, and ``front`` knows whom they have signed in. ``oidc`` is the way
    by which a provider does so, if there is one."""

    def __init__(
        self,
        users: Users,
        public_url: str,
        waiting: Callable[[], Awaitable[int]],
        proxies: Networks = (),
        front: Front | None = None,
        oidc: Client | None = None,
    ) -> None:
        self.proxies = proxies
        self._oidc = oidc
        self._front = front or Front()
        self._waiting = waiting
        self._users = users
        self._public = urlsplit(public_url)
        self.secure = self._public.scheme == "https"
        self._cookie = self.named(COOKIE)
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
            if not self.is_ours(request) or not same(visit.form.get("form", ""), visit.session.form):
                return self._refusal(visit, 403, "This form was not one of yours; open the page again and repeat it.")
            return await self._answer(page, visit)

        return endpoint

    async def _visit(self, request: Request) -> Visit | Response:
        """Of whom it is, or the answer to who may not pass."""
        by_itself = _asks_by_itself(request)
        try:
            if self._front.speaks_for(request):
                known = await self._named(request, by_itself=by_itself)
            else:
                known = await self._signed_in(request, by_itself=by_itself)
        except NotLetIn as error:
            return self.page("outside.html", status=403, title="Not let in", sentence=str(error), refused=True)
        except UsersError as error:
            return self.page("nobody.html", status=503, trouble=str(error))
        if known is None:
            return await self._to_sign_in(request)
        person, session = known
        form, several = await fields(request)
        try:
            waiting = await self._waiting()
        except DeskError:  # the page itself says what is wrong
            waiting = 0
        return Visit(request, person, session, waiting, form, several)

    async def _named(self, request: Request, *, by_itself: bool) -> tuple[Person, Session] | None:
        """Whom the web server in front names. Raises ``NotLetIn`` and ``UsersError``."""
        known = await self._front.enter(request, self._users, by_itself=by_itself)
        if known is None:
            return None
        user, session = known
        return Person(user.name, user.role, "proxy"), session

    async def _signed_in(self, request: Request, *, by_itself: bool) -> tuple[Person, Session] | None:
        """Who has a session, by a password or a provider. Raises ``UsersError``."""
        session = self._sessions.get(request.cookies.get(self._cookie, ""), by_itself=by_itself)
        if session is None:
            return None
        if session.guest is not None:
            return session.guest, session
        user = await asyncio.to_thread(self._users.get, session.user)
        if user is None or not same(user.proof, session.proof):  # removed, or another role or password since
            self._sessions.end(session.token)
            return None
        return Person(user.name, user.role), session

    async def _answer(self, page: Page, visit: Visit) -> Response:
        try:
            return await page(visit)
        except NotHeld as error:
            return self._refusal(visit, 404, str(error))
        except NotAllowed as error:
            return self._refusal(visit, 403, str(error))
        except DeskError as error:
            return self._refusal(visit, 409, str(error))

    def is_ours(self, request: Request) -> bool:
        """Whether the browser says that one of our own pages sent this; browsers that say nothing have the token."""
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return False
        origin = request.headers.get("origin")
        ours = self._public.netloc or request.headers.get("host", "")
        return origin is None or urlsplit(origin).netloc == ours

    def is_named(self, request: Request) -> bool:
        """Whether a web server in front says who asks, and nothing else does."""
        return self._front.speaks_for(request)

    def named(self, cookie: str) -> str:
        """The name of a cookie of ours. With this prefix a browser takes it from this very host over TLS only: no
        neighbour can plant one."""
        return f"__Host-{cookie}" if self.secure else cookie

    async def _to_sign_in(self, request: Request) -> Response:
        try:
            anybody = self._oidc is not None or bool(await asyncio.to_thread(self._users.all))
        except UsersError as error:
            return self.page("nobody.html", status=503, trouble=str(error))
        if not anybody and not is_local(address_of(request, self.proxies)):
            return Response(status_code=404, headers=HEADERS)  # strangers need not know that it is new
        if not anybody:
            return self.page("nobody.html", status=503, trouble="")
        goal = wanted(request)
        return _to("/sign-in" if goal == "/" else f"/sign-in?{urlencode({'next': goal})}")

    async def sign_in(self, request: Request) -> Response:
        """The form, and what becomes of it. Whatever is wrong, the answer is the same."""
        if self.is_named(request):  # a password is no way round who the web server in front says it is
            return _to("/")
        if request.method == "POST":
            return await self._check(request)
        return await self._form(local(request.query_params.get("next", "")))

    async def _form(self, goal: str, wrong: str = "", status: int = 200) -> Response:
        """The ways in. ``goal`` is the page that is wanted."""
        provider = self._oidc.terms.host if self._oidc else ""
        try:
            passwords = not provider or bool(await asyncio.to_thread(self._users.all))
        except UsersError:  # whoever tries one is told
            passwords = True
        return self.page("sign_in.html", status=status, goal=goal, wrong=wrong, provider=provider, passwords=passwords)

    async def _check(self, request: Request) -> Response:
        form, _ = await fields(request)
        name, address, goal = form.get("name", ""), address_of(request, self.proxies), local(form.get("next", ""))
        if not self.is_ours(request):
            return await self._form(goal, "Please sign in on this page itself.", 403)
        if not self._tries.may(name, address):
            return await self._form(goal, "Too many wrong passwords; try again in five minutes.", 429)
        async with self._hashing:
            try:
                user = await asyncio.to_thread(self._users.check, name, form.get("password", ""))
            except UsersError as error:
                return self.page("nobody.html", status=503, trouble=str(error))
        if user is None:
            self._tries.wrong(name, address)
            return await self._form(goal, "User name or password is wrong.", 403)
        self._tries.right(name)
        return self._begun(request, _to(goal), self._sessions.begin(user.name, user.proof))

    def admit(self, request: Request, response: Response, guest: Person, voucher: str) -> None:
        """Begin a session of somebody another server vouches for; ``response`` carries its cookie."""
        self._begun(request, response, self._sessions.begin(guest.account, guest=guest, voucher=voucher))

    def _begun(self, request: Request, response: Response, session: Session) -> Response:
        self._sessions.end(request.cookies.get(self._cookie, ""))
        response.set_cookie(self._cookie, session.token, httponly=True, samesite="strict", secure=self.secure, path="/")
        return response

    async def sign_out(self, visit: Visit) -> Response:
        """Back to the form; whom another server has signed in has to go there."""
        if visit.person.via == "proxy":
            self._front.leave(visit.session)
            return self.page("outside.html", title="Signed out here", sentence=BY_THE_PROXY, refused=False)
        self._sessions.end(visit.session.token)
        where = ""
        if self._oidc is not None and visit.session.guest is not None:
            where = await self._oidc.sign_out_address(visit.session.voucher, "/sign-in")
        if where and self._oidc is not None:
            response = self.page("signed_out.html", where=where, provider=self._oidc.terms.host)
        else:
            response = _to("/sign-in")
        response.delete_cookie(self._cookie, path="/", secure=self.secure)
        return response

    def _refusal(self, visit: Visit, status: int, sentence: str) -> Response:
        return self.page("refused.html", visit, status=status, sentence=clip(sentence, 1000))

    def page(self, template: str, visit: Visit | None = None, *, status: int = 200, **facts: Any) -> Response:
        """One page, as this visitor sees it."""
        if visit:
            facts |= {"user": visit.person, "form": visit.session.form, "waiting": visit.waiting}
        return self._templates.page(template, status=status, **facts)


def _to(path: str) -> Response:
    return RedirectResponse(path, status_code=303, headers=HEADERS)


def _asks_by_itself(request: Request) -> bool:
    """Whether it is a page that looks for what is new, and nobody's click: it keeps no session alive."""
    return request.headers.get("hx-request") == "true"
