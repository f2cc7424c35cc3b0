"""What the provider says about itself: its addresses and its public keys (OpenID Connect Discovery 1.0, RFC 7517).

Contract: both are fetched when they are needed and kept for ``KEPT`` seconds; a key that is not among them has the keys
fetched once more, at most once in ``BETWEEN`` seconds. A provider that could not be used is not asked again for
``PAUSE`` seconds, whoever stands at the door. Everything that goes wrong is a ``ProviderError``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.endpoint import Endpoint
from gateway.message import clip
from gateway.web.oidc import ProviderError, Terms
from gateway.web.oidc.fetching import Fetcher, Place

KEPT = 3600.0
BETWEEN = 30.0
PAUSE = 10.0
MOST_KEYS = 100


@dataclass(frozen=True, slots=True)
class Discovered:
    """Addresses of the provider, "" for what it does not have. ``names_itself``: it says with each answer who it is
    (RFC 9207), ``basic``: it takes the client's secret in a header."""

    authorization: str
    token: str
    keys: str
    userinfo: str
    sign_out: str
    names_itself: bool
    basic: bool


def loopback(issuer: str) -> bool:
    """Whether it is on this machine."""
    return Endpoint(host=urlsplit(issuer).hostname or "", port=1).private


class Provider:
    """The one of ``terms``."""

    def __init__(
        self, terms: Terms, fetcher: Fetcher | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = terms.issuer
        self.fetcher = fetcher or Fetcher(terms.ca, loopback=loopback(terms.issuer))
        self._clock = clock
        self._asking = asyncio.Lock()
        self._about: tuple[float, Discovered] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None
        self._trouble: tuple[float, str] | None = None

    async def about(self) -> Discovered:
        """Raises ``ProviderError``."""
        async with self._asking:
            return await self._discovered()

    async def keys(self, *, newer: bool = False) -> list[dict[str, Any]]:
        """The set of keys, as it is published; fetched once more with ``newer``, if that is not too soon. Raises
        ``ProviderError``."""
        async with self._asking:
            kept = BETWEEN if newer else KEPT
            if self._keys is None or self._clock() - self._keys[0] > kept:
                told = await self._told((await self._discovered()).keys)
                keys = told.get("keys")
                if not isinstance(keys, list) or len(keys) > MOST_KEYS:
                    raise self._failed("what it publishes as its keys is no set of keys")
                self._keys = self._clock(), [key for key in keys if isinstance(key, dict)]
            return self._keys[1]

    async def _discovered(self) -> Discovered:
        if self._about is None or self._clock() - self._about[0] > KEPT:
            told = await self._told(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            try:
                about = discovered(told, self._issuer)
            except ProviderError as error:
                raise self._failed(str(error)) from error
            self._about = self._clock(), about
        return self._about[1]

    async def _told(self, url: str) -> dict[str, Any]:
        if self._trouble is not None and self._clock() - self._trouble[0] <= PAUSE:
            raise ProviderError(self._trouble[1], known=True)
        try:
            return await self.fetcher.get(url)
        except ProviderError as error:
            raise self._failed(str(error)) from error

    def _failed(self, why: str) -> ProviderError:
        self._trouble = self._clock(), why
        return ProviderError(why)


def discovered(told: dict[str, Any], issuer: str) -> Discovered:
    """What the discovery document says. Raises ``ProviderError``: a document of somebody else must not be used
    (Discovery §4.3)."""
    if told.get("issuer") != issuer:
        raise ProviderError(
            f"the provider calls itself {clip(str(told.get('issuer')), 200)!a}, and the configuration calls it "
            f"{issuer!a}; both have to be the same, letter by letter"
        )
    here = loopback(issuer)

    def address(name: str, *, needed: bool = False) -> str:
        value = told.get(name)
        if value is None and not needed:
            return ""
        Place.parse(value, loopback=here)
        return str(value)

    challenges = told.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(challenges, list) or "S256" not in challenges:
        raise ProviderError("the provider knows no PKCE with S256 (RFC 7636), without which codes can be stolen")
    methods = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if not isinstance(methods, list) or not {"client_secret_basic", "client_secret_post"} & set(map(str, methods)):
        raise ProviderError("the provider takes the secret of a client neither by client_secret_basic nor _post")
    return Discovered(
        authorization=address("authorization_endpoint", needed=True),
        token=address("token_endpoint", needed=True),
        keys=address("jwks_uri", needed=True),
        userinfo=address("userinfo_endpoint"),
        sign_out=address("end_session_endpoint"),
        names_itself=told.get("authorization_response_iss_parameter_supported") is True,
        basic="client_secret_basic" in methods,
    )
