"""Blocks in text: found when they decode to a file, left alone when they are words or pictures."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Kind
from gateway.scan import inline
from tests.makers.looks import SHORTCUT, look
from tests.makers.mail import encode, uuencode
from tests.makers.wrappers import armour

FILE = SHORTCUT + bytes(600)
BLOCK = base64.encodebytes(FILE)


@pytest.mark.parametrize(
    "text",
    [
        BLOCK,
        b"Dear all,\r\n\r\n" + BLOCK.replace(b"\n", b"\r\n") + b"\r\nRegards",
        b"> " + BLOCK.replace(b"\n", b"\n> "),
        b" " + BLOCK.replace(b"\n", b"\r\n "),
        b"x" + BLOCK,
        b'<a href="data:application/octet-stream;base64,' + base64.b64encode(FILE) + b'">',
        base64.urlsafe_b64encode(FILE),
    ],
)
def test_base64_that_is_a_file(text: bytes) -> None:
    handed = look(inline.unpack, text).handed
    assert [content[: len(SHORTCUT)] for _, content in handed] == [SHORTCUT]


@pytest.mark.parametrize(
    "text",
    [
        b"just words " * 1000,
        base64.encodebytes(b"only text again, nothing else " * 40),
        base64.encodebytes(b"\x89PNG\r\n\x1a\n" + bytes(1000)),
        base64.encodebytes(SHORTCUT[:40]),
        b"https://example.com/" + b"a" * 400,
    ],
)
def test_what_is_no_file(text: bytes) -> None:
    assert look(inline.unpack, text).handed == []


def test_uuencoded_blocks_have_their_names() -> None:
    text = uuencode(b"one", "1.doc") + b"words\r\n" + uuencode(b"two", "2.doc")
    assert look(inline.unpack, text).handed == [("1.doc", b"one"), ("2.doc", b"two")]


def test_what_cannot_be_undone_is_told() -> None:
    part = b"x\n=ybegin part=1 total=2 line=128 size=9 name=a.doc\n=ypart begin=1 end=3\nabc\n=yend size=3\n"
    assert look(inline.unpack, part).kinds == {Kind.CORRUPT}
    assert look(inline.unpack, b"x\n" + armour(b"none of its packets" * 4)).kinds == {Kind.ENCRYPTED}
    assert look(inline.unpack, b"x\n-----BEGIN PGP MESSAGE-----\nis how it begins\n").kinds == set()


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_any_text(before: bytes, after: bytes) -> None:
    look(inline.unpack, before + BLOCK[:700] + after)


def test_a_nul_in_front_hides_nothing() -> None:
    assert look(inline.unpack, b"\0text\r\n" + uuencode(b"one", "1.doc")).handed == [("1.doc", b"one")]


def test_a_document_in_quoted_printable_that_was_encoded_once_more() -> None:
    text = b"Hello\r\n" + encode(samples.doc(), "quoted-printable")
    assert look(inline.unpack, text).handed == [("quoted-printable text", samples.doc())]
    assert look(inline.unpack, b"the bytes =00=00 are zeros\r\n" * 40).handed == []
