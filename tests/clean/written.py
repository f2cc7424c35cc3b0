"""Clean documents as the usual libraries write them: python-docx, openpyxl, XlsxWriter, python-pptx.

Each function puts one kind of thing into a document: pictures, tables, charts, links, comments, forms, other documents.
``documents`` gives them all by file name; nothing in any of them runs.
"""

from __future__ import annotations

import datetime
import io
import struct
import zlib
from collections.abc import Callable, Iterator

import docx
import openpyxl
import pptx
import xlsxwriter
from docx.enum.section import WD_ORIENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from openpyxl.chart import BarChart, LineChart, PieChart, Reference, ScatterChart, Series
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.formatting.rule import CellIsRule, ColorScaleRule
from openpyxl.styles import Font, PatternFill
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

TEXT = "The quick brown fox jumps over the lazy dog. Zwölf Boxkämpfer jagen Viktor. 色は匂へど散りぬるを。"


def picture(side: int = 16) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    pixels = (b"\0" + b"\x40\x80\xc0" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def sentence(number: int) -> str:
    words = TEXT.split(" ")
    return " ".join(words[(number * 7 + at) % len(words)] for at in range(12))


# --- Word -----------------------------------------------------------------------------------------------------------


def _plain(file) -> None:
    for number in range(30):
        file.add_paragraph(sentence(number))


def _headings(file) -> None:
    file.add_heading("Annual report", 0)
    for level in range(1, 6):
        file.add_heading(sentence(level), level)
        file.add_paragraph(sentence(level), style="List Bullet")
        file.add_paragraph(sentence(level), style="Intense Quote")


def _table(file) -> None:
    table = file.add_table(rows=12, cols=4, style="Light Grid Accent 1")
    for row in range(12):
        for column in range(4):
            table.cell(row, column).text = sentence(row + column)[:20]


def _picture(file) -> None:
    file.add_picture(io.BytesIO(picture(64)), width=Mm(40))
    file.add_paragraph("Figure 1", style="Caption")


def _pages(file) -> None:
    section = file.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.header.paragraphs[0].text = "Confidential"
    section.footer.paragraphs[0].text = "Page"
    file.add_page_break()
    file.add_section()


def _formats(file) -> None:
    run = file.add_paragraph().add_run(sentence(1))
    run.font.size, run.font.color.rgb, run.bold, run.italic = Pt(20), RGBColor(200, 0, 0), True, True


def _link(file) -> None:
    """A hyperlink for the reader to click, to the web and to a mailbox."""
    for target in ("https://www.example.com/report?id=1&lang=en", "mailto:alice@example.com"):
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
        link = OxmlElement("w:hyperlink")
        link.set(qn("r:id"), file.part.relate_to(target, kind, is_external=True))
        run, text = OxmlElement("w:r"), OxmlElement("w:t")
        text.text = "our site"
        run.append(text)
        link.append(run)
        file.add_paragraph()._p.append(link)


def _fields(*instructions: str) -> Callable[..., None]:
    def fill(file) -> None:
        for instruction in instructions:
            paragraph = file.add_paragraph()
            for kind in ("begin", None, "separate", "end"):
                run = paragraph.add_run()
                if kind is None:
                    text = OxmlElement("w:instrText")
                    text.text = f" {instruction} "
                    run._r.append(text)
                else:
                    mark = OxmlElement("w:fldChar")
                    mark.set(qn("w:fldCharType"), kind)
                    run._r.append(mark)

    return fill


def _comments(file) -> None:
    run = file.add_paragraph(sentence(2)).runs[0]
    file.add_comment(run, text="Please check this figure. DDE is not a field here.", author="Bob", initials="B")


def _properties(file) -> None:
    file.core_properties.title = "Auto_Open is a name"
    file.core_properties.author = "Document_Open"
    file.core_properties.comments = "Sub AutoOpen() would be a macro, this is a comment"
    file.core_properties.created = datetime.datetime(2026, 1, 1)


def _tracked(file) -> None:
    """A tracked insertion and a deletion."""
    for tag, holder in (("w:ins", "w:t"), ("w:del", "w:delText")):
        change, run, text = OxmlElement(tag), OxmlElement("w:r"), OxmlElement(holder)
        change.set(qn("w:id"), "1")
        change.set(qn("w:author"), "Bob")
        text.text = "changed"
        run.append(text)
        change.append(run)
        file.add_paragraph()._p.append(change)


def _form(file) -> None:
    """Content controls: a text, a list and a date to fill in."""
    for kind in ("w:text", "w:dropDownList", "w:date"):
        control, properties, content = OxmlElement("w:sdt"), OxmlElement("w:sdtPr"), OxmlElement("w:sdtContent")
        properties.append(OxmlElement(kind))
        control.append(properties)
        paragraph = OxmlElement("w:p")
        content.append(paragraph)
        control.append(content)
        file.element.body.insert(0, control)


WORD: dict[str, Callable[..., None]] = {
    "plain": _plain,
    "headings": _headings,
    "table": _table,
    "picture": _picture,
    "pages": _pages,
    "formats": _formats,
    "links": _link,
    "contents": _fields(r'TOC \o "1-3" \h \z \u', "PAGE", "NUMPAGES", r'DATE \@ "d. MMMM yyyy"'),
    "references": _fields("REF figure1", "SEQ Figure", "INDEX", r"XE added", "STYLEREF 1", "AUTHOR", "FILENAME"),
    "merge": _fields("MERGEFIELD Name", "NEXT", 'IF 1 = 2 "a" "b"', "= 2 + 3", "SYMBOL 65", "EQ \\f(1;2)"),
    "linked-text": _fields('HYPERLINK "https://example.com/a"', r'HYPERLINK \l "figure1"', "GOTOBUTTON a b"),
    "comments": _comments,
    "properties": _properties,
    "tracked": _tracked,
    "form": _form,
}


def _word(*fill: Callable[..., None]) -> bytes:
    file = docx.Document()
    file.add_paragraph("Dear Sir or Madam,")
    for each in fill:
        each(file)
    return _saved(file)


def _saved(file) -> bytes:
    target = io.BytesIO()
    file.save(target)
    return target.getvalue()


# --- Excel, by openpyxl -----------------------------------------------------------------------------------------------


def _numbers(book) -> None:
    sheet = book.active
    sheet.append(["Month", "Sales", "Costs"])
    for row in range(1, 40):
        sheet.append([f"2026-{row:02}", row * 3, row * 2])


def _formulas(book) -> None:
    sheet = book.create_sheet("Sums")
    for row, text in enumerate(
        ("=SUM(1,2)", '=IF(1>0,"a|b","c")', '=HYPERLINK("https://example.com","open")', "=TODAY()", "=A1&B1", "=-1+2"),
        1,
    ):
        sheet.cell(row, 1, text)
    book.defined_names["Auto_Total"] = DefinedName("Auto_Total", attr_text="Sums!$A$1")


def _charts(book) -> None:
    sheet = book.active
    for number, kind in enumerate((BarChart, LineChart, PieChart)):
        chart = kind()
        chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=12), titles_from_data=True)
        sheet.add_chart(chart, f"F{2 + number * 16}")
    scatter = ScatterChart()
    values = Reference(sheet, min_col=3, min_row=2, max_row=12)
    scatter.series.append(Series(values, Reference(sheet, min_col=2, min_row=2, max_row=12)))
    sheet.add_chart(scatter, "P2")


def _notes(book) -> None:
    book.active["A1"].comment = Comment("Workbook_Open is only a word here", "Bob")
    book.active["A2"].hyperlink = "https://example.com/list"


def _rules(book) -> None:
    sheet = book.active
    choice = DataValidation(type="list", formula1='"yes,no"')
    sheet.add_data_validation(choice)
    choice.add("D2")
    sheet.conditional_formatting.add("B2:B20", CellIsRule(operator="greaterThan", formula=["5"], fill=PatternFill()))
    scale = ColorScaleRule(start_type="min", start_color="AA0000", end_type="max", end_color="00AA00")
    sheet.conditional_formatting.add("C2:C20", scale)
    sheet["A1"].font = Font(bold=True)
    sheet.freeze_panes = "A2"


def _hidden(book) -> None:
    book.create_sheet("Lists").sheet_state = "hidden"
    book.create_sheet("Internal").sheet_state = "veryHidden"


def _image(book) -> None:
    book.active.add_image(Image(io.BytesIO(picture(32))), "H2")


def _tables(book) -> None:
    book.active.add_table(Table(displayName="Sales", ref="A1:C10"))
    book.active.auto_filter.ref = "A1:C10"


EXCEL: dict[str, Callable[..., None]] = {
    "numbers": _numbers,
    "formulas": _formulas,
    "charts": _charts,
    "notes": _notes,
    "rules": _rules,
    "hidden": _hidden,
    "image": _image,
    "tables": _tables,
}


def _excel(*fill: Callable[..., None]) -> bytes:
    book = openpyxl.Workbook()
    _numbers(book)
    for each in fill:
        each(book)
    return _saved(book)


# --- Excel, by XlsxWriter ---------------------------------------------------------------------------------------------


def _written(name: str, **options: object) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, **options}) as book:
        sheet = book.add_worksheet("Data")
        for row in range(50):
            sheet.write_row(row, 0, [row, sentence(row)[:30], row / 7])
        _write_more(name, book, sheet)
    return target.getvalue()


def _write_more(name: str, book, sheet) -> None:
    match name:
        case "charts":
            for number, kind in enumerate(("column", "line", "pie", "area", "radar", "doughnut", "scatter")):
                chart = book.add_chart({"type": kind})
                chart.add_series({"categories": "=Data!$C$1:$C$10", "values": "=Data!$A$1:$A$10"})
                sheet.insert_chart(number * 15, 5, chart)
            book.add_chartsheet().set_chart(_sheet_chart(book))
        case "links":
            sheet.write_url("F1", "https://example.com/")
            sheet.write_url("F2", "internal:Data!A1")
            sheet.write_url("F3", r"external:c:\temp\other.xlsx")
            sheet.write_url("F4", "mailto:bob@example.com")
        case "controls":
            sheet.insert_textbox("F2", "Click here for nothing")
            sheet.insert_checkbox("F9", True)
            sheet.write_comment("A1", "a comment")
        case "functions":
            sheet.write_formula("F1", "=_xlfn.XLOOKUP(1,A1:A9,B1:B9)")
            sheet.write_dynamic_array_formula("F2", "=SORT(A1:A9)")
            sheet.write_array_formula("G1:G3", "{=A1:A3*2}")
            book.define_name("Rate", "=0.19")
        case "protected":
            sheet.protect("secret")
            book.set_properties({"title": "T", "comments": "made by hand"})
            book.set_custom_property("Checked by", "Eve")
        case "sparklines":
            sheet.add_sparkline("F1", {"range": "Data!A1:A9"})
            sheet.set_header("&L&D&RPage &P of &N")
            sheet.set_background(io.BytesIO(picture(8)))


def _sheet_chart(book):
    chart = book.add_chart({"type": "bar"})
    chart.add_series({"values": "=Data!$C$1:$C$10"})
    return chart


# --- PowerPoint -------------------------------------------------------------------------------------------------------


def _slides(name: str) -> bytes:
    file = pptx.Presentation()
    for number in range(3):
        slide = file.slides.add_slide(file.slide_layouts[5])
        slide.shapes.title.text = sentence(number)[:40]
        _put(name, slide)
    return _saved(file)


def _put(name: str, slide) -> None:
    place = (Inches(1), Inches(2), Inches(4), Inches(3))
    match name:
        case "picture":
            slide.shapes.add_picture(io.BytesIO(picture(32)), *place)
        case "chart":
            data = CategoryChartData()
            data.categories = ["a", "b"]
            data.add_series("s", (1, 2))
            slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data)
        case "table":
            slide.shapes.add_table(3, 3, *place)
        case "link":
            box = slide.shapes.add_textbox(*place)
            run = box.text_frame.paragraphs[0].add_run()
            run.text, run.hyperlink.address = "our site", "https://example.com/"
        case "notes":
            slide.notes_slide.notes_text_frame.text = "say this: AutoOpen"
        case "workbook":
            content = io.BytesIO(_excel())
            slide.shapes.add_ole_object(content, "Excel.Sheet.12", *place)


# --- all of them ------------------------------------------------------------------------------------------------------


def documents() -> Iterator[tuple[str, bytes]]:
    """Every document, by name."""
    for name, fill in WORD.items():
        yield f"word-{name}.docx", _word(fill)
    yield "word-everything.docx", _word(*WORD.values())
    for number in range(20):
        pair = [fill for at, fill in enumerate(WORD.values()) if (number * 5 + at) % 4 == 0]
        yield f"word-mixed-{number}.docx", _word(*pair)
    for name, fill in EXCEL.items():
        yield f"excel-{name}.xlsx", _excel(fill)
    yield "excel-everything.xlsx", _excel(*EXCEL.values())
    for number in range(10):
        some = [fill for at, fill in enumerate(EXCEL.values()) if (number * 3 + at) % 3 == 0]
        yield f"excel-mixed-{number}.xlsx", _excel(*some)
    for name in ("plain", "charts", "links", "controls", "functions", "protected", "sparklines"):
        yield f"writer-{name}.xlsx", _written(name)
        yield f"writer-{name}-zip64.xlsx", _written(name, use_zip64=True)
    yield "writer-constant.xlsx", _written("charts", constant_memory=True)
    for name in ("plain", "picture", "chart", "table", "link", "notes", "workbook"):
        yield f"slides-{name}.pptx", _slides(name)
