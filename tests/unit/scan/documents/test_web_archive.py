import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Kind
from gateway.scan.documents.web_archive import inspect
from tests.makers.looks import look

SPACE = b'<html xmlns:o="urn:schemas-microsoft-com:office:office">'


@pytest.mark.parametrize(
    "tag",
    [
        b"<link rel=Edit-Time-Data href=http://host/e.mso>",
        b"<LINK HREF='\\\\host\\s\\e.mso' REL='OLE-Object-Data'>",
        b'<w:AttachedTemplate HRef="http://host/t.dot"/>',
        b'<frame src="search-ms:query=x">',
    ],
)
def test_what_office_fetches(tag):
    assert look(inspect, SPACE + tag).kinds == {Kind.REMOTE_TEMPLATE}
    assert not look(inspect, b"<html>" + tag).found


@pytest.mark.parametrize(
    "tag",
    [
        b"<link rel=Edit-Time-Data href=cid:editdata.mso@01>",
        b'<link rel=stylesheet href="https://host/a.css">',
        b'<frame src="https://host/">',
        b'<img src="http://host/p.png">',
    ],
)
def test_an_ordinary_page(tag):
    assert not look(inspect, SPACE + tag).found


@given(st.binary(max_size=300))
def test_any_bytes(data):
    look(inspect, SPACE + b"<link " + data)


@pytest.mark.parametrize("piece", [b"<link ", b"<link href=", b"<w:attachedtemplate ", b'href="', b"rel="])
def test_a_page_made_to_be_slow_is_not(piece):
    look(inspect, SPACE + piece * 30_000)
