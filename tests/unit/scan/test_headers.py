"""Header blocks are read as tolerantly as mail programs do, every byte accounted for, and every oddity told."""

import email.header
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.scan.budget import OverLimit
from gateway.scan.headers import PLAINLY, Block, decode_words, made_plain, parse_value, read_block
from tests.makers.mail import raw


def block(text: str | bytes) -> Block:
    data = text if isinstance(text, bytes) else raw(text)
    return read_block(data, 0, len(data), 1 << 18)


def test_fields_are_unfolded_and_know_their_bytes() -> None:
    data = raw("Subject: one\n two\nX: y\n\nbody")
    found = read_block(data, 0, len(data), 1000)
    assert found.all("subject")[0] == "one two"
    assert [data[field.span.start : field.span.end] for field in found.fields] == [
        b"Subject: one\r\n two\r\n",
        b"X: y\r\n",
    ]
    assert data[found.body :] == b"body"
    assert found.doubts == ()


def test_an_empty_entity_does_not_begin_behind_its_end() -> None:
    data = b"\r\n--boundary"
    assert read_block(data, 0, 0, 1000).body == 0
    assert read_block(data, 0, 1, 1000).body <= 1


def test_a_value_that_begins_on_the_next_line_is_read() -> None:
    assert block("Content-Transfer-Encoding:\n base64\n\n").all("content-transfer-encoding")[0] == "base64"


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (b"\r\nbody", b"body"),
        (b"\nbody", b"body"),
        (b"A: b\r\n\r\nbody", b"body"),
        (b"A: b\n\nbody", b"body"),
        (b"A: b\n\r\nbody\r\n\r\nmore", b"body\r\n\r\nmore"),
        (b"no header at all", b"no header at all"),
        (b"A: b\r\n", b""),
    ],
)
def test_where_the_body_begins(text: bytes, body: bytes) -> None:
    assert text[block(text).body :] == body


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("A: b\njunk line\nC: d\n\n", "no field"),
        (b"A: b\rC: d\r\n\r\n", "carriage return"),
        (b"A: b\x00\r\n\r\n", "zero byte"),
        ("Content-Type : text/plain\n\n", "before the colon"),
    ],
)
def test_oddities_are_told(text: str | bytes, word: str) -> None:
    assert any(word in doubt.sentence for doubt in block(text).doubts)


def test_an_mbox_line_in_front_is_no_oddity() -> None:
    assert block("From ada Mon Jan  5 2026\nA: b\n\n").doubts == ()


def test_a_header_beyond_the_limit_is_refused() -> None:
    data = b"A: " + b"x" * 2000 + b"\r\n\r\nbody"
    with pytest.raises(OverLimit, match="header"):
        read_block(data, 0, len(data), 1000)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('multipart/mixed; boundary="a b"', ["a b"]),
        ("multipart/mixed; boundary=ab ", ["ab"]),
        ("multipart/mixed; x:y=1; boundary=foo", ["foo"]),
        (r'multipart/mixed; boundary="a\"b"', ['a"b']),
        ("multipart/mixed; (boundary=no) boundary=yes", ["yes"]),
        ("multipart/mixed; boundary=a; boundary=b", ["a", "b"]),
        ("multipart/mixed; boundary*=us-ascii''a%20b", ["a b"]),
        ("multipart/mixed; boundary*0=a; boundary*1=b", ["ab"]),
        ("multipart/mixed; boundary*1=b; boundary*0*=utf-8''%61", ["ab", "butf-8''a"]),
        ("multipart/mixed; boundary*0=a; boundary*0=x; boundary*2=b", ["ab", "xb", "axb"]),
        ("multipart/mixed; boundary*2=b; boundary*1=a", ["ab", "ba"]),
        ("multipart/mixed; boundary*0=a%20b", ["a%20b", "a b"]),
        ("multipart/mixed; boundary*=utf-16''a%00b%00", ["ab"]),
        ("multipart/mixed; boundary*=utf-16''%00a%00b", ["ab"]),
        ("multipart/mixed; boundary*=utf-8''x; boundary=y", ["x", "y"]),
        ("multipart/mixed", []),
    ],
)
def test_every_reading_of_a_parameter(text: str, values: list[str]) -> None:
    found = parse_value(text)
    assert found.token == "multipart/mixed"
    assert found.all("boundary") == values


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=?utf-8?B?5pel5pys?= x", "日本 x"),
        ("=?iso-8859-1?q?caf=E9_au?=", "café au"),
        ("=?utf-8?B?5pel?= =?utf-8?B?5pys?=", "日本"),
        ("=?utf-8?B?5pc=?= =?utf-8?B?pQ==?=", "日"),
        ("=?unknown-8bit?q?=41?=", "A"),
        ("=?idna?q?=41?=", "A"),
        ("plain", "plain"),
        ("=?broken", "=?broken"),
    ],
)
def test_encoded_words(text: str, shown: str) -> None:
    assert decode_words(text) == shown


@given(st.text(alphabet=string.ascii_letters + "äöü日本 ", max_size=60))
def test_encoded_words_of_the_standard_library_are_decoded(text: str) -> None:
    encoded = email.header.Header(text, "utf-8").encode()
    assert decode_words(encoded.replace("\n", "")) == text.strip() or decode_words(encoded.replace("\n", "")) == text


@settings(max_examples=200)
@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_give_a_block_inside_them(data: bytes, start: int) -> None:
    start = min(start, len(data))
    found = read_block(data, start, len(data), 1000)
    assert start <= found.span.start <= found.span.end <= found.body <= len(data)
    position = found.span.start
    for field in found.fields:
        assert position <= field.span.start < field.span.end <= found.span.end
        position = field.span.end
        parse_value(field.value).all("name")
        decode_words(field.value)


@settings(max_examples=50)
@given(st.lists(st.sampled_from([b"A: b\r\n", b" more\r\n", b"junk\r\n", b"\r\n", b"C-D:\te\n", b"\n"]), max_size=8))
def test_byte_by_byte_a_block_only_grows(lines: list[bytes]) -> None:
    data = b"".join(lines)
    whole = read_block(data, 0, len(data), 1000)
    for end in range(len(data)):
        part = read_block(data, 0, end, 1000)
        assert len(part.fields) <= len(whole.fields) + 1


def test_a_million_continuations_take_no_time_worth_naming() -> None:
    data = b"A: b\r\n" + b" c\r\n" * 60_000 + b"\r\n"
    assert len(read_block(data, 0, len(data), 1 << 18).fields) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"A: b\rContent-Type: x/y\r\n\r\n",
        b"A: b\r\n\0Content-Type: x/y\r\n\r\n",
        b"A: b\r\n \t Content-Type: x/y\r\n\r\n",
        b"A: b\vContent-Type: x/\0y\r\r",
    ],
)
def test_made_plain_every_field_is_a_field(data: bytes) -> None:
    found = block(made_plain(data))
    assert found.all("content-type")[0] == "x/y"
    assert PLAINLY.isdisjoint(found.doubts)


@settings(max_examples=200)
@given(st.lists(st.sampled_from([b"\r", b"\n", b"\0", b" ", b"\v", b"Content-Type: a/b", b"A: b"]), max_size=20))
def test_what_was_made_plain_stays_as_it_is(pieces: list[bytes]) -> None:
    plain = made_plain(b"".join(pieces))
    assert made_plain(plain) == plain
    assert PLAINLY.isdisjoint(read_block(plain, 0, len(plain), 1000).doubts)
