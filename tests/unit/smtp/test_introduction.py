"""XCLIENT and XFORWARD: the client's identity cannot break out of its attribute (S48)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Client
from gateway.smtp.introduction import MAX_COMMAND, UNAVAILABLE, XCLIENT, XFORWARD, attributes, commands, xtext

ALL = " ".join(XFORWARD)


def test_everything_known_is_told() -> None:
    client = Client("192.0.2.7", 4711, "mx.example.org", "mail.example.org", "ESMTP")
    assert commands("XFORWARD", ALL, attributes(client, "ABC123"), XFORWARD) == [
        b"XFORWARD NAME=mx.example.org ADDR=192.0.2.7 PORT=4711 PROTO=ESMTP HELO=mail.example.org IDENT=ABC123"
        b" SOURCE=REMOTE\r\n"
    ]


def test_what_is_unknown_is_said_to_be_unavailable() -> None:
    assert commands("XCLIENT", ALL, attributes(Client()), XCLIENT) == [
        b"XCLIENT NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] PROTO=ESMTP HELO=[UNAVAILABLE]\r\n"
    ]


def test_only_attributes_the_hop_lists_are_sent() -> None:
    known = attributes(Client("192.0.2.7", 25, "n.example", "h.example"), "ID")
    assert commands("XFORWARD", "addr helo LOGIN", known, XFORWARD) == [b"XFORWARD ADDR=192.0.2.7 HELO=h.example\r\n"]
    assert commands("XFORWARD", "", known, XFORWARD) == []


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("2001:db8::1", "IPV6:2001:db8::1"),
        ("2001:DB8:0:0::1", "IPV6:2001:db8::1"),
        ("fe80::1%eth0", "IPV6:fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("localhost", UNAVAILABLE),
        ("", UNAVAILABLE),
    ],
)
def test_addresses_in_the_words_of_postfix(address: str, value: str) -> None:
    assert attributes(Client(address))["ADDR"] == value


@pytest.mark.parametrize("helo", ["a b", "a\r\nRCPT TO:<z@x>", "a\0", "ä.example", "x" * 256, "\x7f", "a\tb"])
def test_a_name_that_is_none_is_not_passed_on(helo: str) -> None:
    assert attributes(Client(helo=helo))["HELO"] == UNAVAILABLE


def test_an_attribute_cannot_smuggle_another() -> None:
    assert xtext("x+0D+0ARCPT=") == b"x+2B0D+2B0ARCPT+3D"


def test_long_values_are_spread_over_several_commands() -> None:
    client = Client("192.0.2.7", 25, "n" * 255, "h" * 255)
    lines = commands("XFORWARD", ALL, attributes(client, "ID"), XFORWARD)
    assert len(lines) == 2
    assert all(len(line) <= MAX_COMMAND for line in lines)
    assert b"".join(lines).count(b"=") == len(XFORWARD)


@given(st.builds(Client, address=st.text(), port=st.integers(0, 65535), name=st.text(), helo=st.text()), st.text())
def test_whatever_a_client_says_every_command_is_one_line_of_words(client: Client, ident: str) -> None:
    for line in commands("XFORWARD", ALL, attributes(client, ident), XFORWARD):
        assert line.endswith(b"\r\n")
        words = line[:-2].split(b" ")
        assert words[0] == b"XFORWARD"
        for word in words[1:]:
            name, equals, value = word.partition(b"=")
            assert name.decode() in XFORWARD
            assert equals
            assert value
            assert all(0x21 <= octet <= 0x7E and octet != 0x3D for octet in value)
