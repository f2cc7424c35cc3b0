import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.scan.documents.word_fields import dde_in_text, dde_in_xml
from gateway.scan.look import Corrupt

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
BEGIN, END = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>', '<w:r><w:fldChar w:fldCharType="end"/></w:r>'


def run(text: str) -> str:
    return f"<w:r><w:instrText>{text}</w:instrText></w:r>"


def document(body: str) -> bytes:
    return f"<w:document {W}><w:body><w:p>{body}</w:p></w:body></w:document>".encode()


@pytest.mark.parametrize(
    "body",
    [
        BEGIN + run('DDEAUTO c:\\\\x "/k"') + END,
        BEGIN + run(" D") + run("D") + run("EAUT") + run("O x") + END,
        BEGIN + run("dde x y") + END,
        '<w:fldSimple w:instr="DDE x y"/>',
        BEGIN + run("D&#68;E x") + END,
        BEGIN + run("QUOTE 68 68 69 65 85 84 79 32 120") + END,
        BEGIN + run("D") + BEGIN + run("DE") + END + run(" x") + END,
    ],
)
def test_a_dde_field_is_put_together(body):
    assert dde_in_xml(document(body)).upper().startswith("DDE")


def test_another_encoding_is_read():
    text = f'<?xml version="1.0" encoding="UTF-16"?><w:d {W}>{BEGIN}{run("DDEAUTO x")}{END}</w:d>'
    assert dde_in_xml(text.encode("utf-16"))


@pytest.mark.parametrize(
    "body", [BEGIN + run("PAGE") + END, BEGIN + run("TOC \\o") + END, "<w:t>DDE DDEAUTO</w:t>", ""]
)
def test_other_fields_and_text_are_none(body):
    assert dde_in_xml(document(body)) == ""


def test_a_part_that_needs_parsing_and_is_broken_is_corrupt():
    with pytest.raises(Corrupt):
        dde_in_xml(document(BEGIN + run("DDE x"))[:-20])


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (b"text \x13 DDEAUTO c:\\x \x14result\x15", True),
        ("text \x13DDE c:\\x\x15".encode("utf-16-le"), True),
        (b"text \x13 PAGE \x15 DDE", False),
        (b"DDE without a field", False),
    ],
)
def test_a_field_in_binary_text(stream, found):
    assert bool(dde_in_text(stream)) is found


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data):
    dde_in_text(b"\x13" + data)
    with contextlib.suppress(Corrupt):
        dde_in_xml(data)


@pytest.mark.parametrize("piece", [b"<w:instrText", b"<w:instrText>", b' instr="', b"\x13", b"\x13 D"])
def test_a_part_made_to_be_slow_is_not(piece):
    dde_in_text(piece * 100_000)
    with contextlib.suppress(Corrupt):
        dde_in_xml(piece * 100_000)
