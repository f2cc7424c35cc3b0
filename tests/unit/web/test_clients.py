"""The client's address is what a trusted proxy says it is, and nobody else."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from gateway.web.clients import address_of, comes_from, is_local

PROXIES = (ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"))


def request(peer: str, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Request({"type": "http", "client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),  # no proxy of ours
        ("127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["1.2.3.4, 198.51.100.7"], "198.51.100.7"),  # what stands before was written by the client
        ("127.0.0.1", ["1.2.3.4", "198.51.100.7"], "198.51.100.7"),
        ("127.0.0.1", ["198.51.100.7, 10.1.2.3"], "198.51.100.7"),
        ("::ffff:127.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("127.0.0.1", ["nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7, nonsense"], "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("testclient", ["198.51.100.7"], "testclient"),
    ],
)
def test_the_client_is_the_first_that_is_no_proxy_of_ours(peer: str, forwarded: list[str], client: str) -> None:
    assert address_of(request(peer, *forwarded), PROXIES) == client


@pytest.mark.parametrize(
    ("peer", "forwarded", "ours"),
    [
        ("127.0.0.1", [], True),
        ("::ffff:10.0.0.1", ["198.51.100.7"], True),
        ("192.0.2.1", ["127.0.0.1"], False),
        ("testclient", [], False),
    ],
)
def test_who_the_peer_is_no_header_says(peer: str, forwarded: list[str], ours: bool) -> None:
    assert comes_from(request(peer, *forwarded), PROXIES) is ours


def test_without_proxies_nothing_is_believed() -> None:
    assert address_of(request("127.0.0.1", "198.51.100.7"), ()) == "127.0.0.1"


@pytest.mark.parametrize(("address", "local"), [("127.0.0.9", True), ("::1", True), ("192.0.2.1", False), ("x", False)])
def test_what_is_local(address: str, local: bool) -> None:
    assert is_local(address) is local
