"""Where elements stand in the bytes, and what is left when pieces are cut out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.disarm import CannotDisarm, splices
from gateway.scan.disarm.splices import Cut, Element

TEXT = (
    b'\xef\xbb\xbf<?xml version="1.0"?><!-- <a/> --><r xmlns:p="urn:x"><p:a b="1>2" c=\'"\'>x<a/></p:a >\n'
    b"<b><![CDATA[<a>]]></b ><a\n></a></r>"
)


def find(content: bytes, *names: str) -> list[Element]:
    return splices.elements(content, frozenset(names), lambda: None)


def test_elements_are_where_they_are() -> None:
    pieces = [TEXT[found.start : found.end] for found in find(TEXT, "a")]
    assert pieces == [b'<p:a b="1>2" c=\'"\'>x<a/></p:a >', b"<a/>", b"<a\n></a>"]
    first = find(TEXT, "a")[0]
    assert (first.space, first.above, first.attributes) == ("urn:x", ("r",), {"b": "1>2", "c": '"'})
    assert TEXT[first.start : first.tag_end] == b'<p:a b="1>2" c=\'"\'>'


def test_an_attribute_goes_or_gets_another_value() -> None:
    first = find(TEXT, "a")[0]
    assert splices.spliced(TEXT, [splices.attribute(TEXT, first, "b")]).count(b"<p:a c='\"'>") == 1
    assert splices.spliced(TEXT, [splices.with_value(TEXT, first, "b", "no")]).count(b'<p:a b="no" c=') == 1
    with pytest.raises(CannotDisarm):
        splices.attribute(TEXT, first, "d")


def test_a_cut_in_a_cut_is_part_of_it_and_two_that_cross_are_refused() -> None:
    assert splices.spliced(b"0123456789", [Cut(4, 5), Cut(3, 6, b"x"), Cut(8, 9)]) == b"012x679"
    assert splices.spliced(b"0123456789", [Cut(3, 6), Cut(6, 6, b"x")]) == b"012x6789"
    with pytest.raises(CannotDisarm):
        splices.spliced(b"0123456789", [Cut(3, 6), Cut(5, 8)])


@pytest.mark.parametrize(
    "content",
    [
        b"<a>",
        b"<a></b>",
        "<a/>".encode("utf-16"),
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b"<!DOCTYPE a><a/>",
        b"",
    ],
)
def test_what_is_not_plain_xml_is_refused(content: bytes) -> None:
    with pytest.raises(CannotDisarm):
        find(content, "a")


@given(st.lists(st.sampled_from([b"<a>", b"</a>", b"<a b='<'/>", b"<a b='>'/>", b"x", b"&lt;", b"<!--<a>-->", b"<"])))
def test_whatever_the_bytes_an_element_is_whole(pieces: list[bytes]) -> None:
    content = b"<r>" + b"".join(pieces) + b"</r>"
    try:
        found = find(content, "a")
    except CannotDisarm:
        return
    for element in found:
        piece = content[element.start : element.end]
        assert piece.startswith(b"<a")
        assert piece.endswith((b"</a>", b"/>"))
