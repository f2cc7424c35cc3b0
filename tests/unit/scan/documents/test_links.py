import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Kind
from gateway.scan.documents import moniker, ole1
from gateway.scan.documents.links import judged
from gateway.scan.documents.remote import is_dangerous, is_share
from gateway.scan.look import Blob
from tests.makers.rtf import URL_LINK
from tests.makers.rtf import ole1 as written
from tests.unit.scan.documents.recorder import Recorder

FILE_MONIKER = bytes(9) + bytes.fromhex("0303000000000000C000000000000046")


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("attachedtemplate", "http://host/t"),
        ("oleobject", "mhtml:http://host/a!x-usc:http://host/a"),
        ("image", "file://host/s/p.png"),
        ("hyperlink", "ms-msdt:/id"),
        ("hyperlink", "ms%2Dmsdt:/id"),
        ("printersettings", "http://host/p"),
        ("", "https://host/"),
    ],
)
def test_a_relationship_that_acts(kind, address):
    found = judged(kind, address)
    assert found is not None
    assert found[0] is Kind.REMOTE_TEMPLATE


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("attachedtemplate", "Normal.dotm"),
        ("oleobject", "file:///E:\\a.xlsx"),
        ("externallinkpath", "/Users/a/b.xlsx"),
        ("externallinkpath", "\\\\host\\s\\b.xlsx"),
        ("image", "https://host/p.png"),
        ("image", "file://localhost/Users/a/p.png"),
        ("hyperlink", "\\\\host\\s"),
        ("hyperlink", "javascript:void(0)"),
        ("hyperlink", "ms-word:ofe|u|https://host/a.docx"),
        ("mailmergesource", "file:///C:\\list.xls"),
    ],
)
def test_a_relationship_that_does_not(kind, address):
    assert judged(kind, address) is None


@pytest.mark.parametrize("address", ["\\\\?\\C:\\a", "\\\\.\\pipe", "file:///c|/a", "\\\\localhost\\c$"])
def test_what_looks_like_a_share_and_is_none(address):
    assert not is_share(address)


@pytest.mark.parametrize("address", ["\\\\?\\UNC\\host\\s", "file:\\\\host\\s", "//host/s", "smb://host/s"])
def test_a_share(address):
    assert is_share(address)


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (URL_LINK, Kind.REMOTE_TEMPLATE),
        (
            bytes(9) + bytes.fromhex("0303000000000000C000000000000046") + bytes(6) + b"\\\\host\\s\0",
            Kind.REMOTE_TEMPLATE,
        ),
        (bytes(9) + bytes.fromhex("C7B0ABEC197FD211978E0000F8757E2A"), Kind.OLE_PACKAGE),
    ],
)
def test_a_linked_object(stream, kind):
    look = Recorder()
    moniker.inspect(stream, "x", look)
    assert look.kinds == [kind]


@given(st.text(max_size=60), st.binary(max_size=200))
def test_anything(text, data):
    look = Recorder()
    judged("image", text)
    is_dangerous(text)
    moniker.inspect(URL_LINK[:36] + data, "x", look)
    for content in (data, written("Package", data)[:60] + data):
        if found := ole1.read(content):
            ole1.inspect(found, Blob(b"", "x"), "o", look)
