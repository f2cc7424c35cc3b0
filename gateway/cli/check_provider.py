"""Whether the provider of OpenID Connect is there, and is who the configuration says.

Contract: two questions within the limits of ``gateway.web.oidc.fetching``; no secret is sent. What is wrong is a
warning and no mistake: a provider that is away must not keep the gateway from starting, for mail and passwords work
without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from gateway.config import Settings
from gateway.wiring import oidc_terms


def provider(settings: Settings) -> Iterator[str]:
    """Whom it signs in, in words."""
    oidc = settings.http.oidc
    if oidc is not None:
        roles = ", ".join(f"{group} as {role}" for group, role in oidc.roles.items())
        yield f"to the pages whom {oidc.issuer} vouches for: {roles}"


def provider_doubts(settings: Settings) -> Iterator[str]:
    """What is wrong with it, in a sentence."""
    terms = oidc_terms(settings.http)
    if terms is None:
        return
    from gateway.web.oidc import ProviderError  # brings the web server
    from gateway.web.oidc.provider import Provider

    async def ask() -> None:
        provider = Provider(terms)
        await provider.about()
        await provider.keys()

    try:
        asyncio.run(ask())
    except ProviderError as error:
        yield f"http.oidc: {error}"
