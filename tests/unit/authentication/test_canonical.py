"""The canonical body is that of dkimpy, whatever the bytes and however they come in pieces."""

import hashlib

import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.authentication.canonical import BodyHash, body_hash

BODIES = st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"word ", b".", b"\0"])).map(
    b"".join
)


@pytest.mark.parametrize(("relaxed", "form"), [(True, Relaxed), (False, Simple)])
@given(body=BODIES, cuts=st.lists(st.integers(1, 7)), limit=st.none() | st.integers(0, 20))
@example(body=b"", cuts=[], limit=None)
@example(body=b"a \r", cuts=[3], limit=None)
@example(body=b"a\r\r\n\r\n", cuts=[], limit=None)
def test_as_dkimpy_has_it(relaxed: bool, form: type, body: bytes, cuts: list[int], limit: int | None) -> None:
    canonical = form.canonicalize_body(body)
    hashing, rest = BodyHash(relaxed=relaxed, limit=limit), body
    for cut in cuts:
        hashing.update(rest[:cut])
        rest = rest[cut:]
    hashing.update(rest)

    assert hashing.digest() == hashlib.sha256(canonical[:limit]).digest()
    assert hashing.length == len(canonical)


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b"x" + b"\r\n" * 300_000, b"x\r\n"),
        (b"\r\n" * 300_000, b""),
        (b"\r\n" * 300_000 + b"x", b"\r\n" * 300_000 + b"x\r\n"),
        (b"x" + b" \t" * 300_000 + b"\r\n" * 5, b"x\r\n"),
        (b" " * 700_000 + b"x\r\n", b" x\r\n"),
        (b"\r" * 600_000 + b"\r\n", b"\r" * 600_000 + b"\r\n"),
    ],
)
def test_runs_longer_than_a_piece(body: bytes, canonical: bytes) -> None:
    """dkimpy takes minutes for some of these: its search for blanks at the ends of lines is quadratic."""
    assert body_hash(body, 0, relaxed=True) == (hashlib.sha256(canonical).digest(), len(canonical))
