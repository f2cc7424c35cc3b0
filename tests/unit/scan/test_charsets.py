"""Character sets: what is hidden by one comes to light, what every program reads is left alone."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import FileType
from gateway.scan import Limits, charsets, examine
from tests.makers import mail
from tests.makers.looks import RULES, SHORTCUT

TEXT = "Hello\r\n\r\nbegin 644 a.doc\r\n"


def respelt(content: bytes, charset: str) -> bytes | None:
    found = charsets.respelt(content, [f"text/plain; charset={charset}"])
    return found[1] if found else None


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("utf-16", "utf-16"),
        ("utf-16", "utf-16-le"),
        ("utf-16", "utf-16-be"),
        ("UTF-16LE", "utf-16-be"),
        ("ISO-10646-UCS-2", "utf-16-be"),
        ("unicode", "utf-16-le"),
        ("utf-32", "utf-32"),
        ("utf-32", "utf-32-le"),
        ("UCS-4", "utf-32-be"),
        ("cp037", "cp037"),
        ("IBM01140", "cp037"),
        ("ibm-500", "cp500"),
        ("EBCDIC-CP-US", "cp037"),
        ("x-ebcdic-germany", "cp273"),
    ],
)
def test_letters_that_are_other_bytes(charset: str, codec: str) -> None:
    assert respelt(TEXT.encode(codec), charset) == TEXT.encode()


@pytest.mark.parametrize("charset", ["utf-7", "UNICODE-1-1-UTF-7", "csUTF7", '"utf-7"', "x-unicode-2-0-utf-7"])
def test_utf7(charset: str) -> None:
    coded = b"+" + base64.b64encode(TEXT.encode("utf-16-be")).rstrip(b"=") + b"-"
    assert respelt(coded, charset) == TEXT.encode()


@pytest.mark.parametrize(
    ("charset", "content"),
    [
        ("iso-2022-jp", b"\x1b(Jbeg\x1b(B\x1b(Jin 644\x1b(B"),
        ("csISO2022KR", b"be\x0e\x0fgin 644"),
        ("hz-gb-2312", b"beg~{~}in 6~\n44"),
    ],
)
def test_escape_sequences_that_change_nothing(charset: str, content: bytes) -> None:
    assert respelt(content, charset) == b"begin 644"


@pytest.mark.parametrize(
    ("charset", "content"),
    [
        ("utf-8", "Grüße +ADw-".encode()),
        ("us-ascii", b"+ADw-script+AD4-"),
        ("windows-1252", b"\x93words\x94"),
        ("cp850", b"words"),
        ("iso-8859-7", b"words"),
        ("iso-2022-jp", "添付 and more".encode("iso2022_jp")),
        ("utf-7", b"only words"),
        ("utf-16", b"declared wrongly"),
        ("", b"words"),
    ],
)
def test_what_every_program_reads_is_left_alone(charset: str, content: bytes) -> None:
    assert respelt(content, charset) is None


def test_the_declaration_in_other_forms() -> None:
    for text in ("text/plain; CHARSET = cp037", "text/plain; charset*=us-ascii'en'cp037", "text/plain;charset='cp037'"):
        assert charsets.respelt("abc".encode("cp037"), [text]) == ("cp037", b"abc")
    assert charsets.respelt("abc".encode("cp037"), ["text/plain", "text/plain; charset=cp037"]) == ("cp037", b"abc")


@given(st.binary(max_size=300), st.sampled_from(["utf-7", "utf-16", "utf-32", "cp037", "iso-2022-jp", "hz", "ibm"]))
def test_any_bytes(content: bytes, charset: str) -> None:
    found = charsets.respelt(content, [f"text/plain; charset={charset}"])
    assert found is None or found[1] != content


@given(st.integers(0, 300))
def test_a_block_is_found_at_any_cut(cut: int) -> None:
    """Whatever stands before it and however little of its end is left."""
    body = ("x" * cut + "\n").encode("utf-16-le") + mail.uuencode(SHORTCUT).decode().encode("utf-16-le")
    message = mail.single(body[: len(body) - cut % 9], "text/plain; charset=utf-16le", coding="base64")
    parts = examine(message, rules=RULES, limits=Limits()).parts
    assert any(part.type is FileType.LNK for part in parts)
