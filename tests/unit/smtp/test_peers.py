"""Who is who, and how many of them."""

from ipaddress import ip_network

import pytest

from gateway.message import Client
from gateway.smtp.peers import Guests, client_at, client_told
from gateway.smtp.protocol import CommandError


@pytest.mark.parametrize(
    ("peername", "client"),
    [
        (("192.0.2.1", 25), Client("192.0.2.1", 25)),
        (("::ffff:192.0.2.1", 25, 0, 0), Client("192.0.2.1", 25)),
        (("fe80::1%eth0", 25, 0, 2), Client("fe80::1", 25)),
        ("", Client()),
        (None, Client()),
    ],
)
def test_the_socket_names_the_client(peername: object, client: Client) -> None:
    assert client_at(peername) == client


def test_what_a_trusted_peer_tells() -> None:
    known = Client("127.0.0.1", 1, helo="mx")
    told = client_told("NAME=a.example ADDR=IPV6:2001:DB8::1 PORT=[UNAVAILABLE] PROTO=SMTP", "XCLIENT", known)
    assert told == Client("2001:db8::1", 0, "a.example", "mx", "SMTP")
    assert client_told("IDENT=1 SOURCE=LOCAL", "XFORWARD", known) == known


@pytest.mark.parametrize(
    ("argument", "verb"),
    [
        ("ADDR=example.com", "XCLIENT"),
        ("ADDR=IPV6:", "XCLIENT"),
        ("PORT=65536", "XCLIENT"),
        ("PORT=-1", "XFORWARD"),
        ("PORT=²", "XFORWARD"),
        ("LOGIN=root", "XCLIENT"),
        ("IDENT=1", "XCLIENT"),
    ],
)
def test_what_nobody_may_tell(argument: str, verb: str) -> None:
    with pytest.raises(CommandError):
        client_told(argument, verb, Client())


def test_sessions_are_counted_by_address_and_by_ipv6_network() -> None:
    guests = Guests((), 100, 2)
    assert [guests.enter(Client("192.0.2.1", port)) for port in range(3)] == [True, True, False]
    assert [guests.enter(Client(f"2001:db8::{host}")) for host in (1, 2, 3)] == [True, True, False]
    assert guests.enter(Client("2001:db8:0:1::1"))
    guests.leave(Client("192.0.2.1"))
    assert guests.enter(Client("192.0.2.1"))


def test_trusted_peers_have_a_share_of_their_own_and_no_limit_per_client() -> None:
    guests = Guests((ip_network("192.0.2.0/24"),), 10, 1)
    assert [guests.enter(Client(f"198.51.100.{host}")) for host in range(10)] == [True] * 9 + [False]
    assert guests.enter(Client("192.0.2.1"))
    assert not guests.enter(Client("192.0.2.1"))
    assert guests.trusts(Client("192.0.2.9"))
    assert not guests.trusts(Client("2001:db8::1"))


def test_counts_of_clients_that_left_take_no_memory() -> None:
    guests = Guests((), 10, 1)
    for host in range(200):
        assert guests.enter(Client(f"192.0.2.{host}"))
        guests.leave(Client(f"192.0.2.{host}"))
    assert not guests._by_origin
