"""Each thing that can act in a package, taken out alone: what goes with it, what stays, and that it still opens."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.scan.disarm import CannotDisarm
from tests.clean import written
from tests.disarm import harness
from tests.e2e.tools import need
from tests.makers import office

WORD, EXCEL, SLIDES = "word-picture.docx", "excel-charts.xlsx", "slides-picture.pptx"
DOCUMENT, SETTINGS, SHEET, SLIDE = (
    "word/document.xml",
    "word/settings.xml",
    "xl/worksheets/sheet1.xml",
    "ppt/slides/slide1.xml",
)
FIELDS = "fields that fetch data or start programs"


@dataclass(frozen=True)
class Case:
    """A thing put into a clean document: what is told of it, which parts go with it and which are changed."""

    base: str
    put_in: Callable[[dict[str, bytes]], None]
    told: tuple[str, ...]
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    armed: str = ""
    gone_sheets: tuple[str, ...] = ()
    shows: str = ""
    """What is shown afterwards, where LibreOffice shows an error before and Office does not."""


def body(text: str) -> Callable[[dict[str, bytes]], None]:
    return lambda parts: office.with_body(parts, f"<w:p>{text}</w:p>")


def field(*kinds: str) -> Callable[[dict[str, bytes]], None]:
    return body(office.runs(*kinds))


LINK = bytes.fromhex("4C0000000114020000000000C000000000000046").ljust(200, b"\0")
DDE = 'DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe "/k rem inert"'
CASES = {
    "ribbon": Case(WORD, office.ribbon, ("its macros", "commands on the ribbon that call macros"),
                   ("customUI/customUI.xml",), armed="docm"),
    "shortcuts": Case(WORD, office.shortcuts, ("its macros", "keyboard shortcuts and toolbars that call macros"),
                      ("word/customizations.xml", "word/attachedToolbars.bin"), armed="docm"),
    "signature": Case(EXCEL, office.signature, ("its macros", "its digital signature, which the change would break"),
                      ("_xmlsignatures/origin.sigs", "_xmlsignatures/sig1.xml"), armed="xlsm"),
    "word-control": Case(WORD, office.word_control, ("its macros", "its controls (ActiveX)"),
                         ("word/activeX/activeX1.xml", "word/activeX/activeX1.bin"), (DOCUMENT,), armed="docm"),
    "sheet-control": Case(EXCEL, office.sheet_control, ("its macros", "its controls (ActiveX)"),
                          ("xl/activeX/activeX1.xml",), (SHEET,), armed="xlsm"),
    "slide-control": Case(SLIDES, office.slide_control, ("its macros", "its controls (ActiveX)"),
                          ("ppt/activeX/activeX1.xml",), (SLIDE,), armed="pptm"),
    "slide-action": Case(SLIDES, office.slide_action, ("macros and programs behind shapes",), (), (SLIDE,)),
    "template": Case(WORD, office.template("http://example.com/t.dotm"), ("a link to a template elsewhere",), (),
                     (SETTINGS,)),
    "template-share": Case(WORD, office.template("\\\\example.com\\t\\t.dotm"), ("a link to a template elsewhere",), (),
                           (SETTINGS,)),
    "field": Case(WORD, field("begin", DDE, "separate", "=shown", "end"), (FIELDS,), (), (DOCUMENT,)),
    "field-in-pieces": Case(WORD, field("begin", "DDE", "AUTO c:\\x", " y", "separate", "=sho", "=wn", "end"),
                            (FIELDS,), (), (DOCUMENT,)),
    "field-in-field": Case(
        WORD, field("begin", "DDEAUTO ", "begin", "REF a", "separate", "=x", "end", " b", "separate", "=shown", "end"),
        (FIELDS,), (), (DOCUMENT,), shows="shown"),
    "field-in-result": Case(
        WORD, field("begin", "IF 1 = 1 ", "separate", "begin", DDE, "separate", "=shown", "end", "end"),
        (FIELDS,), (), (DOCUMENT,)),
    "field-simple": Case(WORD, body('<w:fldSimple w:instr="DDE a b"><w:r><w:t>shown</w:t></w:r></w:fldSimple>'),
                         (FIELDS,), (), (DOCUMENT,)),
    "fields-together": Case(
        WORD, field("begin", 'SET a "DDEAUTO"', "end", "begin", "begin", "REF a", "end", " c:\\x", "separate", "=shown",
                    "end"),
        (FIELDS,), (), (DOCUMENT,)),
    "macro-sheet": Case(EXCEL, office.macro_sheet, ("its Excel 4.0 macros",),
                        ("xl/macrosheets/sheet1.xml", "xl/calcChain.xml"), (office.BOOK,), gone_sheets=("It's",)),
    "dde-link": Case(EXCEL, office.dde_link, ("links that start other programs (DDE)",
                                              "formulas that start programs or fetch data (their values stay)"),
                     ("xl/externalLinks/externalLink1.xml",), (office.BOOK, SHEET)),
    "dde-cell": Case(EXCEL, lambda parts: office.add_cell(parts, "<f>cmd|'/c rem'!A0</f><v>7</v>"),
                     ("formulas that start programs or fetch data (their values stay)",), (), (SHEET,), shows="7"),
    "fetching-cell": Case(
        EXCEL, lambda parts: office.add_cell(parts, '<f>_xlfn.WEBSERVICE("http://example.com/a")</f><v>7</v>'),
        ("formulas that start programs or fetch data (their values stay)",), (), (SHEET,)),
    "refreshed": Case(EXCEL, office.refreshed, ("the order to fetch data from elsewhere when it is opened",), (),
                      ("xl/connections.xml",)),
    "packed-file": Case(WORD, office.word_embedded(office.packed_file("inert.exe", b"MZ"), "Package", "bin"),
                        ("an object that could run something (in a document inside it)",), (),
                        ("word/embeddings/file1.bin",)),
    "shortcut-inside": Case(WORD, office.word_embedded(LINK, "Package", "lnk"),
                            ("a file inside it that could not be made safe",), ("word/embeddings/file1.lnk",),
                            (DOCUMENT,)),
    "document-inside": Case(
        WORD, office.word_embedded(samples.docm_autoopen(), "Word.DocumentMacroEnabled.12", "docm"),
        ("its macros (in a document inside it)",), ("word/embeddings/file1.docm",), (DOCUMENT,)),
    "workbook-inside": Case(
        WORD, office.word_embedded(samples.xlsm_xlm_auto_open(), "Excel.SheetMacroEnabled.12", "xlsm"),
        ("its Excel 4.0 macros (in a document inside it)",), ("word/embeddings/file1.xlsm",), (DOCUMENT,)),
}  # fmt: skip


@cache
def clean() -> dict[str, bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own
        return {name: content for name, content in written.documents() if name in {WORD, EXCEL, SLIDES}}


def name_of(case: str) -> str:
    return f"{case}.{CASES[case].armed or CASES[case].base.rpartition('.')[2]}"


@cache
def document(case: str) -> bytes:
    base, armed = clean()[CASES[case].base], CASES[case].armed
    return office.changed(office.armed(base, armed) if armed else base, CASES[case].put_in)


@pytest.mark.parametrize("case", CASES)
def test_it_goes_and_all_else_stays(case: str) -> None:
    told, name = CASES[case], name_of(case)
    assert harness.scanned(document(case), name).verdict is not Verdict.CLEAN
    found = harness.disarmed(document(case), name)
    assert found.removed == told.told
    assert found.name == f"{case}.{told.base.rpartition('.')[2]}"
    assert harness.macro_parts(found.content) == []
    before, after = harness.parts(document(case)), harness.parts(found.content)
    gone = {part for part in before.keys() - after.keys() if "vba" not in part and not part.endswith(".rels")}
    assert gone == set(told.gone)
    changed = {part for part in after.keys() & before.keys() if after[part] != before[part]}
    assert {part for part in changed if part != office.TYPES and not part.endswith(".rels")} == set(told.changed)
    assert len(found.content) <= len(document(case)) * 1.01


def test_readers_see_the_same(tmp_path: Path) -> None:
    need("soffice")
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
    before = harness.opened({name_of(case): document(case) for case in CASES}, tmp_path / "before")
    results = {case: harness.disarmed(document(case), name_of(case)) for case in CASES}
    after = harness.opened({found.name: found.content for found in results.values()}, tmp_path / "after")
    for case, told in CASES.items():
        was, is_now = before[name_of(case)], after[results[case].name]
        # a control or an object that LibreOffice could not show before is a picture, or an object, afterwards
        assert is_now.pictures >= was.pictures, case
        assert is_now.objects >= was.objects, case
        if told.shows:
            assert told.shows in is_now.text, case
            continue
        assert {name: rows for name, rows in was.sheets.items() if name not in told.gone_sheets} == is_now.sheets, case
        assert was.text == is_now.text or told.gone_sheets, case


def test_names_and_numbers_follow_the_sheets() -> None:
    book = harness.parts(harness.disarmed(document("macro-sheet"), "a.xlsx").content)[office.BOOK].decode()
    assert 'name="Kept"' in book
    assert 'name="Local" localSheetId="0"' in book
    assert not any(name in book for name in ("Auto_Open", "Helper", "Inside", "It's"))
    assert 'activeTab="0"' in book


def test_a_document_inside_is_called_what_it_is() -> None:
    parts = harness.parts(harness.disarmed(document("document-inside"), "a.docx").content)
    inside = parts["word/embeddings/file1.docx"]
    assert harness.macro_parts(inside) == []
    assert b'ProgID="Word.Document.12"' in parts[DOCUMENT]
    assert b'Target="/word/embeddings/file1.docx"' in parts["word/_rels/document.xml.rels"]
    assert b'PartName="/word/embeddings/file1.docx"' in parts[office.TYPES]


def test_a_workbook_of_macro_sheets_only_stays_as_it_is() -> None:
    parts = harness.parts(samples.xlsm_xlm_auto_open())
    book = parts[office.BOOK].replace(b'<sheet name="Sheet1" sheetId="1" r:id="rId1"/>', b"")
    with pytest.raises(CannotDisarm, match="no sheet but macro sheets"):
        harness.disarmed(office.package({**parts, office.BOOK: book}), "a.xlsm")
