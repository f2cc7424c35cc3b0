"""Boundaries: one reading where there is no doubt, each that the body bears out where there is."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.message import Span
from gateway.scan import boundaries
from gateway.scan.budget import Budget, Limits, OverLimit


def budget() -> Budget:
    return Budget(Limits())


@pytest.mark.parametrize(
    "text",
    [
        'multipart/mixed; boundary="----=_NextPart_000_0001_01DB.ABC"',
        "multipart/mixed;\tboundary=b1_0a9f; charset=utf-8",
        'multipart/related; type="text/html"; boundary="=_alternative 0049A2C1"',
    ],
)
def test_what_usual_programs_write_is_not_odd(text: str) -> None:
    assert not boundaries.is_odd(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x; boundary=foo", {"foo"}),
        ("x; boundary=(c)foo", {"(c)foo", "foo"}),
        ("x; boundary=f\\oo", {"f\\oo", "foo", "f"}),
        ('x; boundary="a"b', {"a", "b", '"a"b'}),
        ('x; boundary="a', {"a", '"a'}),
        ("x; boundary=a;b", {"a", "a;b"}),
        ("x; boundary=a, boundary=b", {"a", "b"}),
        ("x; boundary=boundary=a", {"boundary", "a", "boundary=a"}),
        ('x; boundary="=?us-ascii?Q?a=62?="', {"ab"}),
        ("x; boundary()=a", {"a"}),
        ("x; boundary= a b", {"a b", "a", "ab"}),
        ("nothing", set()),
    ],
)
def test_readings(text: str, wanted: set[str]) -> None:
    assert wanted <= set(boundaries.readings(text))


@settings(max_examples=200)
@given(st.text(alphabet='ab"\\(),;= ?\0', max_size=300))
def test_readings_are_bounded_and_shorter_than_the_text(text: str) -> None:
    found = boundaries.readings(f"x; boundary={text}; boundary={text}")
    assert len(found) < 10 * boundaries.MAX_READINGS
    assert all(len(reading) <= 2 * len(text) + 20 for reading in found)


def test_lines_are_found_behind_any_line_end_and_blanks() -> None:
    data = b"--a\r\nx--no\r\n \t--b \r--c\v\n\n-- d--\nword --e\n"
    assert boundaries.lines(data, Span(0, len(data)), budget()) == [b"a", b"b", b"c", b" d--"]


def test_used_is_the_whole_of_a_line_and_begun_its_beginning() -> None:
    lines = [b"foo--", b"", b"bar baz"]
    assert boundaries.used([b"foo", b"bar", b""], lines) == [b"foo"]
    assert boundaries.used([b"bar", b""], lines) == [b""]
    assert boundaries.begun([b"b", b"bar", b"foo", b"x"], lines) == [b"bar", b"foo", b"b"]


def test_a_line_that_goes_on_is_odd_unless_a_multipart_inside_says_so() -> None:
    inside = b"--a\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n\r\nx\r\n--ab--\r\n--a--\r\n"
    assert boundaries.split(inside, Span(0, len(inside)), b"a", budget()).doubts == ()
    outside = inside.replace(b"boundary=ab", b"boundary=zz")
    told = boundaries.split(outside, Span(0, len(outside)), b"a", budget()).doubts
    assert [doubt.sentence for doubt in told] == ["lines that only some programs take for boundaries"]


@settings(max_examples=100)
@given(st.lists(st.text(alphabet=string.ascii_letters + " .\n", max_size=60), min_size=1, max_size=8))
def test_what_was_put_together_comes_apart_again(parts: list[str]) -> None:
    contents = [part.encode().replace(b"\n", b"\r\n") for part in parts]
    data = b"".join(b"--x\r\n" + content + b"\r\n" for content in contents) + b"--x--\r\n"
    split = boundaries.split(data, Span(0, len(data)), b"x", budget())
    assert [data[span.start : span.end] for span in split.parts] == contents
    assert split.loose == ()
    assert split.doubts == ()


@settings(max_examples=300)
@given(
    st.lists(
        st.one_of(st.sampled_from([b"--b", b"--", b"\r", b"\n", b" ", b"\v", b"b"]), st.binary(max_size=3)), max_size=40
    ),
    st.sampled_from([b"b", b"", b"bb", b"\r"]),
    st.booleans(),
)
def test_spans_are_in_order_and_inside_whatever_the_bytes(
    pieces: list[bytes], boundary: bytes, leniently: bool
) -> None:
    data = b"".join(pieces)
    body = Span(min(2, len(data)), len(data))
    try:
        split = boundaries.split(data, body, boundary, budget(), leniently=leniently)
    except OverLimit:
        return
    for spans in (split.parts, split.loose):
        position = body.start
        for span in spans:
            assert position <= span.start <= span.end <= body.end
            position = span.end
