"""Decoders give back what went in, go on where the standard stops, and take any bytes within the budget."""

import base64
import binascii
import contextlib
import quopri
import re
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan import encodings
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.encodings import base64_text, binhex, quoted_text, uu, yenc
from tests.makers.codings import binhex as to_binhex
from tests.makers.codings import yenc as to_yenc
from tests.makers.mail import uuencode

FILE = b"PK\x03\x04\n\0\0" + bytes(range(256)) + b"a=b \t\r\nc\n" + bytes(70) + b"the end"
OLE = bytes.fromhex("D0CF11E0A1B11AE1") + FILE
BASE64 = base64.b64encode(FILE)


def budget(size: int = 1 << 20) -> Budget:
    return Budget(Limits(max_unpacked_size=size))


def base64_views(encoded: bytes, start: int = 0, end: int | None = None) -> tuple[bytes, ...]:
    return tuple(base64_text.base64_views(encoded, budget(), start, end))


def quoted_views(encoded: bytes) -> tuple[bytes, ...]:
    return tuple(quoted_text.quoted_views(encoded))


@given(st.binary(max_size=400))
def test_base64_as_the_standard_library(content: bytes) -> None:
    for encoded in (base64.b64encode(content), base64.encodebytes(content).replace(b"\n", b"\r\n")):
        assert base64_views(encoded) == (content,)
        assert base64_views(b"=x" + encoded + b"=y", 2, 2 + len(encoded)) == (content,)


@given(st.binary(max_size=400), st.integers(1, 80))
def test_base64_in_lines_of_any_length(content: bytes, width: int) -> None:
    assert base64_views(b"\n".join(chunks(base64.b64encode(content), width)))[0] == content


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_second_padded_segment_is_not_lost(first: bytes, second: bytes) -> None:
    encoded = base64.b64encode(first) + b"\r\n" + base64.b64encode(second)
    assert base64_views(encoded)[0] == first + second


@pytest.mark.parametrize(
    ("encoded", "views"),
    [
        (b"QUJDRA==\r\nREVG", (b"ABCDDEF", b"ABCD", b"DEF")),
        (b"Zm9v YmFy", (b"foobar",)),
        (b"Zm9vYg", (b"foob",)),
        (b"Z#m:9.v", (b"foo",)),
        (b"Zm9vY", (b"foo",)),
        (b"-_8A", (b"\xfb\xff\x00",)),
        (b"-_8=Zm9v", (b"\xfb\xfffoo", b"\xfb\xff", b"foo")),
        (b"", (b"",)),
    ],
)
def test_base64_that_is_not_quite(encoded: bytes, views: tuple[bytes, ...]) -> None:
    assert base64_views(encoded) == views


def chunks(text: bytes, size: int) -> list[bytes]:
    return [text[at : at + size] for at in range(0, len(text), size)] or [b""]


def one_by_one(content: bytes, size: int) -> list[bytes]:
    return [base64.b64encode(piece) for piece in chunks(content, size)]


@pytest.mark.parametrize(
    "encoded",
    [
        *(junk.join(chunks(BASE64, 1)) for junk in (b" ", b"\t", b"\v", b"\r", b"#", b":", b".", b"%", b"-", b"_")),
        *(b"\n\n".join(chunks(BASE64, size)) for size in (1, 2, 3, 5, 6)),
        b"begin-base64 744 x\n" + BASE64 + b"\n====\n",
        *(junk + b"\n\n" + BASE64 for junk in (b"A", b"AB", b"ABC", b"ABCD", b"ABC=")),
        *(b"\n".join(line + junk for line in chunks(BASE64, 4)) for junk in (b"X", b"XX", b"XXX", b"=")),
        b"\n".join(line + b"#abce01234567fghj" for line in chunks(BASE64, 4)),
        b"\n".join(line + b"#abce01234567fghj" for line in chunks(BASE64, 3)),
        b"=\n" + BASE64,
        b"====\n" + BASE64,
        b"\n".join(b"=" + line for line in chunks(BASE64, 76)),
        b"".join(line[:2] + b"=" + line[2:] for line in chunks(BASE64, 4)),
        b"".join(one_by_one(FILE, 2)),
        b"".join(one_by_one(FILE, 1)),
        b"".join(one_by_one(FILE, 1)).replace(b"==", b"="),
        b"".join(re.sub(rb"(.*)=$", rb"=\1", group) for group in one_by_one(FILE, 2)),
        b"".join(re.sub(rb"(.)(.*)=$", rb"\1=\2", group) for group in one_by_one(FILE, 2)),
        b"".join(re.sub(rb"(..)(.*)=$", rb"\1=\2", group) for group in one_by_one(FILE, 2)),
        re.sub(rb"A==", rb"=A=", b"".join(one_by_one(FILE, 1))),
        re.sub(rb"A(?=.{9})", rb"=", BASE64),
        base64.b64encode(b"an innocent text") + b"\n" + BASE64,
    ],
)
def test_base64_as_it_has_been_bent(encoded: bytes) -> None:
    assert FILE in base64_views(encoded)


def test_many_padded_segments_are_joined_only() -> None:
    encoded = b"".join(base64.b64encode(bytes([number])) for number in range(65, 91))
    assert base64_views(encoded) == (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",)


def test_a_large_attachment_is_decoded_in_one_go() -> None:
    encoded = base64.encodebytes(FILE * 8000).replace(b"\n", b"\r\n")
    began = time.process_time()
    (content,) = base64_text.base64_views(encoded, budget())
    assert len(content) == len(FILE) * 8000
    assert time.process_time() - began < 0.5


@given(st.binary(max_size=300))
def test_quoted_printable_as_the_standard_library(content: bytes) -> None:
    encoded = quopri.encodestring(content)
    assert quoted_views(encoded)[0] == quopri.decodestring(encoded)


@pytest.mark.parametrize("soft", [b"=\r\n", b"= \r\n", b"=\t \r\n", b"= \n", b"=\r", b"=\r\r\n"])
def test_soft_line_breaks_of_any_form(soft: bytes) -> None:
    assert quoted_views(b"ab" + soft + b"c=3D \r\nd") == (b"abc= \r\nd",)


def test_a_broken_escape_stays_as_it_is() -> None:
    assert quoted_views(b"1==2=XY=4") == (b"1==2=XY=4",)
    assert quoted_views(b"==41=") == (b"=A",)


def every(pattern: str, content: bytes = OLE) -> bytes:
    return b"".join(pattern.encode() % byte for byte in content)


def escaped(content: bytes) -> bytes:
    return re.sub(rb"(?s)[\0- =\x7f-\xff]", lambda found: b"=%02X" % found[0][0], content)


@pytest.mark.parametrize(
    "encoded",
    [
        every("=%02x"),
        *(every("=%02X" + tail) for tail in ("=\n", "= \n", "=\t\r\n", "=\r", "=\r\r\n", "=\r\n\n", "\r\n", " \n")),
        *(every(odd + "=%02X=\n") for odd in ("=", "=0", "=0X", "=XX", "= ", "=  ", "=@", "=\x12", "=0x", "= =", "=2")),
        *(every(odd + "=%02X") for odd in ("\t", "\x12", " ", "\v")),
        re.sub(rb"(=.)(.)(=..)", rb"\1\r\2\3", every("=%02X")),
        re.sub(rb"(=.)(.)(=..)", rb"\1\n\2\3", every("=%02X")),
        re.sub(rb"(=.)(.)(=..)", rb"\1=\r\n\2\3", every("=%02X")),
        re.sub(rb"([^=0-9A-Fa-f])", rb"=\1", escaped(OLE)),
        re.sub(rb"([^=0-9A-Fa-f])", rb"=0\1", escaped(OLE)),
        b" " + every("=%02X=\r\n "),
    ],
)
def test_quoted_printable_as_it_has_been_bent(encoded: bytes) -> None:
    assert OLE in quoted_views(encoded)


@given(st.binary(max_size=300))
def test_uuencode_gives_back_what_went_in(content: bytes) -> None:
    text = b"Hello\r\n\r\n" + uuencode(content, "a b.doc") + b"\r\nRegards\r\n"
    assert list(uu.blocks(text)) == [("a b.doc", content)]
    assert list(uu.body(uuencode(content))) == [("file.bin", content)]


def test_uuencode_without_begin_and_with_base64() -> None:
    lines = b"".join(binascii.b2a_uu(b"x" * 45) for _ in range(3))
    assert list(uu.body(lines)) == [("", b"x" * 135)]
    text = b"begin-base64 644 a.bin\n" + base64.encodebytes(b"y" * 100) + b"====\n"
    assert list(uu.blocks(text)) == [("a.bin", b"y" * 100)]


@given(st.binary(max_size=600), st.integers(1, 130))
def test_yenc_gives_back_what_went_in(content: bytes, width: int) -> None:
    text = b"Hello\r\n" + to_yenc(content, "a b.doc", width=width) + b"\r\nRegards\r\n"
    assert list(yenc.blocks(text, budget())) == [("a b.doc", content, False)]
    assert list(yenc.body(to_yenc(content, width=width), budget())) == [("a.doc", content)]


def test_yenc_in_parts_and_without_its_end() -> None:
    text = to_yenc(b"abc", head="part=2 total=3 ").replace(b"\r\n", b"\r\n=ypart begin=1 end=3\r\n", 1)
    assert list(yenc.blocks(text, budget())) == [("a.doc", b"abc", True)]
    cut = to_yenc(b"abc").partition(b"=yend")[0]
    assert list(yenc.blocks(cut, budget())) == [("a.doc", b"abc", False)]


@given(st.binary(max_size=600) | st.lists(st.sampled_from([b"\x90", b"\0" * 300, b"ab"])).map(b"".join), st.booleans())
def test_binhex_gives_back_what_went_in(content: bytes, runs: bool) -> None:
    text = b"Hello\r\n" + to_binhex(content, "b.doc", resource=b"fork", runs=runs) + b"\r\nRegards\r\n"
    assert list(binhex.blocks(text, budget())) == [("b.doc", content), ("b.doc/resource fork", b"fork")]
    bare = to_binhex(content).partition(b"\r\n")[2]
    assert list(binhex.body(bare, budget())) == [("a.doc", content)]


def test_runs_are_paid_for() -> None:
    with pytest.raises(OverLimit):
        list(binhex.blocks(to_binhex(bytes(100_000)), budget(1000)))


@pytest.mark.parametrize("word", ["deflate", "x-deflate"])
@pytest.mark.parametrize("window", [-15, 15])
def test_a_deflated_body(word: str, window: int) -> None:
    packer = zlib.compressobj(wbits=window)
    packed = packer.compress(FILE) + packer.flush()
    for body in (packed, base64.encodebytes(packed)):
        assert [*encodings.decoded(encodings.CODINGS[word], body, 0, len(body), budget())] == [("", FILE)]


@given(
    st.binary(max_size=400)
    | st.lists(st.sampled_from([b"begin 644 a\n", b"end\n", b"M###\n", b"QUJD\n", b"====\n", b"=\r", b"=yend\n"])).map(
        b"".join
    ),
    st.sampled_from([b"", b"begin 644 x\n", b"begin-base64 644 x\n", b"=ybegin name=x\n", binhex.BEGIN + b"\n:"]),
)
def test_decoders_take_anything_and_are_paid(data: bytes, head: bytes) -> None:
    for coding in set(encodings.CODINGS.values()):
        purse = budget()
        contents = [content for _, content in encodings.decoded(coding, head + data, 0, len(head + data), purse)]
        assert purse.unpacked >= sum(map(len, contents))


@given(st.binary(max_size=60), st.sampled_from(sorted(set(encodings.CODINGS.values()))))
def test_nothing_is_produced_beyond_the_budget(data: bytes, coding: str) -> None:
    for cut in range(0, len(data), 7):
        with contextlib.suppress(OverLimit):
            contents = encodings.decoded(coding, data, 0, len(data), budget(cut))
            assert sum(len(content) for _, content in contents) <= cut
