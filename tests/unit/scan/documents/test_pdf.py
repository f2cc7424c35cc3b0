import base64
import contextlib
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Kind, Verdict
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.documents import pdf_objects
from gateway.scan.documents.pdf import inspect
from gateway.scan.look import Corrupt
from tests.makers.looks import look
from tests.makers.pdf import packed_objects, pdf, stream, with_file
from tests.unit.scan.documents.recorder import looked_into

FILE = b"MZ inert" + bytes(200)
LZW = bytes.fromhex("800B6050220C0C8501")
"""The example of ISO 32000-1 §7.4.4.2."""


def handed(data: bytes) -> list[tuple[str, bytes]]:
    return look(inspect, data).handed


@pytest.mark.parametrize(
    "data",
    [
        with_file(FILE, "a.bin"),
        with_file(FILE, "a.bin", words=b""),
        with_file(FILE, "a.bin", words=b"/Type /Embedded#46ile").replace(b"/EF", b"/#45F"),
        with_file(FILE, "a.bin", b"<</F 4 0 R>>").replace(b"/EF<</F 4 0 R>>", b"/EF 5 0 R"),
        pdf(b"null", stream(FILE), packed_objects(b"<</UF(a.bin)/EF<</F 4 0 R>>>>", first=9)),
        with_file(FILE, "a.bin").replace(b"endobj", b""),
        with_file(FILE, "a.bin").replace(b"/Length ", b"/Length 9 0 R/Was "),
        b"junk" * 100 + with_file(FILE, "a.bin"),
    ],
)
def test_an_embedded_file_is_handed_on(data):
    assert handed(data) == [("a.bin", FILE)]


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        (b"/ASCIIHexDecode", FILE.hex().encode() + b">"),
        (b"[/AHx /Fl]", zlib.compress(FILE).hex().encode() + b">"),
        (b"[ /ASCII85Decode /FlateDecode ]", base64.a85encode(zlib.compress(FILE), wrapcol=70) + b"~>"),
        (b"/RunLengthDecode", b"\x07MZ inert" + bytes((257 - 100, 0)) * 2 + b"\x80"),
        (b"/Fl#61teDecode", zlib.compress(FILE)),
        (b"/FlateDecode", zlib.compress(FILE)[:-4]),
        (b"/FlateDecode", b"xx" + zlib.compress(FILE)[2:]),
    ],
)
def test_filters_are_undone(name, packed):
    data = pdf(b"<</EF<</F 4 0 R>>/F(a.bin)>>", b"<</Filter %s>>stream\n%s\nendstream" % (name, packed))
    assert handed(data) == [("a.bin", FILE)]


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4])
def test_predictors_are_undone(kind):
    packed = zlib.compress(predicted(FILE.ljust(210, b"\0"), kind, 7))
    words = b"<</Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 7>>>>stream\n%s\nendstream" % packed
    assert handed(pdf(b"<</EF<</F 4 0 R>>>>", words)) == [("embedded4", FILE.ljust(210, b"\0"))]


def predicted(content: bytes, kind: int, width: int) -> bytes:
    """Rows as PNG writes them (PNG 9.2)."""
    rows, before = b"", bytes(width)
    for start in range(0, len(content), width):
        row = content[start : start + width]
        left, corner = b"\0" + row[:-1], b"\0" + before[:-1]
        rows += bytes([kind])
        for value, a, b, c in zip(row, left, before, corner, strict=True):
            paeth = min((a, b, c), key=lambda near: abs(a + b - c - near))
            rows += bytes([value - (0, a, b, (a + b) // 2, paeth)[kind] & 255])
        before = row
    return rows


def test_lzw_is_undone():
    data = pdf(b"<</EF<</F 4 0 R>>>>", b"<</Filter/LZW>>stream\n%s\nendstream" % LZW)
    assert handed(data) == [("embedded4", bytes([45, 45, 45, 45, 45, 65, 45, 45, 45, 66]))]


@pytest.mark.parametrize("words", [b"/Filter/JBIG2Decode", b"/Filter/FlateDecode", b"/DecodeParms<</Predictor 2>>"])
def test_a_file_that_cannot_be_unpacked_is_told(words):
    data = pdf(b"<</EF<</F 4 0 R>>>>", b"<<%s>>stream\nnothing\nendstream" % words)
    assert look(inspect, data).kinds == {Kind.CORRUPT}


JS = b"<</S/JavaScript/JS(%s)>>"
EXPORT = b"this.\\145xportDataObject({cName:'a',nLaunch:2})"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (with_file(FILE, "a.docm", JS % EXPORT), Kind.SCRIPT_CARRIER),
        (with_file(FILE, "a.docm", b"<</JS 6 0 R>>", stream(b"this.exportDataObject")), Kind.SCRIPT_CARRIER),
        (with_file(FILE, "a.docm", b"<</OpenAction 6 0 R>>", JS % b"x"), Kind.SCRIPT_CARRIER),
        (with_file(FILE, "a.docm", b"<</Names<</JavaScript 6 0 R>>>>", JS % b"x"), Kind.SCRIPT_CARRIER),
        (pdf(b"<</S/Launch/Win<</F(cmd.exe)/P(/c inert)>>>>"), Kind.SCRIPT_CARRIER),
        (pdf(b"<</S/Launch/F(inert.vbs)>>"), Kind.SCRIPT_CARRIER),
        (pdf(b"<</OpenAction 4 0 R>>", b"<</S/Launch/F(inert.doc)>>"), Kind.SCRIPT_CARRIER),
        (pdf(b"<</AA<</O<</F(\\\\\\\\host\\\\s)/D[0/Fit]/S/GoToE>>>>>>"), Kind.REMOTE_TEMPLATE),
    ],
)
def test_what_starts_by_itself(data, kind):
    found = looked_into(inspect, data)
    assert found.kinds == [kind]
    assert found.verdict is Verdict.SUSPICIOUS


@pytest.mark.parametrize(
    "data",
    [
        pdf(),
        pdf(JS % b"AFNumber_Format(2)", b"<</OpenAction 3 0 R>>"),
        pdf(b"<</AA<</K 4 0 R>>>>", JS % b"AFNumber_Keystroke(2)"),
        pdf(b"<</S/Launch/F(chapter2.pdf)>>"),
        pdf(b"<</S/URI/URI(https://host.example/Launch)>>", stream(b"/JS /Launch /EF")),
        pdf(trailer=b"/Encrypt 3 0 R"),
    ],
)
def test_an_ordinary_file(data):
    assert looked_into(inspect, data).verdict is Verdict.CLEAN


def test_an_encrypted_file_with_a_file_in_it_is_held():
    data = with_file(FILE, "a.docm").replace(b"/Root", b"/Encrypt 9 0 R/Root")
    assert looked_into(inspect, data).verdict is Verdict.UNSCANNABLE


def test_objects_that_cannot_be_unpacked_are_told():
    data = pdf(b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode>>stream\nnothing\nendstream")
    assert looked_into(inspect, data).kinds == [Kind.CORRUPT]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 700), st.binary(max_size=40))
def test_any_cut_and_any_tail(cut, tail):
    whole = with_file(FILE, "a.bin", JS % EXPORT)
    assert ("a.bin", FILE) in handed(whole + tail)
    look(inspect, whole[:cut] + tail)


WORDS = (b"obj", b"1 0 obj", b"stream\n", b"endstream", b"/ObjStm", b"/N 9", b"/First 9", b"/EF 1 0 R", b"/JS(", b"\\")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=8)))
def test_any_bytes(pieces):
    look(inspect, b"%PDF-1.1 /JS " + b"".join(pieces))


@pytest.mark.parametrize("decoder", pdf_objects._DECODERS.values())
@given(data=st.binary(max_size=200))
def test_any_bytes_are_unpacked_or_corrupt(decoder, data):
    with contextlib.suppress(Corrupt):
        decoder(data, Budget(Limits()))


def test_a_bomb_is_over_the_limit():
    with pytest.raises(OverLimit):
        look(inspect, with_file(bytes(1 << 22), "a.bin"), limits=Limits(max_unpacked_size=1 << 20))


@pytest.mark.parametrize("piece", [b"1 0 obj", b"1 0 obj/ObjStm stream\n", b"/JS(", b"(", b"/EF 1 0 R ", b"/#41"])
def test_a_file_made_to_be_slow_ends_in_time(piece):
    with contextlib.suppress(OverLimit):
        look(inspect, b"%PDF-1.1 /JS 1 0 obj " + piece * 20_000, limits=Limits(seconds=2))
