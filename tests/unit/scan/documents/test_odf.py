import base64
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import FileType, Kind, Verdict
from gateway.scan import sniff
from gateway.scan.documents.odf import inspect
from gateway.scan.look import Corrupt
from tests.makers.odf import BASIC, ENCRYPTION, content, flat, flat_basic, library, listener, listeners, odf, with_basic
from tests.unit.scan.documents.recorder import looked_into


@pytest.mark.parametrize("event", ["dom:load", "office:start-app", "office:save", "on-load", "anything"])
@pytest.mark.parametrize("document", [lambda scripts: odf(content(scripts)), flat], ids=["package", "flat"])
def test_an_event_of_the_document_starts_its_macro(document, event):
    assert looked_into(inspect, document(listeners(event))).kinds == [Kind.VBA_AUTOEXEC]


def test_events_of_controls():
    assert looked_into(inspect, odf(content(body=listener("dom:click")))).kinds == [Kind.VBA_MACRO]
    assert looked_into(inspect, odf(content(body=listener("dom:load")))).kinds == [Kind.VBA_AUTOEXEC]


@pytest.mark.parametrize(
    "document",
    [
        with_basic(),
        odf(Scripts__python__x_py="def x():\n    pass\n"),
        flat(flat_basic()),
        with_basic(code="print 1").replace(b"Basic/", b"BASIC/"),
    ],
)
def test_macros_are_told(document):
    assert looked_into(inspect, document).kinds == [Kind.VBA_MACRO]


def test_basic_that_takes_vba_names_runs_by_them():
    look = looked_into(inspect, with_basic(code="Option VBASupport 1\nSub Workbook_Open()\nEnd Sub"))
    assert look.verdict is Verdict.AUTOEXEC
    assert looked_into(inspect, with_basic(code="Sub Workbook_Open()\nEnd Sub")).verdict is Verdict.MACRO


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (
            '<office:dde-source office:dde-application="cmd" office:dde-topic="/c x"/>',
            Kind.DDE,
        ),
        ('<table:table-cell table:formula="of:=DDE(&quot;cmd&quot;;&quot;/c x&quot;)"/>', Kind.DDE),
        ("<table:table-cell table:formula=\"msoxl:=cmd|'/c x'!A1\"/>", Kind.DDE),
        ('<draw:object xlink:href="http://host.example/x"/>', Kind.REMOTE_TEMPLATE),
        ('<text:section-source xlink:href="https://host.example/x.odt"/>', Kind.REMOTE_TEMPLATE),
        ('<draw:image xlink:href="file://host.example/s/x.png"/>', Kind.REMOTE_TEMPLATE),
        ('<draw:image xlink:href="\\\\host.example\\s\\x.png"/>', Kind.REMOTE_TEMPLATE),
        ('<text:a xlink:href="ms-msdt:/id"/>', Kind.REMOTE_TEMPLATE),
        ('<presentation:event-listener presentation:action="execute" xlink:href="x.exe"/>', Kind.SCRIPT_CARRIER),
    ],
)
def test_what_leads_out(body, kind):
    assert looked_into(inspect, odf(content(body=body))).kinds == [kind]
    assert looked_into(inspect, flat(body=body)).kinds == [kind]


@pytest.mark.parametrize(
    "document",
    [
        odf(),
        flat(),
        odf(**{"Basic__script-lc_xml": "<libraries/>", "Basic__Standard__script-lb_xml": library()}),
        with_basic(code="REM  *****  BASIC  *****\n\n"),
        odf(content(body='<text:a xlink:href="https://host.example/"/><draw:image xlink:href="Pictures/1.png"/>')),
        odf(
            content(body='<draw:image xlink:href="https://host.example/p.png"/><draw:object xlink:href="./Object 1"/>')
        ),
        odf(content(body='<presentation:event-listener presentation:action="next-page"/>')),
        odf(content(body='<table:table-cell table:formula="of:=SUM([.A1:.A2])"/>')),
    ],
)
def test_an_ordinary_document(document):
    look = looked_into(inspect, document)
    assert not look.findings


@pytest.mark.parametrize(
    "event",
    [
        '<script:event-listener script:language="StarBasic" script:event-name="dom:load" script:macro-name=""/>',
        '<script:event script:language="StarBasic" script:macro-name="A.B" script:location="application"/>',
        listener("dom:load").replace("location=document", "location=application"),
    ],
)
def test_macros_of_the_program_itself_are_no_alarm(event):
    look = looked_into(inspect, odf(content(f"<office:event-listeners>{event}</office:event-listeners>")))
    assert look.verdict is Verdict.CLEAN


@pytest.mark.parametrize("address", ["../../x.py$y?language=Python", "LibreLogo|x.py$run?language=Python"])
def test_other_scripts_of_the_program_are(address):
    event = listener("dom:load").replace("Standard.Module1.Main?language=Basic", address)
    event = event.replace("location=document", "location=share")
    assert looked_into(inspect, odf(content(body=event))).verdict is Verdict.AUTOEXEC


def test_an_encrypted_document_is_held():
    assert looked_into(inspect, odf(manifest=ENCRYPTION)).verdict is Verdict.UNSCANNABLE


def test_what_is_embedded_in_one_file_is_handed_on():
    encoded = base64.encodebytes(samples.doc_autoopen()).decode()
    look = looked_into(
        inspect, flat(body=f"<draw:object-ole><office:binary-data>{encoded}</office:binary-data></draw:object-ole>")
    )
    assert look.children == [("embedded", samples.doc_autoopen())]


def test_damage_is_told():
    assert looked_into(inspect, odf(content(listeners("x"))[:-9])).kinds[0] is Kind.CORRUPT
    with pytest.raises(Corrupt):
        looked_into(inspect, flat(listeners("dom:load"))[:-9])


def test_it_is_known_by_its_content():
    assert sniff.sniff(odf()) is FileType.ODF
    assert sniff.sniff(flat()) is FileType.FLAT_ODF
    assert sniff.sniff(flat().decode().encode("utf-16")) is FileType.FLAT_ODF


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2000), st.binary(max_size=60))
def test_any_cut_and_any_tail(cut, tail):
    whole = with_basic(content(listeners("dom:load")))
    assert looked_into(inspect, whole + tail).verdict is Verdict.AUTOEXEC
    with contextlib.suppress(Corrupt):
        looked_into(inspect, whole[:cut] + tail)
    with contextlib.suppress(Corrupt):
        looked_into(inspect, flat(flat_basic(BASIC))[:cut] + tail)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data):
    with contextlib.suppress(Corrupt):
        looked_into(inspect, b"<office:document><ooo:module>" + data)
