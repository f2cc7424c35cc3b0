"""OpenDocument without its macros: what stays is the same, member by member and byte by byte."""

from __future__ import annotations

import io
import zipfile

import pytest

from gateway.scan.disarm import CannotDisarm
from tests.makers.odf import (
    ENCRYPTION,
    content,
    flat,
    flat_basic,
    library,
    listener,
    listeners,
    module,
    odf,
    with_basic,
)
from tests.unit.scan.disarm.stand_in import run

LISTED = (
    '<m:file-entry m:full-path="Basic/Standard/Module1.xml" m:media-type="text/xml"/>'
    '<m:file-entry m:full-path="Basic/" m:media-type=""/>'
)
KEPT = '<m:file-entry m:full-path="content.xml" m:media-type="text/xml"/>'
PROGRAM = '<presentation:event-listener presentation:action="execute" xlink:href="inert.exe"/>'
TURN = '<presentation:event-listener presentation:action="next-page"/>'
DDE = '<table:dde-link><office:dde-source office:dde-application="inert" office:dde-topic="x"/></table:dde-link>'
CELL = '<table:table-cell{} office:value="1"/>'
FORMULA = ' table:formula="of:=DDE(&quot;inert&quot;;&quot;x&quot;;&quot;y&quot;)"'
SUM = CELL.format(' table:formula="of:=SUM([.A1])"')
SECTION = '<text:section-source xlink:href="https://host.example/b.odt"/>'


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_libraries_go_with_their_lines_in_the_manifest() -> None:
    index = {"Basic__Standard__script-lb_xml": library("Module1"), "META-INF__macrosignatures_xml": "<a/>"}
    left = "<office:event-listeners></office:event-listeners>"
    data = odf(
        content(listeners("dom:load")),
        manifest=KEPT + LISTED,
        Basic__Standard__Module1_xml=module(),
        Pictures__a_png="x",
        **index,
    )
    result = run(data, "x.odt")
    assert members(result.content) == members(odf(content(left), manifest=KEPT, Pictures__a_png="x"))
    assert (result.name, result.media_type) == ("x.odt", "application/vnd.oasis.opendocument.text")
    assert result.removed == ("its macros", "what starts a macro or a program")
    assert result.content.startswith(data[:60])


WAYS = {
    "a form": (listener("dom:click"), ""),
    "a program": (TURN + PROGRAM, TURN),
    "a link by DDE": (DDE, ""),
    "a formula with DDE": (SUM + CELL.format(FORMULA), SUM + CELL.format("")),
    "a text from elsewhere": (SECTION, ""),
}


@pytest.mark.parametrize(("body", "left"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("form", ["package", "one file"])
def test_what_acts_is_cut_out_of_the_text(form: str, body: str, left: str) -> None:
    if form == "package":
        assert members(run(odf(content(body=body)), "x.odt").content) == members(odf(content(body=left)))
    else:
        assert run(flat(body=body), "x.fodt").content == flat(body=left)


def test_macros_in_one_file() -> None:
    result = run(flat(listeners("dom:load") + flat_basic()), "x.doc")
    assert result.content == flat("<office:event-listeners></office:event-listeners>")


REFUSED = {
    "encrypted": (odf(manifest=ENCRYPTION), "nothing that could be taken out"),
    "a picture on a share": (
        odf(content(body='<draw:image xlink:href="file://host.example/s/p.png"/>')),
        "nothing that could be taken out",
    ),
    "UTF-16": (flat(listeners("load")).decode().replace("UTF-8", "UTF-16").encode("utf-16"), "unusual encoding"),
    "not sound": (with_basic(content(listeners("dom:load"))[:-10]), "not sound XML"),
    "something behind it": (with_basic() + bytes(40), "before or behind"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_certain_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CannotDisarm, match=why):
        run(data, "x.odt")
