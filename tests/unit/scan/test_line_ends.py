"""Line ends of documents: only what a program for text did to all of them is undone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import samples
from gateway.scan import line_ends

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize("document", [samples.doc(), samples.docm_autoopen(), samples.xls(), samples.xlsx()])
def test_documents_come_back(document: bytes) -> None:
    assert line_ends.repaired(document) is None
    if b"\r\n" not in document:
        assert line_ends.repaired(document.replace(b"\n", b"\r\n")) == document


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\r\nand more\r\n",
        OLE,
        OLE + b"\r\n",
        OLE + b"\n\r\n\r\n",
        OLE + b"\r\n\r\n\n",
        OLE + b"\r\r",
    ],
)
def test_what_is_left_as_it_is(content: bytes) -> None:
    assert line_ends.repaired(content) is None


@given(st.binary(max_size=300))
def test_what_was_converted_is_undone(tail: bytes) -> None:
    content = OLE + tail.replace(b"\r", b"") + b"\n\n"
    assert line_ends.repaired(content.replace(b"\n", b"\r\n")) == content
    assert line_ends.repaired(content) is None
