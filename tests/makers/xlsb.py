"""Binary workbooks with macro sheets between others (MS-XLSB), for tests. Their macros return at once."""

from __future__ import annotations

import struct

from gateway.samples.package import MICROSOFT, OFFICE, content_types, package, relations

_EXCEL = "application/vnd.ms-excel"
BUNDLE, NAME, VIEW, EXTERN, SELF = 156, 39, 158, 362, 357
GLOBAL = 0xFFFFFFFF


def record(kind: int, content: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size = len(content)
    return head + (bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])) + content


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def name(title: str, link: int, local: int = GLOBAL) -> bytes:
    """BrtName for A1 of the sheets behind entry ``link``."""
    formula = struct.pack("<BHIH", 0x3A, link, 0, 0)
    body = struct.pack("<IBI", 0, 0, local) + wide(title)
    return record(NAME, body + struct.pack("<I", len(formula)) + formula + struct.pack("<II", 0, GLOBAL))


def _sheet(cell: bytes) -> bytes:
    row = record(0, struct.pack("<IIHHBI", 0, 0, 300, 0, 0, 0))
    return record(129) + record(145) + row + cell + record(146) + record(130)


def number(value: float) -> bytes:
    return record(5, struct.pack("<IId", 0, 0, value))


def _formula(expression: bytes, value: float) -> bytes:
    body = struct.pack("<IIdHI", 0, 0, value, 0, len(expression)) + expression + struct.pack("<I", 0)
    return record(9, body)


def workbook() -> bytes:
    """``First``, ``Macro1``, ``Second``: the second is a macro sheet with a name that runs it, the third has a formula
    that counts names (``Kept``, the second of four)."""
    returns = _formula(b"\x42\x00\x37\x00", 0.0)
    by_name = _formula(struct.pack("<BI", 0x23, 2), 7.0)
    sheets = [("First", "worksheets/sheet1.bin", 0), ("Macro1", "macrosheets/sheet1.bin", 1)]
    sheets.append(("Second", "worksheets/sheet2.bin", 0))
    bundle = b"".join(
        record(BUNDLE, struct.pack("<II", hidden, at) + wide(f"rId{at}") + wide(title))
        for at, (title, _, hidden) in enumerate(sheets, 1)
    )
    views = record(135) + record(VIEW, struct.pack("<IIIIIIIB", 0, 0, 9000, 9000, 600, 0, 2, 0x78)) + record(136)
    externs = b"".join(struct.pack("<Iii", 0, at, at) for at in range(3))
    links = record(353) + record(SELF) + record(EXTERN, struct.pack("<I", 3) + externs) + record(354)
    names = name("Auto_Open", 1) + name("Kept", 2) + name("Local", 2, local=2) + name("Gone", 0, local=1)
    book = record(131) + views + record(143) + bundle + record(144) + links + names + record(132)
    types = {
        "/xl/workbook.bin": f"{_EXCEL}.sheet.binary.macroEnabled.main",
        "/xl/worksheets/sheet1.bin": f"{_EXCEL}.worksheet",
        "/xl/worksheets/sheet2.bin": f"{_EXCEL}.worksheet",
        "/xl/macrosheets/sheet1.bin": f"{_EXCEL}.macrosheet",
    }
    kinds = [f"{MICROSOFT}/xlMacrosheet" if "macro" in path else f"{OFFICE}/worksheet" for _, path, _ in sheets]
    return package(
        {
            "[Content_Types].xml": content_types(types),
            "_rels/.rels": relations((f"{OFFICE}/officeDocument", "xl/workbook.bin")),
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": relations(*zip(kinds, [path for _, path, _ in sheets], strict=True)),
            "xl/worksheets/sheet1.bin": _sheet(number(42.0)),
            "xl/worksheets/sheet2.bin": _sheet(by_name),
            "xl/macrosheets/sheet1.bin": _sheet(returns),
        }
    )
