"""Addresses of next hops, and the choice between several IP addresses of one name (F70)."""

import asyncio
import socket

import pytest

from gateway.endpoint import Endpoint
from gateway.smtp import wire
from gateway.smtp.wire import Wire, connect
from tests.stubs.next_hop import StubHop


def resolve_to(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    async def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port)) for address in hosts]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_an_address_that_refuses_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    async with StubHop() as hop:
        resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
        connection = await connect(Endpoint("two.example", hop.port))
        assert (await connection.reply()).code == 220
        connection.abort()


async def test_an_address_that_does_not_answer_is_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address never completes; the second is tried beside it, and the first is given up."""
    given_up = asyncio.Event()
    real = wire._connect_to

    async def connect_to(host: str, port: int) -> Wire:
        if host == "192.0.2.1":
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
        return await real(host, port)

    monkeypatch.setattr(wire, "_connect_to", connect_to)
    async with StubHop() as hop:
        resolve_to(monkeypatch, "192.0.2.1", "127.0.0.1")
        connection = await connect(Endpoint("two.example", hop.port))
        await given_up.wait()
        connection.abort()


async def test_of_two_that_answer_at_once_one_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "STAGGER", 0.0)
    async with StubHop() as hop, StubHop(host="127.0.0.2", port=hop.port) as other:
        resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
        connection = await connect(Endpoint("both.example", hop.port))
        assert (await connection.reply()).code == 220
        await hop.until(lambda _: hop.open + other.open <= 1)
        connection.abort()


async def test_a_name_whose_addresses_all_fail_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async with StubHop() as hop:
        port = hop.port
    resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    with pytest.raises(OSError, match=r"refused|failed"):
        await connect(Endpoint("down.example", port))


async def test_a_name_without_addresses_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch)
    with pytest.raises(OSError, match="no address"):
        await connect(Endpoint("none.example", 25))
