from gateway import samples
from tests.makers import workbooks

TYPES, RELS_X, RELS_B = "[Content_Types].xml", "xl/_rels/workbook.xml.rels", "xl/_rels/workbook.bin.rels"
FOLDER_X = {"xl/macrosheets/sheet1.xml": "xl/worksheets/sheet2.xml"}
FOLDER_B = {"xl/macrosheets/sheet1.bin": "xl/worksheets/sheet2.dat"}
TYPE_X = (b"vnd.ms-excel.macrosheet+xml", b"vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml")
TYPE_B = (b"vnd.ms-excel.macrosheet", b"vnd.ms-excel.worksheet")
RELATION = (b"2006/relationships/xlMacrosheet", b"2006/relationships/worksheet")


def _xlsm(changes: dict, renamed: dict | None = None) -> bytes:
    return workbooks.relabelled(samples.xlsm_xlm_auto_open(), changes, renamed)


def _xlsb(changes: dict, renamed: dict | None = None) -> bytes:
    return workbooks.relabelled(samples.xlsb_xlm_auto_open(), changes, renamed)


def _moved(kind: bytes) -> tuple[bytes, bytes]:
    new = b"worksheets/sheet2.xml" if kind == b"xml" else b"worksheets/sheet2.dat"
    return b"macrosheets/sheet1." + kind, new


FILES = {
    "armed-type.xlsm": lambda: _xlsm({TYPES: [TYPE_X]}),
    "armed-relation.xlsm": lambda: _xlsm({RELS_X: [RELATION]}),
    "armed-folder.xlsm": lambda: _xlsm({TYPES: [_moved(b"xml")], RELS_X: [_moved(b"xml")]}, FOLDER_X),
    "armed-everything.xlsm": lambda: _xlsm(
        {TYPES: [TYPE_X, _moved(b"xml")], RELS_X: [RELATION, _moved(b"xml")]}, FOLDER_X
    ),
    "armed-international.xlsm": lambda: _xlsm({RELS_X: [(b"xlMacrosheet", b"xlIntlMacrosheet")]}),
    "armed-type.xlsb": lambda: _xlsb({TYPES: [TYPE_B]}),
    "armed-relation.xlsb": lambda: _xlsb({RELS_B: [RELATION]}),
    "armed-extension.xlsb": lambda: _xlsb({TYPES: [_moved(b"bin")], RELS_B: [_moved(b"bin")]}, FOLDER_B),
    "armed-everything.xlsb": lambda: _xlsb(
        {TYPES: [TYPE_B, _moved(b"bin")], RELS_B: [RELATION, _moved(b"bin")]}, FOLDER_B
    ),
    "clean.xlsx": samples.xlsx,
}
