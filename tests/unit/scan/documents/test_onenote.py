import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import FileType, Kind
from gateway.scan import sniff
from gateway.scan.documents.onenote import inspect
from tests.makers.looks import look
from tests.makers.onenote import NOTEBOOK, PICTURE, SECTION, section

WSF = b"<job id='x'><script language='VBScript'>' inert</script></job>"


@pytest.mark.parametrize("kind", [SECTION, NOTEBOOK])
def test_a_file_is_handed_on_and_told(kind):
    data = section(PICTURE, WSF, kind=kind)
    notes = look(inspect, data)
    assert sniff.sniff(data) is FileType.ONENOTE
    assert [content for _, content in notes.handed] == [PICTURE, WSF]
    assert notes.kinds == {Kind.SCRIPT_CARRIER}


@pytest.mark.parametrize("files", [(), (PICTURE,), (PICTURE, b"\xff\xd8\xff\xe0" + bytes(9)), (b"",)])
def test_a_section_of_pictures_is_clean(files):
    assert not look(inspect, section(*files)).found


def test_a_metafile_is_a_picture():
    assert not look(inspect, section(b"\x01\0\0\0" + bytes(36) + b" EMF" + bytes(60))).found


@pytest.mark.parametrize("tail", [b"", bytes(100)])
def test_a_file_that_breaks_off_is_told(tail):
    notes = look(inspect, section(PICTURE)[:-40] + tail)
    assert notes.kinds == {Kind.CORRUPT}
    assert notes.handed


def test_a_section_packed_by_a_web_service_is_not_passed_unread():
    form = bytes.fromhex("2FE98D63D4A6C14B9A36B3FC2511A5B7")
    assert not look(inspect, section(form=form)).found
    assert look(inspect, section(form=form, tail="<ifndf>{1}</ifndf>".encode("utf-16-le"))).kinds == {Kind.CORRUPT}


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1400), st.binary(max_size=60))
def test_any_cut_and_any_tail(cut, tail):
    whole = section(PICTURE, WSF)
    assert WSF in [content for _, content in look(inspect, whole + tail).handed]
    look(inspect, whole[:cut] + tail)
