"""The HTTP port: ``/metrics``, ``/healthz``, ``/readyz``, and the pages (``gateway.web.site``).

Contract: serves what it is handed and knows nothing of SMTP, the scan or the store. ``/healthz`` says that the process
runs (200 always); ``/readyz`` says whether mail can flow: 200, or 503 with the reasons, one JSON object either way.
Binds to loopback by default: metrics are not for strangers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from gateway import __version__

Ready = Callable[[], Awaitable[dict[str, str]]]
"""Reasons why mail cannot flow, by component; empty means ready."""

INDEX = f"Macrogate {__version__}\n\n/metrics  for Prometheus\n/healthz  the process runs\n/readyz   mail can flow\n"


def application(
    registry: CollectorRegistry,
    refresh: Callable[[], Awaitable[None]],
    ready: Ready,
    pages: Sequence[BaseRoute] = (),
) -> Starlette:
    """The ASGI application. ``refresh`` brings gauges up to date before a scrape; without ``pages`` there is a list of
    what there is."""

    async def metrics(request: Request) -> Response:
        await refresh()
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=content_type, headers={"Cache-Control": "no-store"})

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        reasons = await ready()
        state = {"status": "not ready", "reasons": reasons} if reasons else {"status": "ready"}
        return JSONResponse(state, status_code=503 if reasons else 200)

    async def index(_request: Request) -> Response:
        return PlainTextResponse(INDEX)

    return Starlette(
        routes=[
            *(pages or [Route("/", index)]),
            Route("/metrics", metrics),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
        ]
    )
