"""Only who has the secret makes a link, and it says what it said when it was made."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Envelope, Recipient
from gateway.tokens import BadToken, Links, Request, issue, read

SECRET = b"s" * 32
REQUEST = Request("0123456789abcdef", "bob@example.net", 2_000_000_000)
ADDRESSES = st.binary(max_size=320).map(lambda raw: raw.replace(b"\0", b"").decode("utf-8", "surrogateescape"))


@given(st.text("0123456789abcdef", min_size=16, max_size=32), ADDRESSES, st.integers(1, 1 << 40))
def test_what_was_said_is_read_until_it_ends(held_id: str, recipient: str, expires: int) -> None:
    request = Request(held_id, recipient, expires)
    token = issue(SECRET, request)
    assert read(SECRET, token, expires - 1) == request
    with pytest.raises(BadToken, match="expired"):
        read(SECRET, token, expires)


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_one_other_character_makes_it_nobodys(position: int, character: str) -> None:
    token = issue(SECRET, REQUEST)
    changed = token[: position % len(token)] + character + token[position % len(token) + 1 :]
    if changed != token:
        with pytest.raises(BadToken, match="not one of ours"):
            read(SECRET, changed, 0)


@given(st.text(max_size=50) | st.just("." * 3000))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(BadToken, match="not one of ours"):
        read(SECRET, text, 0)


def test_another_secret_is_refused() -> None:
    with pytest.raises(BadToken):
        read(b"t" * 32, issue(SECRET, REQUEST), 0)


def test_a_link_names_the_one_recipient() -> None:
    links = Links("https://mail.example.net/request", SECRET, 3600)
    link = links("0123456789abcdef", Envelope("a@b", (Recipient("bob@example.net"),)))
    address, _, token = link.partition("?request=")
    assert address == "https://mail.example.net/request"
    request = read(SECRET, token, time.time())
    assert (request.held_id, request.recipient) == ("0123456789abcdef", "bob@example.net")


def test_a_link_that_several_see_names_nobody() -> None:
    links = Links("https://mail.example.net/?page=request", SECRET, 3600)
    link = links("0123456789abcdef", Envelope("a@b", (Recipient("bob@example.net"), Recipient("hidden@example.net"))))
    address, _, token = link.partition("&request=")
    assert address == "https://mail.example.net/?page=request"
    assert read(SECRET, token, time.time()).recipient == ""


def test_the_secret_is_not_shown() -> None:
    assert "ssss" not in repr(Links("https://x", SECRET, 1))
