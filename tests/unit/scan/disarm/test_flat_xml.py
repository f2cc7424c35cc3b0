"""Word documents in one XML file without their macro project, all else as it was."""

from __future__ import annotations

import pytest

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.samples import vba
from gateway.scan import Limits, examine
from gateway.scan.disarm import CannotDisarm
from tests.makers.flat import flat_opc, project_2003, word_2003
from tests.makers.looks import RULES
from tests.makers.web import activemime
from tests.unit.scan.disarm.stand_in import run

FLAT = flat_opc(samples.docm_autoopen())
PROJECT = activemime(vba.project(samples.docm_autoopen()))
OLD = word_2003("Grüße", project_2003(PROJECT))
TEMPLATE = (
    b'<Relationship Id="rT" TargetMode="External" Target="http://host.example/t.dotm"'
    b' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"/>'
)
FETCHED = '<w:attachedTemplate w:val="http://host.example/t.dot"/>'


def verdict(content: bytes) -> Verdict:
    return examine(content, rules=RULES, limits=Limits(), mail=False).verdict


def test_a_package_in_one_file_loses_its_project_and_what_speaks_of_it() -> None:
    result = run(FLAT, "x.xml")
    assert (result.name, result.media_type, result.removed) == ("x.xml", "application/xml", ("its macros",))
    assert verdict(result.content) is Verdict.CLEAN
    assert b"vbaProject" not in result.content
    assert b"macroEnabled" not in result.content
    assert b"wordprocessingml.document.main+xml" in result.content
    text = FLAT[FLAT.index(b"<w:body>") : FLAT.index(b"</w:body>")]
    assert text in result.content
    assert len(result.content) < len(FLAT)


def test_the_media_type_is_what_its_name_makes_people_expect() -> None:
    assert run(FLAT, "x.doc").media_type == "application/msword"


def test_a_document_of_word_2003_loses_its_project() -> None:
    result = run(OLD, "x.xml").content
    assert result == word_2003("Grüße")


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"\r\n"])
def test_what_stands_before_the_document_does_not_matter(prefix: bytes) -> None:
    content = OLD if prefix != b"\r\n" else OLD[OLD.index(b"<w:wordDocument") :]
    assert run(prefix + content, "x.doc").content.startswith(prefix)


def test_templates_elsewhere_go() -> None:
    assert run(word_2003("x", more=FETCHED), "x.xml").content == word_2003("x")
    armed = FLAT.replace(b"</Relationships>", TEMPLATE + b"</Relationships>", 1)
    result = run(armed, "x.xml")
    assert set(result.removed) == {"its macros", "a link to a template elsewhere"}
    assert b"host.example" not in result.content


REFUSED = {
    "UTF-16": (FLAT.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "unusual encoding"),
    "cut off": (FLAT[:-400], "not sound XML"),
    "linked to something else": (
        FLAT.replace(b"</Relationships>", TEMPLATE.replace(b"attachedTemplate", b"frame") + b"</Relationships>", 1),
        "cannot do without",
    ),
    "an entity": (OLD.replace(b"?>\r\n<?mso", b'?><!DOCTYPE a [<!ENTITY b "c">]>\r\n<?mso', 1), "document type"),
    "a program": (
        word_2003("x").replace(
            b"<w:docPr>",
            b'<w:binData w:name="a">TVqQAAMAAAAEAAAA//8AALg'
            b"AAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgAAAAFBFAAA=</w:binData><w:docPr>",
        ),
        "executable",
    ),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_certain_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CannotDisarm, match=why):
        run(data, "x.xml")
