"""Decoders equal the standard library on valid input, and go on where it stops on invalid input."""

import base64
import binascii
import itertools
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan import encodings
from tests.makers.mail import uuencode


@given(st.binary(max_size=400))
def test_base64_as_the_standard_library(content: bytes) -> None:
    for encoded in (base64.b64encode(content), base64.encodebytes(content).replace(b"\n", b"\r\n")):
        assert encodings.base64_views(encoded) == (content,)
        assert encodings.base64_views(b"=x" + encoded + b"=y", 2, 2 + len(encoded)) == (content,)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_second_padded_segment_is_not_lost(first: bytes, second: bytes) -> None:
    encoded = base64.b64encode(first) + b"\r\n" + base64.b64encode(second)
    assert encodings.base64_views(encoded)[0] == first + second


@pytest.mark.parametrize(
    ("encoded", "views"),
    [
        (b"QUJDRA==\r\nREVG", (b"ABCDDEF", b"ABCD", b"DEF")),
        (b"Zm9v YmFy", (b"foobar",)),
        (b"Zm9vYg", (b"foob",)),
        (b"Z#m:9.v", (b"foo",)),
        (b"Zm9vY", (b"foo",)),
        (b"-_8=Zm9v", (b"\xfb\xfffoo", b"\xfb\xff", b"foo")),
        (b"", (b"",)),
    ],
)
def test_base64_that_is_not_quite(encoded: bytes, views: tuple[bytes, ...]) -> None:
    assert encodings.base64_views(encoded) == views


def test_many_padded_segments_are_joined_only() -> None:
    encoded = b"".join(base64.b64encode(bytes([number])) for number in range(65, 91))
    assert encodings.base64_views(encoded) == (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",)


@given(st.binary(max_size=300))
def test_quoted_printable_as_the_standard_library(content: bytes) -> None:
    encoded = quopri.encodestring(content)
    assert encodings.quoted_printable(encoded) == quopri.decodestring(encoded)


@given(st.binary(max_size=300))
def test_uuencode_gives_back_what_went_in(content: bytes) -> None:
    text = b"Hello\r\n\r\n" + uuencode(content, "a b.doc") + b"\r\nRegards\r\n"
    assert [(name, found) for name, found, _, _ in encodings.uuencoded(text)] == [("a b.doc", content)]
    assert list(encodings.uu_body(uuencode(content))) == [("file.bin", content)]


def test_uuencode_without_begin_and_with_base64() -> None:
    lines = b"".join(binascii.b2a_uu(b"x" * 45) for _ in range(3))
    assert list(encodings.uu_body(lines)) == [("", b"x" * 135)]
    text = b"begin-base64 644 a.bin\n" + base64.encodebytes(b"y" * 100) + b"====\n"
    assert [(name, content) for name, content, _, _ in encodings.uuencoded(text)] == [("a.bin", b"y" * 100)]


@given(st.binary(max_size=400))
def test_decoders_take_anything(data: bytes) -> None:
    encodings.base64_views(data)
    encodings.quoted_printable(data)
    for head in (b"", b"begin 644 x\n", b"begin-base64 644 x\n"):
        list(encodings.uuencoded(head + data))
        list(encodings.uu_body(head + data))


@given(
    st.lists(st.sampled_from([b"begin 644 a\n", b"begin-base64 644 b\n", b"end\n", b"M###\n", b"QUJD\n", b"====\n"]))
)
def test_blocks_are_found_in_order_and_do_not_overlap(lines: list[bytes]) -> None:
    plain = [(start, end) for _, _, start, end in encodings.uuencoded(b"".join(lines).replace(b"-base64", b""))]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(plain))


@pytest.mark.parametrize("soft", [b"=\r\n", b"= \r\n", b"=\t \r\n", b"= \n"])
def test_blanks_behind_a_soft_line_break_do_not_count(soft: bytes) -> None:
    assert encodings.quoted_printable(b"ab" + soft + b"c=3D \r\nd") == b"abc= \r\nd"
