import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Kind
from gateway.scan.documents.fields import told
from gateway.scan.documents.word_fields import in_text, in_xml
from gateway.scan.look import Corrupt

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
BEGIN, END = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>', '<w:r><w:fldChar w:fldCharType="end"/></w:r>'


def run(text: str) -> str:
    return f"<w:r><w:instrText>{text}</w:instrText></w:r>"


def field(*pieces: str) -> str:
    return BEGIN + "".join(run(piece) for piece in pieces) + END


def document(body: str) -> bytes:
    return f"<w:document {W}><w:body><w:p>{body}</w:p></w:body></w:document>".encode()


def kinds(body: str) -> set[Kind]:
    return {kind for kind, _ in told(in_xml(document(body)))}


@pytest.mark.parametrize(
    "body",
    [
        field('DDEAUTO c:\\\\x "/k"'),
        field(" D", "D", "EAUT", "O x"),
        field("dde x y"),
        '<w:fldSimple w:instr="DDE x y"/>',
        field("D&#68;E x"),
        field("D<!-- x -->DE x"),
        field("D<![CDATA[DE x]]>"),
        field("QUOTE 68 68 69 65 85 84 79 32 120"),
        BEGIN + run("D") + BEGIN + run("DE") + END + run(" x") + END,
        BEGIN + field("QUOTE 68 68 69") + run(" x") + END,
        field('SET a "DDE"') + BEGIN + field("REF a") + run(" x y") + END,
        BEGIN + run("IF 1 = 1 ") + field("DDEAUTO x y") + END,
    ],
)
def test_a_dde_field_is_put_together(body):
    assert kinds(body) == {Kind.DDE}


@pytest.mark.parametrize(
    "instruction",
    [
        'INCLUDETEXT "http://host/x.docx"',
        'INCLUDEPICTURE "\\\\\\\\host\\\\share\\\\x.png" \\d',
        "LINK Word.Document.8 http://host/x.doc A1 \\a",
        "RD \\\\host\\share\\x.doc",
        'HYPERLINK "ms-msdt:/id PCWDiagnostic"',
        'HYPERLINK "search-ms:query=x"',
    ],
)
def test_a_field_that_leads_out(instruction):
    assert kinds(field(instruction.replace('"', "&quot;"))) == {Kind.REMOTE_TEMPLATE}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_another_encoding_is_read(encoding):
    name = {"utf-16-be": "utf-16", "utf-8-sig": "utf-8"}.get(encoding, encoding)
    text = f'<?xml version="1.0" encoding="{name}"?><w:d {W}>{field("DDEAUTO x")}</w:d>'
    assert told(in_xml(b"\xfe\xff" * (encoding == "utf-16-be") + text.encode(encoding)))


@pytest.mark.parametrize("encoding", ["cp037", "utf-7", "shift_jis", "nothing"])
def test_an_encoding_nobody_reads_is_no_pass(encoding):
    with pytest.raises(Corrupt):
        in_xml(f'<?xml version="1.0" encoding="{encoding}"?><x/>'.encode())


@pytest.mark.parametrize(
    "body",
    [
        field("PAGE"),
        field("TOC \\o"),
        "<w:t>DDE DDEAUTO</w:t>",
        "",
        field('HYPERLINK "http://host/DDE.html"'),
        field('HYPERLINK "\\\\\\\\host\\\\share"'),
        field('INCLUDEPICTURE "http://host/logo.gif" \\* MERGEFORMATINET'),
        field('LINK Excel.Sheet.8 "C:\\\\x.xls"'),
        field("REF DDE \\h"),
        field("ADDIN CSL_CITATION {DDE http://host/x}"),
    ],
)
def test_other_fields_and_text_are_none(body):
    assert kinds(body) == set()


def test_a_part_that_needs_parsing_and_is_broken_is_corrupt():
    with pytest.raises(Corrupt):
        in_xml(document(field("DDE x"))[:-20])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("text \x13 DDEAUTO c:\\x \x14result\x15", True),
        ("text \x13DDE c:\\x\x15", True),
        ("\x13D\x13QUOTE 68 69\x14no\x15 x\x14no\x15", True),
        ("\x13HYPERLINK x\x14\x13DDE x\x14y\x15\x15", True),
        ("text \x13 PAGE \x15 DDE", False),
        ("\x13 PAGE \x14 DDE x\x15", False),
        ("DDE without a field", False),
    ],
)
def test_a_field_in_binary_text(text, found):
    assert bool(told(in_text(text))) is found


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.text(alphabet='\x13\x14\x15DEQUOTESRF 69"', max_size=200))
def test_any_bytes(data, text):
    told(in_text(text))
    told(text)
    with contextlib.suppress(Corrupt):
        told(in_xml(data))


@pytest.mark.parametrize("piece", [b"<w:instrText", b"<w:instrText>", b' instr="', b"\x13", b"\x13 D", b"\x13\x15"])
def test_a_part_made_to_be_slow_is_not(piece):
    told(in_text((piece * 100_000).decode("latin-1")))
    told((piece * 100_000).decode("latin-1"))
    with contextlib.suppress(Corrupt):
        in_xml(piece * 100_000)


@pytest.mark.parametrize("piece", ["\x13QUOTE 1", "QUOTE 68 ", "\x13SET a ", "\x13REF ", "\x13INCLUDETEXT //", "1 "])
def test_instructions_made_to_be_slow_are_not(piece):
    told("\x13QUOTE " + piece * 100_000)
