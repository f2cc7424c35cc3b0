import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Kind, Verdict
from gateway.scan.budget import Limits, OverLimit
from gateway.scan.documents.rtf import inspect
from tests.makers.rtf import PACKAGE, URL_LINK, native, ole1, rtf
from tests.unit.scan.documents.recorder import looked_into

DOC = samples.doc_autoopen()
HEX = ole1("Word.Document.8", DOC).hex().encode()


def children(data: bytes) -> list[bytes]:
    return [content for _, content in looked_into(inspect, data).children]


def spaced(digits: bytes, between: bytes) -> bytes:
    return between.join(digits[at : at + 63] for at in range(0, len(digits), 63))


@pytest.mark.parametrize(
    "document",
    [
        rtf(b"{\\object\\objemb{\\*\\objdata " + HEX + b"}}"),
        rtf(b"{\\object\\objemb{\\*\\objdata\r\n" + spaced(HEX, b"\r\n") + b"}}"),
        rtf(b"{\\object{\\*\\OBJDATA " + HEX.upper() + b"}}"),
        rtf(b"{\\object{\\objdata " + spaced(HEX, b" z_") + b"}}"),
        rtf(b"{\\object{\\*\\objdata " + spaced(HEX, b"{}{\\*\\nobody 00ff}\\par ") + b"}}"),
        rtf(b"{\\object{\\*\\objdata " + spaced(HEX, b"\\'41") + b"}}"),
        rtf(
            b"{\\object{\\*\\objdata "
            + b"".join(b"\\'" + HEX[at : at + 2] for at in range(0, 24, 2))
            + HEX[24:]
            + b"}}"
        ),
        rtf(b"{\\object{\\*\\objdata " + b"{\\any{\\group " + HEX + b"}}}}"),
        rtf(b"{\\object{\\*\\objdata " + b"{\\*\\any{\\group " + HEX + b"}}}}"),
        rtf(b"{\\object{\\*\\objdata\\bin%d " % (len(HEX) // 2) + bytes.fromhex(HEX.decode()) + b"}}"),
        rtf(b"{\\object{\\*\\objdata 0" + HEX + b"}}"),
        rtf(b"{\\object{\\*\\objdata" + HEX + b"}}"),
        rtf(b"{\\object{\\*\\objdata " + HEX),
        rtf(b"{\\object{\\*\\objdata " + DOC.hex().encode() + b"}}"),
        b"{\\rt" + b"{\\object\\objdata " + HEX + b"}",
        rtf(b"{\\pict\\bin100 {{{{" + b"}}{\\object{\\*\\objdata " + HEX + b"}}"),
    ],
)
def test_an_object_is_handed_on_however_it_is_written(document):
    assert any(content.startswith(DOC[:512]) for content in children(document))


def test_two_objects_are_handed_on():
    one = b"{\\object{\\*\\objdata " + HEX + b"}}"
    assert len(children(rtf(one + b"text" + one))) == 2


def test_a_packed_file_is_told_and_handed_on():
    look = looked_into(inspect, rtf(b"{\\object{\\*\\objdata " + ole1("Package", PACKAGE).hex().encode() + b"}}"))
    assert look.verdict is Verdict.SUSPICIOUS
    assert look.children == [("inert.js", b"// inert")]


@pytest.mark.parametrize("word", [b"\\objupdate", b"\\objocx"])
def test_an_object_that_starts_by_itself(word):
    look = looked_into(inspect, rtf(b"{\\object" + word + b"{\\*\\objdata " + HEX + b"}}"))
    assert look.verdict is Verdict.SUSPICIOUS


@pytest.mark.parametrize(
    "digits",
    [
        ole1("Excel.Sheet.8", b"", topic="\\\\host\\share\\x.xls", form=1).hex(),
        ole1("OLE2Link", URL_LINK).hex(),
    ],
)
def test_a_linked_object_on_another_machine(digits):
    look = looked_into(inspect, rtf(b"{\\object\\objautlink{\\*\\objdata " + digits.encode() + b"}}"))
    assert Kind.REMOTE_TEMPLATE in look.kinds


@pytest.mark.parametrize(
    ("font", "verdict"), [("Arial", Verdict.CLEAN), ("A" * 60, Verdict.SUSPICIOUS)], ids=["sound", "attack"]
)
def test_an_equation(font, verdict):
    content = (
        struct.pack("<HIHI16x", 28, 0x20000, 0, 9) + b"\x03\x01\x01\x03\x00\x0a\x08\x01\x02" + font.encode() + b"\0"
    )
    look = looked_into(inspect, rtf(b"{\\object{\\*\\objdata " + ole1("Equation.3", content).hex().encode() + b"}}"))
    assert look.verdict is verdict


@pytest.mark.parametrize(
    "body",
    [
        b"{\\*\\template http://host/t.dotm}",
        b"{\\*\\template \\\\\\\\host\\\\share\\\\t.dot}",
        b"{\\*\\template {h}\\'74tp://host/t.dotm}",
        b"{\\*\\template \\u104?\\u116?tp://host/t}",
        b"{\\*\\template \\uc0\\u104\\u116\\uc2 tp\\u58 xx//host/t}",
        b'{\\field{\\*\\fldinst INCLUDETEXT "http://host/x.docx"}{\\fldrslt }}',
    ],
)
def test_a_remote_template(body):
    assert looked_into(inspect, rtf(body)).kinds == [Kind.REMOTE_TEMPLATE]


def test_an_escape_with_no_hexadecimal_number_is_nothing():
    body = b"{\\*\\template \\'\xffhttp://host.example/t.dotm}"
    assert looked_into(inspect, rtf(body)).kinds in ([], [Kind.REMOTE_TEMPLATE])


@pytest.mark.parametrize(
    "body",
    [
        b"{\\field{\\*\\fldinst {DDEAUTO c:\\\\\\\\x}}}",
        b"{\\field{\\*\\fldinst {D}{\\b D}\r\n{EAUTO} x}}",
        b"{\\field{\\*\\fldinst \\'44DE x}}",
        b"{\\field{\\*\\fldinst D{\\*\\nobody zzz}DE x}}",
        b"{\\field{\\fldinst \\u68?DE x",
    ],
)
def test_a_dde_field(body):
    assert looked_into(inspect, rtf(body)).kinds == [Kind.DDE]


@pytest.mark.parametrize(
    "body",
    [
        b"{\\*\\template C:\\\\Templates\\\\Normal.dot}text",
        b'{\\field{\\*\\fldinst HYPERLINK "http://host/DDE"}{\\fldrslt DDE}}',
        b"{\\pict\\pngblip " + b"89504e47" * 20 + b"}",
        b"{\\*\\datastore " + HEX + b"}",
        b"{\\object{\\*\\objdata 32\\bin6 FF}}",
        b"{\\object{\\*\\objdata }}",
    ],
)
def test_an_ordinary_document(body):
    look = looked_into(inspect, rtf(body))
    assert not look.findings
    assert not look.children


def test_an_object_nobody_can_read_is_told():
    assert looked_into(inspect, rtf(b"{\\object{\\*\\objdata " + b"ab" * 40 + b"}}")).kinds == [Kind.CORRUPT]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3000), st.binary(max_size=40))
def test_it_is_handed_on_with_a_tail_and_as_far_as_it_goes(cut, tail):
    whole = rtf(b"{\\object{\\*\\objdata " + HEX + b"}}")
    assert DOC in children(whole + tail)
    looked_into(inspect, whole[:cut])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [b"{", b"}", b"\\*", b"\\objdata", b"\\bin9", b"\\fldinst", b"\\u9", b"\\'4f", b"01050000", b"\\"]
        )
        | st.binary(max_size=8)
    )
)
def test_any_bytes(pieces):
    looked_into(inspect, b"{\\rtf" + b"".join(pieces))


@pytest.mark.parametrize("piece", [b"{", b"{\\*", b"\\bin", b"\\objdata", b"{\\objdata 00", b"\\fldinst", b"\\'"])
def test_a_document_made_to_be_slow_ends_in_time(piece):
    with contextlib.suppress(OverLimit):
        looked_into(inspect, b"{\\rtf{\\objdata " + piece * 30_000, Limits(seconds=1))


def test_native_is_what_the_packager_writes():
    assert native("a.txt", b"x").startswith(b"\x02\x00a.txt\0")
