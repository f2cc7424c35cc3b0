"""The HTTP port as a monitoring system sees it."""

import asyncio
import json
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry, Counter

from gateway.web import application
from gateway.web.server import WebServer


def fetch(port: int, path: str, accept: str = "*/*", method: str = "GET") -> tuple[int, str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


async def test_metrics_health_and_readiness() -> None:
    registry = CollectorRegistry()
    Counter("macrogate_x_total", "x", registry=registry)
    reasons: dict[str, str] = {}
    refreshed: list[int] = []

    async def refresh() -> None:
        refreshed.append(1)

    async def ready() -> dict[str, str]:
        return reasons

    server = WebServer(application(registry, refresh, ready))
    port = await server.start("127.0.0.1", 0)
    try:
        status, kind, text = await asyncio.to_thread(fetch, port, "/metrics")
        assert (status, refreshed) == (200, [1])
        assert kind.startswith("text/plain")
        assert "macrogate_x_total 0.0" in text
        _, kind, _ = await asyncio.to_thread(fetch, port, "/metrics", "application/openmetrics-text; version=1.0.0")
        assert kind.startswith("application/openmetrics-text")
        assert (await asyncio.to_thread(fetch, port, "/healthz"))[0] == 200
        assert (await asyncio.to_thread(fetch, port, "/readyz"))[0] == 200
        reasons["next-hop"] = "refused"
        status, _, text = await asyncio.to_thread(fetch, port, "/readyz")
        assert status == 503
        assert json.loads(text)["reasons"] == {"next-hop": "refused"}
        assert (await asyncio.to_thread(fetch, port, "/metrics", "*/*", "POST"))[0] == 405
        assert (await asyncio.to_thread(fetch, port, "/nothing"))[0] == 404
        assert "/metrics" in (await asyncio.to_thread(fetch, port, "/"))[2]
    finally:
        await server.stop()


async def test_a_taken_port_is_said_at_once() -> None:
    async def nothing() -> None: ...

    async def ready() -> dict[str, str]:
        return {}

    first = WebServer(application(CollectorRegistry(), nothing, ready))
    port = await first.start("127.0.0.1", 0)
    second = WebServer(application(CollectorRegistry(), nothing, ready))
    try:
        with pytest.raises(OSError, match="in use"):
            await second.start("127.0.0.1", port)
    finally:
        await second.stop()
        await first.stop()
