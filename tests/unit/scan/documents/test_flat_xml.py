import base64
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Kind
from gateway.samples import vba
from gateway.scan.documents.flat_xml import inspect
from gateway.scan.look import Blob, Corrupt
from tests.unit.scan.documents.recorder import Recorder, looked_into

PROJECT = vba.project(samples.docm_autoopen())
ENCODED = base64.encodebytes(PROJECT).decode()


def flat(body: str) -> str:
    return f'<?xml version="1.0"?><pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage">{body}</pkg:package>'


VBA = f'<pkg:part pkg:name="/word/vbaProject.bin"><pkg:binaryData>{ENCODED}</pkg:binaryData></pkg:part>'
DATA = f'<w:docSuppData><w:binData w:name="editdata.mso">{ENCODED}</w:binData></w:docSuppData>'
WORD_2003 = f'<w:wordDocument xmlns:w="urn:w">{DATA}</w:wordDocument>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_macro_project_in_flat_opc_is_handed_on(encoding):
    look = looked_into(inspect, flat(VBA).encode(encoding))
    assert look.children == [("word/vbaProject.bin", PROJECT)]


def test_a_macro_project_in_word_2003_xml_is_handed_on():
    assert looked_into(inspect, WORD_2003.encode()).children == [("editdata.mso", PROJECT)]


def test_pictures_are_not_handed_on():
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(99)).decode()
    body = f'<pkg:part pkg:name="/x.png"><pkg:binaryData>{picture}</pkg:binaryData></pkg:part>'
    look = looked_into(inspect, flat(body).encode())
    assert not look.children
    assert not look.findings


def test_fields_and_templates_are_told():
    field = '<w:r xmlns:w="urn:w"><w:instrText>DDEAUTO x</w:instrText></w:r>'
    link = '<Relationship Type="http://x/attachedTemplate" Target="http://host/t.dotm" TargetMode="External"/>'
    assert set(looked_into(inspect, flat(field + link).encode()).kinds) == {Kind.DDE, Kind.REMOTE_TEMPLATE}


@pytest.mark.parametrize("length", [-30, -200, -2000])
def test_what_breaks_off_is_handed_on_as_far_as_it_goes(length):
    look = Recorder()
    with pytest.raises(Corrupt):
        inspect(Blob(flat(VBA).encode()[:length], "x"), look)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_corrupt(data):
    with contextlib.suppress(Corrupt):
        looked_into(inspect, b"<x><binaryData>" + data)
