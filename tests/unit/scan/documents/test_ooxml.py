import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Kind, Verdict
from gateway.samples import vba, word
from gateway.samples.package import MICROSOFT, OFFICE, package, parts_of, relations
from gateway.scan.budget import OverLimit
from gateway.scan.documents.ooxml import inspect
from tests.unit.scan.documents.recorder import Recorder, looked_into

DOCM = parts_of(samples.docm_autoopen())
CLEAN = parts_of(samples.docx())
XLM = parts_of(samples.xlsm_xlm_auto_open())


def changed(parts: dict[str, bytes], renamed: dict[str, str] | None = None, **replaced: bytes) -> bytes:
    renamed = renamed or {}
    return package({renamed.get(name, name): replaced.get(name, content) for name, content in parts.items()})


def look_at(data: bytes) -> Recorder:
    return looked_into(inspect, data)


@pytest.mark.parametrize("make", [samples.docx, samples.xlsx])
def test_a_clean_document_has_no_finding(make):
    assert look_at(make()).findings == []


@pytest.mark.parametrize(
    "make",
    [samples.docm_autoopen, samples.xlsm_workbook_open, samples.xlsb_workbook_open, samples.xlam_workbook_open],
)
def test_vba_that_runs_by_itself(make):
    assert look_at(make()).kinds == [Kind.VBA_AUTOEXEC]


@pytest.mark.parametrize("make", [samples.xlsm_xlm_auto_open, samples.xlsb_xlm_auto_open])
def test_xlm_that_runs_by_itself(make):
    assert look_at(make()).kinds == [Kind.XLM_AUTOEXEC]


def test_vba_that_nothing_starts():
    assert look_at(samples.docm_macro()).kinds == [Kind.VBA_MACRO]


def test_a_project_is_found_by_its_relationship():
    renamed = {"word/vbaProject.bin": "word/settings9.dat"}
    rels = DOCM["word/_rels/document.xml.rels"].replace(b"vbaProject.bin", b"settings9.dat")
    data = changed(DOCM, renamed, **{"word/_rels/document.xml.rels": rels})
    assert look_at(data).verdict is Verdict.AUTOEXEC


def test_a_project_is_found_by_its_name_alone():
    rels = DOCM["word/_rels/document.xml.rels"].replace(b"/vbaProject", b"/other")
    types = DOCM["[Content_Types].xml"].replace(b"vbaProject", b"other")
    data = changed(DOCM, **{"word/_rels/document.xml.rels": rels, "[Content_Types].xml": types})
    assert look_at(data).verdict is Verdict.AUTOEXEC


@pytest.mark.parametrize(
    "name", ["word\\vbaProject.bin", "/word/vbaProject.bin", "WORD/VBAPROJECT.BIN", "word/vba%50roject.bin"]
)
def test_a_project_is_found_however_its_name_is_written(name):
    assert look_at(changed(DOCM, {"word/vbaProject.bin": name})).verdict is Verdict.AUTOEXEC


def test_a_compound_file_in_any_part_is_handed_on():
    data = package({**CLEAN, "word/theme/odd.dat": vba.project(samples.docm_autoopen())})
    assert [name for name, _ in look_at(data).children] == ["word/theme/odd.dat"]


@pytest.mark.parametrize(
    "name", ["word/embeddings/Document1.docm", "word/embeddings/oleObject1.bin", "customXml/item1.dat"]
)
def test_an_embedded_document_is_handed_on(name):
    data = package({**CLEAN, name: samples.docm_autoopen()})
    assert look_at(data).children == [(name.lower(), samples.docm_autoopen())]


def test_a_chunk_to_be_merged_is_handed_on_whatever_it_is():
    rels = relations((f"{OFFICE}/aFChunk", "chunk.xml"))
    data = package({**CLEAN, "word/_rels/document.xml.rels": rels, "word/chunk.xml": "<html/>"})
    assert look_at(data).children == [("word/chunk.xml", b"<html/>")]


def test_a_document_in_one_xml_file_that_nothing_leads_to_is_handed_on():
    flat = '<?xml version="1.0"?><pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage"/>'
    data = package({**CLEAN, "customXml/other.xml": flat, "word/document2.xml": "<a/>"})
    assert look_at(data).children == [("customxml/other.xml", flat.encode())]
    assert not look_at(package(CLEAN)).children


def test_of_a_damaged_part_what_comes_before_the_damage_is_read():
    project = DOCM["word/vbaProject.bin"]
    text = b" ".join(b"%d" % (n * n) for n in range(3000))
    data = bytearray(package({**CLEAN, "word/embeddings/a.bin": project + text}))
    end = data.index(b"PK\x01\x02")  # the directory follows the last part
    data[end - 200 : end] = b"\xff" * 200
    look = look_at(bytes(data))
    assert look.kinds == [Kind.CORRUPT]
    ((name, content),) = look.children
    assert name == "word/embeddings/a.bin"
    assert content.startswith(project)


def test_a_project_that_is_no_compound_file_is_corrupt():
    data = changed(DOCM, **{"word/vbaProject.bin": b"nonsense" * 100})
    assert look_at(data).kinds == [Kind.CORRUPT]


def test_a_damaged_project_is_searched_and_corrupt():
    damaged = b"\0" * 512 + DOCM["word/vbaProject.bin"][512:]
    look = look_at(changed(DOCM, **{"word/vbaProject.bin": damaged}))
    assert look.verdict is Verdict.AUTOEXEC
    assert Kind.CORRUPT in look.kinds


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("_xlnm.Auto_Open", Verdict.AUTOEXEC), ("auto_open_x", Verdict.AUTOEXEC), ("Total", Verdict.MACRO)],
)
def test_the_name_decides_whether_xlm_runs(name, verdict):
    assert look_at(samples.xlsm_xlm_auto_open(name)).verdict is verdict


@pytest.mark.parametrize("hint", ["type", "relation", "folder"])
def test_a_macro_sheet_is_found_by_any_of_its_three_marks(hint):
    types, rels = XLM["[Content_Types].xml"], XLM["xl/_rels/workbook.xml.rels"]
    renamed = {}
    if hint != "type":
        types = types.replace(b"ms-excel.macrosheet", b"ms-excel.sheet")
    if hint != "relation":
        rels = rels.replace(b"/xlMacrosheet", b"/worksheet")
    if hint != "folder":
        renamed = {"xl/macrosheets/sheet1.xml": "xl/worksheets/sheet2.xml"}
        rels = rels.replace(b"macrosheets/sheet1.xml", b"worksheets/sheet2.xml")
        types = types.replace(b"/xl/macrosheets/sheet1.xml", b"/xl/worksheets/sheet2.xml")
    data = changed(XLM, renamed, **{"[Content_Types].xml": types, "xl/_rels/workbook.xml.rels": rels})
    assert look_at(data).verdict is Verdict.AUTOEXEC


@pytest.mark.parametrize(
    ("kind", "target", "found"),
    [
        ("attachedTemplate", "http://host/t.dotm", True),
        ("attachedTemplate", "file:///\\\\host\\share\\t.dotm", True),
        ("oleObject", "https://host/x.doc", True),
        ("attachedTemplate", "file:///C:\\Templates\\t.dotm", False),
        ("hyperlink", "http://host/", False),
        ("image", "http://host/x.png", False),
    ],
)
def test_what_is_fetched_on_opening(kind, target, found):
    rels = relations((f"{OFFICE}/{kind}", target), external=True)
    look = look_at(package({**CLEAN, "word/_rels/settings.xml.rels": rels}))
    assert look.kinds == ([Kind.REMOTE_TEMPLATE] if found else [])


def test_a_dde_field_in_a_header():
    types = CLEAN["[Content_Types].xml"].replace(
        b"</Types>",
        b'<Override PartName="/word/header1.xml" ContentType="application/'
        b'vnd.openxmlformats-officedocument.wordprocessingml.header+xml"/></Types>',
    )
    runs = "".join(f"<w:r><w:instrText>{piece}</w:instrText></w:r>" for piece in ("DDE", "AUTO x"))
    field = f'<w:hdr xmlns:w="urn:w">{runs}</w:hdr>'
    data = package({**CLEAN, "[Content_Types].xml": types, "word/header1.xml": field})
    assert look_at(data).kinds == [Kind.DDE]


def test_a_dde_link_of_a_workbook():
    link = '<externalLink xmlns="urn:x"><ddeLink ddeService="cmd" ddeTopic="/c x"/></externalLink>'
    look = look_at(package({**parts_of(samples.xlsx()), "xl/externalLinks/externalLink1.xml": link}))
    assert look.kinds == [Kind.DDE]
    assert "cmd|/c x" in look.findings[0].detail


def test_a_part_nobody_can_read_is_corrupt():
    broken = changed(CLEAN, **{"_rels/.rels": b"<Relationships"})
    assert look_at(broken).kinds == [Kind.CORRUPT]


def test_an_encrypted_part_is_encrypted():
    data = bytearray(samples.docm_autoopen())
    name = b"word/vbaProject.bin"
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature)
        while True:
            head = 30 if signature == b"PK\x03\x04" else 46
            if data[at + head : at + head + len(name)] == name:
                data[at + flags] |= 1
                # and what was deflated is no longer
                break
            at = data.index(signature, at + 1)
    start = data.index(name) + len(name)
    data[start : start + 400] = bytes(400)
    assert look_at(bytes(data)).verdict is Verdict.UNSCANNABLE


def test_a_document_that_may_belong_to_any_application_is_judged_for_all():
    data = package({"a/vbaProject.bin": vba.project(word.docm(vba.inert("Workbook_Open")))})
    assert look_at(data).verdict is Verdict.AUTOEXEC
    assert MICROSOFT


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_a_finding_or_nothing(data):
    damaged = bytearray(samples.xlsm_xlm_auto_open())
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(OverLimit):
        look_at(bytes(damaged[: data.draw(st.integers(30, len(damaged)))]))


def with_ribbon(attributes: str, *, source: str = "Sub Shown(ribbon)\r\nEnd Sub\r\n") -> bytes:
    parts = parts_of(word.docm(source))
    link = f'<Relationship Id="rId99" Type="{MICROSOFT}/ui/extensibility" Target="customUI/customUI.xml"/>'
    root = parts["_rels/.rels"].replace(b"</Relationships>", link.encode() + b"</Relationships>")
    ribbon = f'<customUI xmlns="http://schemas.microsoft.com/office/2006/01/customui" {attributes}><ribbon/></customUI>'
    return package({**parts, "_rels/.rels": root, "customUI/customUI.xml": ribbon})


@pytest.mark.parametrize(
    ("attributes", "verdict"),
    [
        ('onLoad="Shown"', Verdict.AUTOEXEC),
        ('loadImage="Shown"', Verdict.AUTOEXEC),
        ('getLabel="Shown"', Verdict.AUTOEXEC),
        ('onAction="Shown"', Verdict.MACRO),
        ("", Verdict.MACRO),
    ],
)
def test_macros_the_ribbon_calls_while_it_is_drawn(attributes, verdict):
    assert look_at(with_ribbon(attributes)).verdict is verdict


def test_parts_whose_names_differ_only_in_case_are_ambiguous():
    look = look_at(package({**CLEAN, "Word/Document.xml": CLEAN["word/document.xml"]}))
    assert look.kinds == [Kind.ARCHIVE_AMBIGUOUS]


@pytest.mark.parametrize("name", ["word/media/image1.png", "word/notes.xml"])
def test_a_project_is_found_in_a_part_of_any_name(name):
    look = look_at(package({**CLEAN, name: DOCM["word/vbaProject.bin"]}))
    assert [child for child, _ in look.children] == [name]


def test_an_encoding_that_cannot_be_read_is_corrupt():
    parts = {**CLEAN, "_rels/.rels": CLEAN["_rels/.rels"].replace(b"UTF-8", b"utf-7")}
    assert look_at(package(parts)).kinds == [Kind.CORRUPT]
