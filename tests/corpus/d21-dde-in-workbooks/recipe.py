import struct

from gateway import samples
from gateway.samples.biff import WORKSHEET, Sheet, workbook_stream
from gateway.samples.package import package, parts_of
from tests.makers import workbooks, xlm

DDE = "cmd|'/c echo inert'!A0"
LINK = '<ddeLink ddeService="cmd" ddeTopic="/c echo inert"/>'


def _xls(path: str, item: bytes = bytes(10)) -> bytes:
    link = xlm.record(0x1AE, struct.pack("<HH", 1, len(path)) + b"\0" + path.encode("latin-1"))
    return xlm.xls(workbook_stream([Sheet("Sheet1", WORKSHEET)], more=link + xlm.record(0x23, item)))


def _xlsb() -> bytes:
    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    body = struct.pack("<H", 1) + wide("cmd") + wide("/c echo inert")
    parts = parts_of(samples.xlsb_xlm_auto_open())
    del parts["xl/macrosheets/sheet1.bin"]
    return package({**parts, "xl/externalLinks/externalLink1.bin": b"\xe8\x02" + bytes([len(body)]) + body})


def _utf16() -> bytes:
    parts = parts_of(workbooks.formula_cell(DDE))
    sheet = parts[workbooks.SHEET].decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    return package({**parts, workbooks.SHEET: sheet.encode("utf-16")})


FILES = {
    "armed.xls": lambda: _xls("cmd\x03/c echo inert"),
    "armed-two-items.xls": lambda: _xls("excel\x03inert", b"\x10\x00" + bytes(8)),
    "armed-nul.xls": lambda: _xls("c\0md\x03/c echo inert"),
    "armed-other-server.xls": lambda: _xls("anything\x03inert"),
    "armed-link.xlsx": lambda: workbooks.external_link(LINK),
    "armed-renamed-link.xlsx": lambda: workbooks.external_link(LINK, name="xl/media/image1.png"),
    "armed-unrelated-link.xlsx": lambda: workbooks.external_link(LINK, relation="image"),
    "armed-link.xlsb": _xlsb,
    "armed-cell.xlsx": lambda: workbooks.formula_cell(DDE),
    "armed-cell-plus.xlsx": lambda: workbooks.formula_cell(f"-1+{DDE}"),
    "armed-cell-references.xlsx": lambda: workbooks.formula_cell(DDE.replace("|", "&#x7c;").replace("'", "&apos;")),
    "armed-cell-cdata.xlsx": lambda: workbooks.formula_cell(f"<![CDATA[{DDE}]]>"),
    "armed-cell-utf16.xlsx": _utf16,
    "clean-workbook-link.xls": lambda: _xls("\x01\x01C\x03folder\x03book.xls"),
    "clean-ole-link.xls": lambda: _xls("Word.Document.8\x03C:\\a.doc", b"\x10\x00" + bytes(8)),
    "clean-workbook-link.xlsx": lambda: workbooks.external_link('<externalBook xmlns:r="x" r:id="rId1"/>'),
    "clean-cell.xlsx": lambda: workbooks.formula_cell('SUM(A1:A2)&amp;"a|b!"'),
}
