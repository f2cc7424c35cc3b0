"""Excel workbooks: ``.xlsx``, ``.xlsm``, ``.xlsb`` and the binary ``.xls`` of Excel 97 to 2003, made from nothing.

Contract: see the package.
"""

from __future__ import annotations

import struct
from functools import lru_cache

from gateway.samples import vba
from gateway.samples.biff import MACRO_SHEET, WORKSHEET, Sheet, workbook_stream
from gateway.samples.compound import compound_file, streams_of
from gateway.samples.package import MICROSOFT, OFFICE, content_types, package, relations, xml

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OPEN_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_EXCEL_TYPE = "application/vnd.ms-excel"
_EXCEL_CLASS = bytes.fromhex("2008020000000000C000000000000046")


@lru_cache(maxsize=4)
def xlsx() -> bytes:
    """A clean workbook with one number in it."""
    book = (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{OFFICE}">'
        '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    types = {
        "/xl/workbook.xml": f"{_OPEN_TYPE}.sheet.main+xml",
        "/xl/worksheets/sheet1.xml": f"{_OPEN_TYPE}.worksheet+xml",
    }
    return package(
        {
            "[Content_Types].xml": content_types(types),
            "_rels/.rels": relations((f"{OFFICE}/officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": xml(book),
            "xl/_rels/workbook.xml.rels": relations((f"{OFFICE}/worksheet", "worksheets/sheet1.xml")),
            "xl/worksheets/sheet1.xml": xml(_worksheet("worksheet", "<v>42</v>")),
        }
    )


def xlsm(source: str, module: str = "ThisWorkbook") -> bytes:
    """A macro-enabled workbook with any source in one module."""
    return vba.document(".xlsm", source, module)


def xlsm_workbook_open() -> bytes:
    """A workbook whose empty macro runs when it is opened."""
    return xlsm(vba.inert("Workbook_Open"))


def xlsb_workbook_open() -> bytes:
    """The same as a binary workbook."""
    return vba.document(".xlsb", vba.inert("Workbook_Open"), "ThisWorkbook")


def xlam_workbook_open() -> bytes:
    """The same as an add-in."""
    return vba.document(".xlam", vba.inert("Workbook_Open"), "ThisWorkbook")


@lru_cache(maxsize=8)
def xlsm_xlm_auto_open(name: str = "_xlnm.Auto_Open") -> bytes:
    """A workbook with an Excel 4.0 macro sheet that returns at once, run on opening by the defined name ``name``."""
    book = (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/>'
        '<sheet name="Macro1" sheetId="2" state="hidden" r:id="rId2"/></sheets>'
        f'<definedNames><definedName name="{name}">Macro1!$A$1</definedName></definedNames></workbook>'
    )
    types = {
        "/xl/workbook.xml": f"{_EXCEL_TYPE}.sheet.macroEnabled.main+xml",
        "/xl/worksheets/sheet1.xml": f"{_OPEN_TYPE}.worksheet+xml",
        "/xl/macrosheets/sheet1.xml": f"{_EXCEL_TYPE}.macrosheet+xml",
    }
    sheets = relations(
        (f"{OFFICE}/worksheet", "worksheets/sheet1.xml"), (f"{MICROSOFT}/xlMacrosheet", "macrosheets/sheet1.xml")
    )
    return package(
        {
            "[Content_Types].xml": content_types(types),
            "_rels/.rels": relations((f"{OFFICE}/officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": xml(book),
            "xl/_rels/workbook.xml.rels": sheets,
            "xl/worksheets/sheet1.xml": xml(_worksheet("worksheet", "<v>42</v>")),
            "xl/macrosheets/sheet1.xml": xml(_worksheet("xm:macrosheet", "<f>RETURN()</f>")),
        }
    )


@lru_cache(maxsize=4)
def xlsb_xlm_auto_open() -> bytes:
    """A binary workbook with an Excel 4.0 macro sheet that returns at once, run on opening."""
    types = {
        "/xl/workbook.bin": f"{_EXCEL_TYPE}.sheet.binary.macroEnabled.main",
        "/xl/worksheets/sheet1.bin": f"{_EXCEL_TYPE}.worksheet",
        "/xl/macrosheets/sheet1.bin": f"{_EXCEL_TYPE}.macrosheet",
    }
    sheets = relations(
        (f"{OFFICE}/worksheet", "worksheets/sheet1.bin"), (f"{MICROSOFT}/xlMacrosheet", "macrosheets/sheet1.bin")
    )
    return package(
        {
            "[Content_Types].xml": content_types(types),
            "_rels/.rels": relations((f"{OFFICE}/officeDocument", "xl/workbook.bin")),
            "xl/workbook.bin": _binary_workbook(),
            "xl/_rels/workbook.bin.rels": sheets,
            "xl/worksheets/sheet1.bin": _binary_sheet(_record(5, struct.pack("<IId", 0, 0, 42.0))),
            "xl/macrosheets/sheet1.bin": _binary_sheet(_record(9, _binary_return())),
        }
    )


@lru_cache(maxsize=4)
def xls() -> bytes:
    """A clean binary workbook with one number in it."""
    return compound_file({("Workbook",): workbook_stream([Sheet("Sheet1", WORKSHEET)])}, _EXCEL_CLASS)


@lru_cache(maxsize=8)
def xls_with(source: str, module: str = "ThisWorkbook") -> bytes:
    """A binary workbook with any source in one module."""
    project = streams_of(vba.project(xlsm(source, module)), under=("_VBA_PROJECT_CUR",))
    stream = workbook_stream([Sheet("Sheet1", WORKSHEET)], macros=True)
    return compound_file({("Workbook",): stream, **project}, _EXCEL_CLASS)


def xls_workbook_open() -> bytes:
    """A binary workbook whose empty macro runs when it is opened."""
    return xls_with(vba.inert("Workbook_Open"))


@lru_cache(maxsize=8)
def xls_xlm_auto_open(hidden: int = 1) -> bytes:
    """A binary workbook with an Excel 4.0 macro sheet that returns at once, run on opening; ``hidden`` 0, 1 or 2."""
    sheets = [Sheet("Sheet1", WORKSHEET), Sheet("Macro1", MACRO_SHEET, hidden)]
    return compound_file({("Workbook",): workbook_stream(sheets, auto_open=1)}, _EXCEL_CLASS)


def _worksheet(element: str, cell: str) -> str:
    names = f'xmlns="{_MAIN}" xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"'
    return f'<{element} {names}><sheetData><row r="1"><c r="A1">{cell}</c></row></sheetData></{element}>'


# --- the records of .xlsb (MS-XLSB 2.1.4) ---------------------------------------------------------------------------


def _record(kind: int, content: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return head + bytes([len(content)]) + content


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _binary_workbook() -> bytes:
    """Two sheets and the name that runs the second (BrtBundleSh, BrtName)."""
    sheets = _record(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("Sheet1"))
    sheets += _record(156, struct.pack("<II", 1, 2) + _wide("rId2") + _wide("Macro1"))
    links = _record(353) + _record(357) + _record(362, struct.pack("<IIii", 1, 0, 1, 1)) + _record(354)
    formula = struct.pack("<BHIH", 0x3A, 0, 0, 0)
    name = struct.pack("<IBI", 0x20, 0, 0xFFFFFFFF) + _wide("Auto_Open")
    name += struct.pack("<I", len(formula)) + formula + struct.pack("<II", 0, 0xFFFFFFFF)
    return _record(131) + _record(143) + sheets + _record(144) + links + _record(39, name) + _record(132)


def _binary_sheet(cell: bytes) -> bytes:
    row = _record(0, struct.pack("<IIHHBI", 0, 0, 300, 0, 0, 0))
    return _record(129) + _record(145) + row + cell + _record(146) + _record(130)


def _binary_return() -> bytes:
    """BrtFmlaNum at A1: the result 0 of ``=RETURN()``."""
    formula = b"\x42\x00\x37\x00"
    return struct.pack("<IIdHI", 0, 0, 0.0, 0, len(formula)) + formula + struct.pack("<I", 0)
