import contextlib
import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Kind, Verdict
from gateway.samples.biff import MACRO_SHEET, Sheet, workbook_stream
from gateway.samples.compound import compound_file, streams_of
from gateway.scan.documents.ole import inspect
from gateway.scan.look import Blob, Corrupt
from tests.unit.scan.documents.recorder import Recorder, looked_into

DOC = streams_of(samples.doc_autoopen())


def look_at(streams: dict) -> Recorder:
    return looked_into(inspect, compound_file(streams))


@pytest.mark.parametrize("make", [samples.doc, samples.xls])
def test_a_clean_document_has_no_finding(make):
    look = looked_into(inspect, make())
    assert look.findings == []
    assert look.children == []


@pytest.mark.parametrize("make", [samples.doc_autoopen, samples.xls_workbook_open])
def test_vba_that_runs_by_itself(make):
    assert looked_into(inspect, make()).kinds == [Kind.VBA_AUTOEXEC]


@pytest.mark.parametrize("hidden", [0, 1, 2, 3])
def test_xlm_that_runs_by_itself(hidden):
    assert looked_into(inspect, samples.xls_xlm_auto_open(hidden)).kinds == [Kind.XLM_AUTOEXEC]


@pytest.mark.parametrize("name", ["Workbook", "WORKBOOK", "Book"])
def test_every_workbook_stream_is_read(name):
    macro = workbook_stream([Sheet("M", MACRO_SHEET)], auto_open=0)
    clean = streams_of(samples.xls())[("Workbook",)]
    assert look_at({("x", "Workbook"): clean, (name,): macro}).verdict is Verdict.AUTOEXEC


def test_an_embedded_workbook_is_looked_at_where_it_lies():
    macro = workbook_stream([Sheet("M", MACRO_SHEET)], auto_open=0)
    doc = streams_of(samples.doc())
    assert look_at({**doc, ("ObjectPool", "_1", "Workbook"): macro}).verdict is Verdict.AUTOEXEC


def test_an_embedded_document_with_macros_is_looked_at_where_it_lies():
    embedded = {("ObjectPool", "_1", *path): content for path, content in DOC.items()}
    assert look_at({**streams_of(samples.doc()), **embedded}).verdict is Verdict.AUTOEXEC


def test_an_embedded_package_is_handed_on():
    look = look_at({**streams_of(samples.doc()), ("ObjectPool", "_1", "Package"): samples.docm_autoopen()})
    assert look.children == [("ObjectPool/_1/Package", samples.docm_autoopen())]


def test_a_workbook_stream_that_is_none_is_corrupt():
    assert look_at({("Workbook",): b"nonsense" * 99}).kinds == [Kind.CORRUPT]
    assert look_at({("WordDocument",): b"nonsense" * 99}).kinds == [Kind.CORRUPT]


def test_an_encrypted_document_is_encrypted():
    streams = streams_of(samples.doc())
    fib = bytearray(streams[("WordDocument",)])
    fib[11] |= 1
    assert look_at({**streams, ("WordDocument",): bytes(fib)}).kinds == [Kind.ENCRYPTED]


@pytest.mark.parametrize("name", ["EncryptedPackage", "EncryptedSummary"])
def test_the_streams_that_say_encrypted(name):
    assert look_at({(name,): b"x" * 100}).kinds == [Kind.ENCRYPTED]


def test_an_encrypted_presentation_is_encrypted():
    user = struct.pack("<HHIII", 0, 0x0FF6, 32, 20, 0xF3D1C4DF) + bytes(24)
    assert look_at({("Current User",): user, ("PowerPoint Document",): b"x" * 100}).kinds == [Kind.ENCRYPTED]


def test_macros_beside_encrypted_text_are_still_found():
    look = look_at({**DOC, ("EncryptedSummary",): b"x"})
    assert set(look.kinds) == {Kind.ENCRYPTED, Kind.VBA_AUTOEXEC}


def encrypted(content: bytes, password: str) -> bytes:
    from msoffcrypto.format.ooxml import OOXMLFile

    result = io.BytesIO()
    OOXMLFile(io.BytesIO(content)).encrypt(password, result)
    return result.getvalue()


def test_the_password_excel_tries_by_itself_is_tried():
    look = looked_into(inspect, encrypted(samples.xlsm_workbook_open(), "VelvetSweatshop"))
    assert look.kinds == [Kind.DECRYPTED]
    assert look.verdict is Verdict.CLEAN
    ((name, content),) = look.children
    assert name == "decrypted"
    assert content == samples.xlsm_workbook_open()


def test_another_password_is_not_guessed():
    look = looked_into(inspect, encrypted(samples.xlsm_workbook_open(), "something else"))
    assert look.kinds == [Kind.ENCRYPTED]


def test_what_cannot_be_opened_is_corrupt_after_a_search_for_source():
    look = Recorder()
    data = samples.doc_autoopen()
    broken = data[:48] + b"\xff\xff\xff\xff" + data[52:]
    with pytest.raises(Corrupt):
        inspect(Blob(broken, "2/x"), look)
    assert look.verdict is Verdict.AUTOEXEC


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_damage_is_a_finding_or_corrupt(data):
    damaged = bytearray(data.draw(st.sampled_from([samples.doc_autoopen(), samples.xls_xlm_auto_open()])))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Corrupt):
        looked_into(inspect, bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))


def test_macros_behind_a_directory_that_breaks_off_are_found():
    data = bytearray(samples.doc_autoopen())
    storage = data.index("Macros".encode("utf-16-le"))
    struct.pack_into("<I", data, storage + 76, 9999)  # its child lies outside the directory
    assert looked_into(inspect, bytes(data)).verdict is Verdict.AUTOEXEC


def test_a_file_that_breaks_off_is_corrupt():
    look = looked_into(inspect, samples.xls_xlm_auto_open()[:-700])
    assert Kind.CORRUPT in look.kinds


@pytest.mark.parametrize(("commands", "found"), [(b"", []), (b"\xff\x40", []), (b"\xff\x01\x01\x00", [Kind.VBA_MACRO])])
def test_the_commands_of_word_6(commands, found):
    head = bytearray(DOC[("WordDocument",)])
    struct.pack_into("<H", head, 2, 0x65)
    struct.pack_into("<II", head, 0x118, len(head), len(commands))
    look = look_at({("WordDocument",): bytes(head) + commands})
    assert look.kinds == found
    assert look.verdict is (Verdict.UNSCANNABLE if found else Verdict.CLEAN)


@pytest.mark.parametrize(("at", "value"), [(32, 7), (56, 0)])
def test_small_streams_divided_in_another_way_are_corrupt(at, value):
    data = bytearray(samples.doc())
    struct.pack_into("<H", data, at, value)
    with pytest.raises(Corrupt):
        looked_into(inspect, bytes(data))
