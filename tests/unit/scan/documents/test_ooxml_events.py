import pytest

from gateway import samples
from gateway.closed_sets import Kind, Verdict
from gateway.samples import vba, word
from gateway.samples.package import content_types, package, parts_of
from gateway.scan.documents import ooxml
from gateway.scan.documents.opc import part_name
from tests.unit.scan.documents.recorder import looked_into

WNE = 'xmlns:wne="http://schemas.microsoft.com/office/word/2006/wordml"'
SLIDE = '<p:sld xmlns:p="p" xmlns:a="a" xmlns:r="r">{}</p:sld>'


def macro_document(**more: str) -> bytes:
    parts: dict[str, bytes | str] = {**parts_of(samples.docm_macro())}
    parts.update({part_name(name.replace("__", "/")) + ".xml": text for name, text in more.items()})
    return package(parts)


def slides(action: str, *, macros: bool = False) -> bytes:
    project = {"ppt/vbaProject.bin": vba.project(samples.docm_macro())} if macros else {}
    return package(
        {
            "[Content_Types].xml": content_types({"/ppt/presentation.xml": "application/vnd.ms-powerpoint"}),
            "ppt/slides/slide1.xml": SLIDE.format(action),
            **project,
        }
    )


def noted(inner: str) -> str:
    return f"<wne:vbaSuppData {WNE}>{inner}</wne:vbaSuppData>"


@pytest.mark.parametrize(
    "events",
    [
        "<wne:docEvents><wne:eventDocOpen/></wne:docEvents>",
        '<wne:mcds><wne:mcd wne:macroName="P.M.AUTOOPEN"/></wne:mcds>',
    ],
)
def test_what_word_has_noted_of_a_project_counts(events):
    look = looked_into(ooxml.inspect, macro_document(word__vbaData=noted(events)))
    assert look.verdict is Verdict.AUTOEXEC
    quiet = noted('<wne:mcds><wne:mcd wne:macroName="P.M.X"/></wne:mcds>')
    assert looked_into(ooxml.inspect, macro_document(word__vbaData=quiet)).verdict is Verdict.MACRO


def test_a_ribbon_without_a_relationship_counts_too():
    ribbon = '<customUI xmlns="http://schemas.microsoft.com/office/2009/07/customui" onLoad="Start"/>'
    assert looked_into(ooxml.inspect, macro_document(customUI__customUI14=ribbon)).verdict is Verdict.AUTOEXEC


def test_without_macros_neither_means_anything():
    parts = parts_of(samples.docx())
    ribbon = '<customUI xmlns="http://schemas.microsoft.com/office/2009/07/customui" onLoad="Start"/>'
    assert not looked_into(ooxml.inspect, package({**parts, "customUI/customUI14.xml": ribbon})).findings


def test_a_mouse_over_a_shape_runs_the_macro_and_a_click_is_the_readers_deed():
    over = '<a:hlinkMouseOver r:id="" action="ppaction://macro?name=Start"/>'
    assert looked_into(ooxml.inspect, slides(over, macros=True)).verdict is Verdict.AUTOEXEC
    click = '<a:hlinkClick r:id="" action="ppaction://macro?name=Start"/>'
    assert looked_into(ooxml.inspect, slides(click, macros=True)).verdict is Verdict.MACRO
    assert not looked_into(ooxml.inspect, slides(over)).findings


def test_only_dangerous_controls_are_told():
    def control(clsid: str) -> bytes:
        ocx = f'<ax:ocx ax:classid="{clsid}" xmlns:ax="http://schemas.microsoft.com/office/2006/activeX"/>'
        return package({**parts_of(word.docx()), "word/activeX/activeX1.xml": ocx})

    assert looked_into(ooxml.inspect, control("{D27CDB6E-AE6D-11CF-96B8-444553540000}")).kinds == [Kind.ACTIVEX]
    assert not looked_into(ooxml.inspect, control("{8BD21D40-EC42-11CE-9E0D-00AA006002F3}")).findings
    assert not looked_into(ooxml.inspect, control("no class")).findings
