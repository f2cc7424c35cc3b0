from gateway import samples
from gateway.samples.biff import WORKSHEET
from gateway.samples.package import package, parts_of
from tests.makers import xlm


def _kind(word: bytes) -> bytes:
    """The macro workbook as a template or an add-in."""
    parts = parts_of(samples.xlsm_xlm_auto_open())
    types = parts["[Content_Types].xml"].replace(b"ms-excel.sheet.macroEnabled", b"ms-excel." + word + b".macroEnabled")
    return package({**parts, "[Content_Types].xml": types})


def _xlw() -> bytes:
    """A workbook of Excel 4: a list of sheets, and the sheets one behind the other."""
    head = xlm.record(0x0409, b"\x00\x04\x00\x01\x00\x00") + xlm.record(0x8F, b"\x00\x00\x00\x00\x06Macro1")
    return head + xlm.excel4(4) + xlm.record(0x0A)


FILES = {
    "armed-excel2.xlm": lambda: xlm.excel4(2),
    "armed-excel3.xlm": lambda: xlm.excel4(3),
    "armed-excel4.xlm": lambda: xlm.excel4(4),
    "armed-excel4-built-in-name.xlm": lambda: xlm.excel4(4, name=b"\x01"),
    "armed-excel4.xlw": _xlw,
    "armed-excel5.xls": lambda: xlm.xls(xlm.excel5(), "Book"),
    "armed-excel5-name.xls": lambda: xlm.xls(xlm.excel5(name=b"Auto_Close", built_in=False), "Book"),
    "armed.xls": samples.xls_xlm_auto_open,
    "armed.xlt": lambda: xlm.xls(xlm.stream(xlm.lbl("\x01", flags=0x20), formulas=xlm.dangerous())),
    "armed.xlsm": samples.xlsm_xlm_auto_open,
    "armed.xltm": lambda: _kind(b"template"),
    "armed.xlam": lambda: _kind(b"addin"),
    "armed.xlsb": samples.xlsb_xlm_auto_open,
    "clean-excel2.xls": lambda: xlm.excel4(2, kind=WORKSHEET),
    "clean-excel3.xls": lambda: xlm.excel4(3, kind=WORKSHEET),
    "clean-excel4.xls": lambda: xlm.excel4(4, kind=WORKSHEET),
    "clean-excel5.xls": lambda: xlm.xls(xlm.excel5(kind=WORKSHEET), "Book"),
    "clean.xls": samples.xls,
    "clean.xlsx": samples.xlsx,
}
