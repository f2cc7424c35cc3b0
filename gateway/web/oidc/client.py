"""The sign-in by a provider, from the first question to a person with a role (OpenID Connect Core §3.1).

Contract: ``begin`` says where to send the browser and what it has to keep; ``finish`` takes what it comes back with and
gives who it is. Both raise ``ProviderError`` when the provider cannot be used and ``NotLetInError`` for whoever is
not let in. Nothing blocks; at most ``AT_ONCE`` sign-ins talk to the provider at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from gateway.message import clip
from gateway.web.oidc import NotLetInError, ProviderError, Terms, read_secret
from gateway.web.oidc.proof import ForgedError, fitting, header, verified
from gateway.web.oidc.provider import Discovered, Provider
from gateway.web.oidc.standing import claim, person
from gateway.web.oidc.tickets import AGAIN, Ticket, Tickets
from gateway.web.people import Person

AT_ONCE = 4
LONGEST_ANSWER = 4096
"""Characters of a code; those in use have up to 2000."""
LONGEST_HINT = 3000
"""Characters of an ID token that fits into an address."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody the provider vouches for by ``token``, "" for one too long to be of use, and the path they wanted to
    see."""

    person: Person
    token: str
    goal: str


class Client:
    """The gateway as the provider knows it."""

    def __init__(self, terms: Terms, provider: Provider | None = None, tickets: Tickets | None = None) -> None:
        self.terms = terms
        self._provider = provider or Provider(terms)
        self._tickets = tickets or Tickets()
        self._talking = asyncio.Semaphore(AT_ONCE)

    async def begin(self, goal: str, *, other: bool = False) -> tuple[str, str]:
        """Where to send the browser, and the cookie it has to keep. With ``other`` the provider is to ask who it is,
        although somebody may be signed in there."""
        about = await self._provider.about()
        ticket = self._tickets.issue(goal)
        return await asyncio.to_thread(_question, self.terms, about, ticket, other=other), ticket.cookie

    async def finish(self, answer: Mapping[str, str], cookie: str) -> SignedIn:
        """Who it is that comes back with ``answer``."""
        ticket = self._tickets.redeem(cookie, answer.get("state", ""))
        async with self._talking:
            about = await self._provider.about()
            code = self._code(answer, about)
            tokens = await self._exchange(about, code, ticket)
            try:
                claims = await self._claims(tokens, ticket.nonce)
            except ForgedError as error:
                sentence = f"What {self.terms.host} says about you cannot be verified: {error}."
                raise NotLetInError(f"{sentence} Tell who looks after Macrogate.") from error
            claims = await self._completed(about, claims, tokens.get("access_token"))
        token = tokens["id_token"] if len(tokens["id_token"]) <= LONGEST_HINT else ""
        return SignedIn(person(claims, self.terms), token, ticket.goal)

    async def sign_out_address(self, token: str, goal: str) -> str:
        """Where somebody signs out at the provider as well (RP-Initiated Logout 1.0 §2), "" if it has no such page or
        cannot be asked. ``goal`` is where it is to send them then."""
        try:
            about = await self._provider.about()
        except ProviderError:
            return ""
        if not about.sign_out:
            return ""
        words = {"client_id": self.terms.client_id, "post_logout_redirect_uri": self.terms.home + goal}
        if token:
            words["id_token_hint"] = token
        return f"{about.sign_out}{'&' if '?' in about.sign_out else '?'}{urlencode(words)}"

    def _code(self, answer: Mapping[str, str], about: Discovered) -> str:
        """What the browser is to hand on to us. Raises ``NotLetInError``."""
        speaker = answer.get("iss")
        if speaker != self.terms.issuer and (speaker is not None or about.names_itself):
            raise NotLetInError(f"This answer is not of {self.terms.host}, where the sign-in began (RFC 9207). {AGAIN}")
        if wrong := answer.get("error"):
            word = clip(wrong, 60) if wrong.isascii() and wrong.replace("_", "").isalnum() else "no"
            raise NotLetInError(f"{self.terms.host} has not signed you in: it says {word}. {AGAIN}")
        code = answer.get("code", "")
        if not 1 <= len(code) <= LONGEST_ANSWER or not code.isprintable() or not code.isascii():
            raise NotLetInError(f"This answer has no code in it. {AGAIN}")
        return code

    async def _exchange(self, about: Discovered, code: str, ticket: Ticket) -> dict[str, Any]:
        """The tokens for a code."""
        try:
            secret = await asyncio.to_thread(read_secret, self.terms.secret)
        except OSError as error:
            reason = f"{self.terms.secret} cannot be read: {error.strerror}" if error.strerror else str(error)
            raise ProviderError(f"client_secret: {reason}") from error
        body, headers = await asyncio.to_thread(_token_request, self.terms, about, code, ticket, secret)
        status, tokens = await self._provider.fetcher.post(about.token, body, headers)
        wrong = tokens.get("error")
        if wrong == "invalid_grant":
            raise NotLetInError(f"{self.terms.host} does not know the code it gave you, or not any more. {AGAIN}")
        if status != 200 or wrong is not None:
            word = clip(str(wrong or "nothing more"), 60)
            raise ProviderError(f"{about.token} answers with status {status}: {word}; look at client_id and its secret")
        if not isinstance(tokens.get("id_token"), str):
            raise ProviderError(f"{about.token} gives no ID token; the scope openid is needed")
        return tokens

    async def _claims(self, tokens: dict[str, Any], nonce: str) -> dict[str, Any]:
        """Those of the ID token, verified. Raises ``ForgedError`` as well."""
        token, access = tokens["id_token"], tokens.get("access_token")
        told = header(token)
        key = fitting(await self._provider.keys(), told) or fitting(await self._provider.keys(newer=True), told)
        if key is None:
            raise ForgedError("it is signed with a key that the provider does not publish")
        return await asyncio.to_thread(
            verified,
            token,
            key,
            issuer=self.terms.issuer,
            client_id=self.terms.client_id,
            nonce=nonce,
            access_token=access if isinstance(access, str) else "",
            now=int(time.time()),
        )

    async def _completed(self, about: Discovered, claims: dict[str, Any], access: object) -> dict[str, Any]:
        """With the claims of the userinfo address, where the ID token lacks one we need: some providers keep it short
        (Core §5.4). What the ID token says itself counts."""
        complete = all(claim(claims, path) is not None for path in (self.terms.name_claim, self.terms.role_claim))
        if complete or not about.userinfo or not isinstance(access, str) or not access.isascii():
            return claims
        more = await self._provider.fetcher.get(about.userinfo, {"Authorization": f"Bearer {access}"})
        if more.get("sub") != claims["sub"]:  # the token could be of somebody else (Core §5.3.2)
            raise NotLetInError(f"{self.terms.host} tells of two different people in one sign-in. {AGAIN}")
        return more | claims


def _question(terms: Terms, about: Discovered, ticket: Ticket, *, other: bool) -> str:
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # slow to load
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    return str(
        prepare_grant_uri(
            about.authorization,
            client_id=terms.client_id,
            response_type="code",
            redirect_uri=terms.callback,
            scope=list(terms.scopes),
            state=ticket.state,
            nonce=ticket.nonce,
            code_challenge=create_s256_code_challenge(ticket.verifier),
            code_challenge_method="S256",
            prompt="login" if other else None,
        )
    )


def _token_request(
    terms: Terms, about: Discovered, code: str, ticket: Ticket, secret: str
) -> tuple[str, dict[str, str]]:
    """Body and headers of the request for the tokens."""
    from authlib.oauth2.auth import ClientAuth  # slow to load
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    body = prepare_token_request(
        "authorization_code", redirect_uri=terms.callback, code=code, code_verifier=ticket.verifier
    )
    name, word = terms.client_id, secret
    if about.basic:  # coded as in a form before it is coded in base64 (RFC 6749 §2.3.1)
        name, word = quote_plus(name), quote_plus(word)
    auth = ClientAuth(name, word, "client_secret_basic" if about.basic else "client_secret_post")
    _, headers, body = auth.prepare("POST", about.token, {}, body)
    return str(body), dict(headers)
