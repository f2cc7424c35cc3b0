"""Places to listen on and to connect to, and whether one is the other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.endpoint import Endpoint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:10024", Endpoint("127.0.0.1", 10024)),
        ("[::1]:25", Endpoint("::1", 25)),
        ("Mail.Example.com:25", Endpoint("mail.example.com", 25)),
        ("unix:/run/x.sock", Endpoint(path="/run/x.sock")),
        ("lmtp:127.0.0.1:24", Endpoint("127.0.0.1", 24, lmtp=True)),
        ("lmtp:unix:/run/lmtp", Endpoint(path="/run/lmtp", lmtp=True)),
        ("0.0.0.0:0", Endpoint("0.0.0.0", 0)),  # noqa: S104 - nothing is bound
    ],
)
def test_parse(text: str, expected: Endpoint) -> None:
    assert Endpoint.parse(text) == expected
    assert Endpoint.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text", ["", "25", ":25", "host", "host:", "host:x", "host:65536", "::1:25", "[h]:25", "unix:x", "a b:1"]
)
def test_no_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no place|is no port number|write the whole path"):
        Endpoint.parse(text)


@settings(max_examples=150)
@given(st.one_of(st.text(max_size=30), st.from_regex(r"(lmtp:)?(\[[0-9a-f:]*\]|[a-z.]*):[0-9]{0,6}", fullmatch=True)))
def test_what_is_read_is_written_the_same(text: str) -> None:
    try:
        endpoint = Endpoint.parse(text)
    except ValueError:
        return
    assert Endpoint.parse(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    ("hop", "listener", "expected"),
    [
        ("127.0.0.1:25", "127.0.0.1:25", True),
        ("lmtp:127.0.0.1:25", "127.0.0.1:25", True),
        ("127.0.0.1:25", "127.0.0.1:26", False),
        ("127.0.0.2:25", "127.0.0.1:25", False),
        ("localhost:25", "127.0.0.1:25", True),
        ("127.0.0.1:25", "localhost:25", True),
        ("[::1]:25", "localhost:25", True),
        ("[0:0::1]:25", "[::1]:25", True),
        ("127.0.0.1:25", "0.0.0.0:25", True),
        ("[::1]:25", "[::]:25", True),
        ("me.test:25", "0.0.0.0:25", True),
        ("0.0.0.0:25", "0.0.0.0:25", True),
        ("192.0.2.1:25", "0.0.0.0:25", False),
        ("other.test:25", "0.0.0.0:25", False),
        ("unix:/x", "unix:/x", True),
        ("unix:/x", "unix:/y", False),
        ("unix:/x", "127.0.0.1:25", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
    ],
)
def test_reaches(hop: str, listener: str, expected: bool) -> None:
    assert Endpoint.parse(hop).reaches(Endpoint.parse(listener), ["me.test"]) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.9:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("unix:/x", True),
        ("0.0.0.0:1", False),
        ("h:1", False),
    ],
)
def test_private(text: str, expected: bool) -> None:
    assert Endpoint.parse(text).private is expected
