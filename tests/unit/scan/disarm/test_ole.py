import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.samples import vba
from gateway.samples.compound import compound_file, streams_of
from gateway.samples.excel import xls_with
from gateway.samples.word import doc_with
from gateway.scan import Limits
from gateway.scan.disarm import CannotDisarm
from tests.makers.looks import SHORTCUT
from tests.makers.vba import doc, project_streams
from tests.unit.scan.disarm.armed import check, examined, run

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 30
SOURCE = vba.inert("AutoOpen") + "' " + "nothing happens here either " * 200
ARMED = {
    "doc": samples.doc_autoopen(),
    "doc-large": doc_with(SOURCE),
    "xls": samples.xls_workbook_open(),
    "xls-form": xls_with(vba.inert("Workbook_Open")),
}


def native(name: str, content: bytes) -> bytes:
    """An Ole10Native stream (MS-OLEDS 2.3.6)."""
    label = name.encode() + b"\0"
    body = b"\x02\0" + label * 2 + bytes(4) + struct.pack("<I", len(label)) + label
    body += struct.pack("<I", len(content)) + content
    return struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("kind", ARMED)
def test_macros_go_and_all_else_stays(kind):
    result = run(ARMED[kind], f"report.{kind[:3]}")
    check(ARMED[kind], result.content, *(["Workbook"] if kind.startswith("xls") else []))
    assert result.name == f"report.{kind[:3]}"
    assert result.media_type == {"doc": "application/msword", "xls": "application/vnd.ms-excel"}[kind[:3]]
    assert result.removed == ("its macros",)


@pytest.mark.parametrize(
    "under",
    [("Macros",), ("Elsewhere",), ("Elsewhere", "Deeper"), ("ObjectPool", "_1234", "_VBA_PROJECT_CUR"), ("MACROS",)],
)
def test_a_project_is_found_wherever_it_is(under):
    streams = {**streams_of(samples.doc()), ("Data",): PICTURE}
    streams |= {(*under, *path): content for path, content in project_streams().items()}
    before = compound_file(streams)
    assert examined(before).verdict is Verdict.AUTOEXEC
    check(before, run(before).content)


def test_a_project_in_the_storage_of_the_document():
    before = compound_file({**streams_of(samples.doc()), **project_streams()})
    result = run(before)
    check(before, result.content)
    assert ("WordDocument",) in streams_of(result.content)


def test_a_form_goes_with_the_project():
    form = {("Form1", "\x03VBFrame"): b"VERSION 5.00", ("Form1", "f"): b"form", ("Form1", "o"): b"object"}
    before = doc({**project_streams(), **form}, {("Data",): PICTURE})
    after = run(before).content
    check(before, after)
    assert streams_of(after)[("Data",)] == PICTURE


def test_what_is_nothing_but_a_project():
    with pytest.raises(CannotDisarm, match="nothing but a macro project"):
        run(compound_file({("dir",): b"x", ("Text",): b"x"}))


def test_a_clean_document_stays_as_it_is():
    for content in (samples.doc(), samples.xls()):
        result = run(content)
        assert result.content == content
        assert result.removed == ()


def test_a_signature_goes_with_what_it_signs():
    before = doc(project_streams(), {("_xmlsignatures", "1"): b"<Signature/>", ("_signatures",): b"sig"})
    result = run(before)
    check(before, result.content)
    assert result.removed == ("its macros", "its digital signature, which no longer holds")


def test_a_packed_program_goes_and_its_picture_stays():
    object_ = {
        ("ObjectPool", "_1", "\x01Ole10Native"): native("run.lnk", SHORTCUT),
        ("ObjectPool", "_1", "\x02OlePres000"): PICTURE,
        ("ObjectPool", "_2", "\x01Ole10Native"): native("notes.txt", b"harmless text"),
    }
    before = compound_file({**streams_of(samples.doc()), **object_})
    result = run(before)
    assert result.removed == ("an object that could run something",)
    left = streams_of(result.content)
    assert left.keys() == streams_of(before).keys() - {("ObjectPool", "_1", "\x01Ole10Native")}
    assert SHORTCUT not in result.content
    assert examined(result.content).verdict is Verdict.CLEAN


def test_a_document_inside_is_disarmed_where_it_stands():
    path = ("ObjectPool", "_1", "CONTENTS")
    before = compound_file({**streams_of(samples.doc()), path: samples.doc_autoopen()})
    result = run(before)
    assert result.removed == ("its macros",)
    assert streams_of(result.content)[path] == run(samples.doc_autoopen()).content


def test_a_packed_document_is_disarmed_where_it_stands():
    path = ("ObjectPool", "_1", "\x01Ole10Native")
    before = compound_file({**streams_of(samples.doc()), path: native("inner.doc", samples.doc_autoopen())})
    result = run(before)
    assert streams_of(result.content)[path] == native("inner.doc", run(samples.doc_autoopen()).content)


def test_what_cannot_be_disarmed_inside_goes():
    path = ("ObjectPool", "_1", "CONTENTS")
    before = compound_file({**streams_of(samples.doc()), path: samples.doc_autoopen()[:-4096]})
    result = run(before)
    assert result.removed == ("an object that could run something",)
    assert path not in streams_of(result.content)


def test_a_linked_object_elsewhere_loses_its_link():
    url = bytes.fromhex("E0C9EA79F9BACE118C8200AA004BA90B")
    address = "http://example.com/inert".encode("utf-16-le") + b"\0\0"
    link = b"\x01\0\0\x02" + bytes(16) + url + struct.pack("<I", len(address)) + address
    before = compound_file({**streams_of(samples.doc()), ("ObjectPool", "_1", "\x01Ole"): link})
    result = run(before)
    assert result.removed == ("a link to an object elsewhere",)
    assert examined(result.content).verdict is Verdict.CLEAN


def test_a_dangerous_control_loses_class_and_content():
    browser = bytes.fromhex("61F956880A34D011A96B00C04FD705A2")
    before = bytearray(compound_file({**streams_of(samples.doc()), ("ObjectPool", "_1", "contents"): b"address"}))
    at = before.index("_1".encode("utf-16-le") + b"\0\0")
    before[at + 80 : at + 96] = browser
    assert examined(bytes(before)).verdict is Verdict.SUSPICIOUS
    result = run(bytes(before))
    assert result.removed == ("a control that could run something",)
    assert browser not in result.content
    assert b"address" not in result.content


def test_an_encrypted_document_cannot_be_disarmed():
    stream = bytearray(streams_of(samples.doc_autoopen())[("WordDocument",)])
    stream[11] |= 1
    with pytest.raises(CannotDisarm, match="encrypted"):
        run(compound_file({**streams_of(samples.doc_autoopen()), ("WordDocument",): bytes(stream)}))


def test_the_time_is_limited():
    with pytest.raises(CannotDisarm, match="longer than"):
        run(samples.doc_autoopen(), limits=Limits(seconds=0.0))


@settings(max_examples=120)
@given(st.sampled_from(sorted(ARMED)), st.data())
def test_a_damaged_document_is_disarmed_or_refused(kind, data):
    content = bytearray(ARMED[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        content[at : at + len(piece)] = piece
    cut = data.draw(st.sampled_from([len(content), len(content) - 100, len(content) // 2]))
    try:
        result = run(bytes(content[:cut]))
    except CannotDisarm:
        return
    assert examined(result.content).verdict is Verdict.CLEAN
