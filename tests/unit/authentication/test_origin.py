"""Whose name is on a message, and what the MTA in front said about SPF; and no header that takes long."""

import time

import pytest

from gateway.authentication import told, verify
from gateway.authentication.fields import read
from gateway.authentication.origin import NoAuthor, author, mailbox
from gateway.closed_sets import AuthResult
from gateway.message import Checked


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        ("a@Example.COM", "example.com"),
        ("Anna <a@example.com>", "example.com"),
        ('"eve@evil.test" <a@example.com>', "example.com"),
        ("(eve@evil.test (deep)) a@example.com (x)", "example.com"),
        ("<a@example.com>, Bob <b@example.com>", "example.com"),
        ('"a\\"<b>@c"@example.com', "example.com"),
        ("Anna\r\n <a@example.com>", "example.com"),
        ("a@müller.example", "xn--mller-kva.example"),
        ("a@example.com.", "example.com"),
    ],
)
def test_author(value: str, domain: str) -> None:
    assert author(read(f"From: {value}\r\n\r\n".encode())) == domain


@pytest.mark.parametrize(
    "header",
    [
        "",
        "From: \r\n",
        "From: Anna\r\n",
        "From: a@\r\n",
        "From: a@one.test\r\nFrom: a@one.test\r\n",
        "From: a@one.test, b@two.test\r\n",
        "From: <a@one.test> <b@two.test>\r\n",
        "From: a@[192.0.2.1]\r\n",
        "From: a@exa mple\r\n",
        "From: a@\u2603\u0301..test\r\n",
    ],
)
def test_no_single_author(header: str) -> None:
    with pytest.raises(NoAuthor):
        author(read(f"{header}\r\n".encode()))


TOLD = "Authentication-Results: edge.example.com; spf={} smtp.mailfrom=anna@outside.test\r\n"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (TOLD.format("pass"), Checked(AuthResult.PASS, "outside.test")),
        (
            TOLD.format("softfail (because)"),
            Checked(AuthResult.SOFTFAIL, "outside.test", "the front MTA says softfail"),
        ),
        (TOLD.format("hardfail"), Checked(AuthResult.FAIL, "outside.test", "the front MTA says hardfail")),
        (TOLD.format("odd"), Checked(AuthResult.PERMERROR, "outside.test", "the front MTA says odd")),
        (TOLD.format("pass").replace("edge.", "other."), Checked()),
        ("Received: x\r\n" + TOLD.format("pass"), Checked(AuthResult.PASS, "outside.test")),
        ("Received: x\r\nReceived: y\r\n" + TOLD.format("pass"), Checked()),
        (
            TOLD.format("fail") + TOLD.format("pass"),
            Checked(AuthResult.FAIL, "outside.test", "the front MTA says fail"),
        ),
        (
            "Received-SPF: Pass (edge: ok) receiver=Edge.example.com; envelope-from=<a@outside.test>; helo=x\r\n",
            Checked(AuthResult.PASS, "outside.test"),
        ),
        ("Received-SPF: pass receiver=edge.example.com; helo=mail.test\r\n", Checked(AuthResult.PASS, "mail.test")),
        ("Received-SPF: pass receiver=elsewhere.test; envelope-from=a@outside.test\r\n", Checked()),
        ("Authentication-Results: edge.example.com; none\r\n", Checked()),
    ],
)
def test_spf_is_what_a_trusted_host_says(header: str, expected: Checked) -> None:
    assert told.spf(read(f"{header}\r\n".encode()), ("edge.example.com",)) == expected
    assert told.spf(read(f"{header}\r\n".encode()), ()) == Checked()


@pytest.mark.parametrize(
    "piece", [b"(", b"(\\", b'"', b'"\\', b"()", b"<", b"a@", b",", b"\\", b"=", b";", b"v=1;", b" =  "]
)
@pytest.mark.parametrize("name", [b"From", b"DKIM-Signature", b"ARC-Seal", b"Authentication-Results", b"Received-SPF"])
def test_no_header_takes_long(name: bytes, piece: bytes) -> None:
    """Each a quarter of a megabyte: what is quadratic would take hours, so this test would not end."""
    message = name + b": mx;" + piece * (250_000 // len(piece)) + b"\r\n\r\n"
    verify.names(message)
    assert verify.verify(message, (), ("mx",), time.time()).dmarc.result is AuthResult.PERMERROR


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("Anna <a.b+c@Example.COM>", "a.b+c@example.com"),
        ('"eve@evil.test" <a@example.com>', "a@example.com"),
        ("<a@example.com>, Bob <b@example.com>", ""),  # nobody knows whom the reader is shown
        ("a@example.com, b@example.com", ""),
        ('"a b"@example.com', ""),
        ("a b@example.com", ""),
        ("a@b@example.com", ""),
        ("Anna", ""),
    ],
)
def test_mailbox(value: str, address: str) -> None:
    assert mailbox(read(f"From: {value}\r\n\r\n".encode())) == address
