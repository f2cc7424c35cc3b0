import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.samples.package import content_types, package, relations
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.containers.zip import members
from gateway.scan.documents.opc import Package, elements, part_name
from gateway.scan.look import Corrupt


def opened(data: bytes) -> Package:
    budget = Budget(Limits())
    return Package(list(members(data, budget)), budget)


@pytest.mark.parametrize(
    "raw",
    [
        "word/vbaProject.bin",
        "/word/vbaproject.BIN",
        "word\\vbaProject.bin",
        "/word/vba%50roject.bin",
        "./word//x/../vbaProject.bin",
    ],
)
def test_names_are_compared_as_office_does(raw):
    assert part_name(raw) == "word/vbaproject.bin"


def test_types_and_relations_are_read():
    read = opened(samples.xlsm_xlm_auto_open())
    assert read.content_type("xl/macrosheets/sheet1.xml") == "application/vnd.ms-excel.macrosheet+xml"
    assert read.content_type("xl/_rels/workbook.xml.rels").endswith("relationships+xml")
    assert read.content_type("xl/unknown.dat") == ""
    found = {(r.source, r.kind, r.target, r.external) for r in read.relations}
    assert ("xl/workbook.xml", "xlmacrosheet", "xl/macrosheets/sheet1.xml", False) in found
    assert ("", "officedocument", "xl/workbook.xml", False) in found
    assert read.unreadable == {}


def test_an_external_target_is_kept_as_it_is():
    data = package(
        {
            "[Content_Types].xml": content_types({}),
            "word/_rels/settings.xml.rels": relations(("x/attachedTemplate", "http://Host/T.dotm"), external=True),
        }
    )
    (relation,) = opened(data).relations
    assert relation.external
    assert relation.target == "http://Host/T.dotm"


def test_a_part_that_is_broken_is_told():
    read = opened(package({"[Content_Types].xml": "<Types", "_rels/.rels": relations()}))
    assert "not sound XML" in read.unreadable["[content_types].xml"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_xml_in_any_encoding_of_office(encoding):
    text = '<?xml version="1.0"?><a:x xmlns:a="urn:a"><a:wanted a:k="1" l="2"/><other/></a:x>'
    (element,) = elements(text.encode(encoding), frozenset({"wanted"}))
    assert element.attributes == {"k": "1", "l": "2"}


def test_an_entity_with_a_text_is_refused():
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x><wanted k="&b;"/></x>'
    with pytest.raises(Corrupt, match="declares the XML entity"):
        elements(bomb, frozenset({"wanted"}))


def test_an_entity_in_another_file_is_never_fetched():
    outside = b'<!DOCTYPE x [<!ENTITY % d SYSTEM "file:///etc/passwd"> %d;]><x><wanted/></x>'
    assert len(elements(outside, frozenset({"wanted"}))) == 1


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_elements_or_corrupt(data):
    with contextlib.suppress(Corrupt):
        elements(data, frozenset({"x"}))


def test_a_part_of_nothing_but_elements_ends_in_time():
    calls = []

    def clock() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise OverLimit("took longer")

    with pytest.raises(OverLimit):
        elements(b"<r>" + b"<a/>" * 1_000_000, frozenset(), clock)
    assert [e.name for e in elements(b"<r><a/></r>", frozenset({"a"}), lambda: None)] == ["a"]
