"""Splices of XML: whatever the encoding and the way it is written, only what is meant changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.disarm.ooxml_xml import Xml, named
from gateway.scan.look import Corrupt

R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ENCODINGS = ["utf-8", "utf-16", "iso-8859-2", "windows-1250", "us-ascii"]
BODY = f"""<a xmlns:r='{R}'><b x="ľ>'" r:id='1' /><c></c><d><b id="7">text</b></d><e  >z<f/></e ></a>"""


def document(body: str, encoding: str = "utf-8") -> bytes:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{body}'.encode(encoding, "xmlcharrefreplace")


def read(content: bytes, *names: str) -> Xml:
    return Xml(content, named(*names), lambda: None)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_elements_are_found_at_their_bytes(encoding: str) -> None:
    xml = read(document(BODY, encoding), "b", "c", "d", "e")
    found = [xml.source(node) for node in xml.nodes]
    written = [s.encode(encoding, "xmlcharrefreplace").removeprefix(b"\xff\xfe") for s in (
        """<b x="ľ>'" r:id='1' />""", "<c></c>", '<d><b id="7">text</b></d>', '<b id="7">text</b>', "<e  >z<f/></e >",
    )]  # fmt: skip
    assert found == written
    assert [node.text for node in xml.nodes] == ["", "", "", "text", "z"]
    assert list(xml.nodes[0].relations) == ["1"]
    assert list(xml.nodes[3].relations) == []


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_change_is_a_splice(encoding: str) -> None:
    xml = read(document(BODY, encoding), "b", "c", "d", "e")
    first, empty, _frame, second, last = xml.nodes
    xml.set_attribute(first, "x", '"<ω')
    xml.set_attribute(first, "id", None)
    xml.remove(empty)
    xml.prune([second], frozenset({"d"}))
    xml.unwrap(last)
    omega = "ω" if encoding.startswith("utf") else "&#969;"
    expected = f"""<a xmlns:r='{R}'><b x="&quot;&lt;{omega}" />z<f/></a>"""
    assert xml.spliced() == document(expected, encoding)


def test_a_frame_stays_while_anything_is_in_it() -> None:
    content = document("<a><d><b/><c/></d><d><b/></d></a>")
    xml = read(content, "b")
    xml.prune(xml.nodes, frozenset({"d"}))
    assert xml.spliced() == document("<a><d><c/></d></a>")


def test_a_change_inside_what_goes_is_gone_too() -> None:
    xml = read(document('<a><d><b x="1"/></d></a>'), "b", "d")
    xml.set_attribute(xml.nodes[1], "x", "2")
    xml.remove(xml.nodes[0])
    assert xml.spliced() == document("<a></a>")


def test_names_beside_an_element_have_its_prefix() -> None:
    xml = read(document('<t:a xmlns:t="x"><t:b/></t:a>'), "a")
    assert xml.name_like(xml.nodes[0], "new") == "t:new"
    xml.insert_before_end(xml.nodes[0], b"<t:new/>")
    assert xml.spliced() == document('<t:a xmlns:t="x"><t:b/><t:new/></t:a>')


@pytest.mark.parametrize("content", [b"", b"<a>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<a></b>"])
def test_unsound_xml_is_refused(content: bytes) -> None:
    with pytest.raises(Corrupt):
        read(content, "a")


texts = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=8)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


@given(st.lists(st.tuples(st.sampled_from("abc"), texts, texts), max_size=12), st.sampled_from(ENCODINGS))
def test_what_is_not_removed_keeps_its_bytes(elements: list[tuple[str, str, str]], encoding: str) -> None:
    written = [f'<{name} x="{escaped(value)}">{escaped(text)}</{name}>' for name, value, text in elements]
    xml = read(document(f"<r>{''.join(written)}</r>", encoding), "b")
    for node in xml.nodes:
        xml.remove(node)
    left = [one for one, (name, *_) in zip(written, elements, strict=True) if name != "b"]
    assert xml.spliced() == document(f"<r>{''.join(left)}</r>", encoding)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        xml = Xml(content, lambda _node: True, lambda: None)
    except Corrupt:
        return
    for node in xml.nodes:
        assert xml.source(node).startswith(b"<")
        xml.remove(node)
    xml.spliced()
