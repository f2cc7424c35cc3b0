"""The way out to the provider and back.

Contract: both addresses are for people who are not signed in. ``/sign-in/oidc`` sends the browser to the provider, but
only from a page of ours or an address somebody typed; the callback signs in who comes back, with a session nobody had
before. The answer to the callback is a page that goes on by itself, not a redirection: to a browser that is still the
step from the provider's site to ours, on which it keeps the session's cookie back (SameSite=Strict). No address of
another site is ever the target of a form, so the ``form-action`` of the pages stays as strict as it is.
"""

from __future__ import annotations

from typing import Protocol

from cachetools import TTLCache
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.web.clients import address_of
from gateway.web.oidc import CALLBACK, NotLetInError, ProviderError
from gateway.web.oidc.client import Client
from gateway.web.oidc.tickets import LASTS
from gateway.web.pages import HEADERS
from gateway.web.people import Person
from gateway.web.visits import Visits

COOKIE = "macrogate_sign_in"
REFUSALS = 10
"""So many from one address within ``PENALTY`` seconds, and the next answer of a provider is not heard."""
PENALTY = 300.0
MAX_REMEMBERED = 10_000


class Told(Protocol):
    """What the log is told."""

    def signed_in(self, who: str, account: str, role: str, client: str) -> None:
        """Somebody is in."""

    def sign_in_refused(self, issuer: str, client: str, why: str) -> None:
        """Somebody is not."""

    def provider_failed(self, issuer: str, why: str) -> None:
        """Nobody can be, by this way."""


class OidcPages:
    """Out and back, for the people of ``client``."""

    def __init__(self, client: Client, visits: Visits, told: Told) -> None:
        self._client = client
        self._visits = visits
        self._told = told
        self._refusals: TTLCache[str, int] = TTLCache(MAX_REMEMBERED, PENALTY)

    def routes(self) -> list[BaseRoute]:
        """Both addresses."""
        return [
            Route("/sign-in/oidc", self.leave, methods=["GET"]),
            Route(CALLBACK, self.come_back, methods=["GET"]),
        ]

    async def leave(self, request: Request) -> Response:
        """To the provider."""
        if self._visits.is_named(request):
            return _to("/")
        if not self._visits.is_ours(request):  # another site's link signs nobody in
            return _to("/sign-in")
        words = request.query_params
        try:
            where, ticket = await self._client.begin(words.get("next", ""), other="other" in words)
        except ProviderError as error:
            return self._unavailable(error)
        response = _to(where)
        response.set_cookie(
            self._visits.named(COOKIE),
            ticket,
            max_age=int(LASTS),
            httponly=True,
            samesite="lax",  # the way back begins on the provider's site
            secure=self._visits.secure,
            path="/",
        )
        return response

    async def come_back(self, request: Request) -> Response:
        """From the provider."""
        if self._visits.is_named(request):
            return _to("/")
        address = address_of(request, self._visits.proxies)
        if self._refusals.get(address, 0) >= REFUSALS:
            return self._refused("Too many sign-ins were refused; try again in five minutes.", 429)
        cookie = request.cookies.get(self._visits.named(COOKIE), "")
        try:
            entered = await self._client.finish(dict(request.query_params), cookie)
        except ProviderError as error:
            response = self._unavailable(error)
        except NotLetInError as error:
            self._refusals[address] = self._refusals.get(address, 0) + 1
            self._told.sign_in_refused(self._client.terms.issuer, address, str(error))
            response = self._refused(str(error), 403)
        else:
            self._tell(entered.person, address)
            response = self._visits.page("signed_in.html", goal=entered.goal, name=entered.person.name)
            self._visits.admit(request, response, entered.person, entered.token)
        response.delete_cookie(
            self._visits.named(COOKIE), path="/", secure=self._visits.secure, httponly=True, samesite="lax"
        )
        return response

    def _tell(self, person: Person, address: str) -> None:
        self._told.signed_in(person.who, person.account, person.role, address)

    def _unavailable(self, error: ProviderError) -> Response:
        if not error.known:
            self._told.provider_failed(self._client.terms.issuer, str(error))
        sentence = (
            f"{self._client.terms.host} cannot sign anybody in at the moment; the gateway's log says why. Try again "
            "later; who has a password here can use it."
        )
        return self._visits.page("not_in.html", status=503, title="Not available", sentence=sentence, other=False)

    def _refused(self, sentence: str, status: int) -> Response:
        return self._visits.page("not_in.html", status=status, title="Not let in", sentence=sentence, other=True)


def _to(where: str) -> Response:
    return RedirectResponse(where, status_code=303, headers=HEADERS)
