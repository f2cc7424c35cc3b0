from gateway import samples
from gateway.samples.biff import WORKSHEET, Sheet, workbook_stream
from gateway.samples.compound import compound_file
from tests.makers import xlm

NAME = xlm.lbl("\x01", flags=0x20)
ARMED = xlm.stream(NAME, formulas=xlm.dangerous())
CLEAN = workbook_stream([Sheet("Sheet1", WORKSHEET)])
LISTED = b"\x01\x01\x06\x00Macro1"
LINK = xlm.record(0x1AE, b"\x01\x00\x0b\x00\x00cmd\x03") + xlm.record(0x3C, b"/c inert") + xlm.record(0x23, bytes(10))


def _unlisted() -> bytes:
    at = ARMED.index(b"\x85\x00", ARMED.index(b"Sheet1"))
    return ARMED[:at] + b"\x99\x00" + ARMED[at + 2 :]


def _two(first: bytes, second: bytes, name: str) -> bytes:
    return compound_file({("Workbook",): first, (name,): second}, xlm.EXCEL)


FILES = {
    "armed-continued-name.xls": lambda: xlm.xls(xlm.stream(xlm.lbl("Auto_Open", split=18))),
    "armed-continued-string.xls": lambda: xlm.xls(xlm.stream(xlm.lbl("Auto_Open", split=18, mark=True))),
    "armed-listed-as-worksheet.xls": lambda: xlm.xls(ARMED.replace(LISTED, b"\x01\x00" + LISTED[2:])),
    "armed-unlisted.xls": lambda: xlm.xls(_unlisted()),
    "armed-second-stream.xls": lambda: _two(CLEAN, ARMED, "Book"),
    "armed-first-stream.xls": lambda: _two(ARMED, CLEAN, "Book"),
    "armed-below.xls": lambda: compound_file({("Workbook",): CLEAN, ("x", "Workbook"): ARMED}, xlm.EXCEL),
    "armed-case.xls": lambda: xlm.xls(ARMED, "WORKBOOK"),
    "armed-padded-before.xls": lambda: xlm.xls(bytes(8) + ARMED),
    "armed-long-bof.xls": lambda: xlm.xls(b"\x09\x08\x20\x00" + ARMED[4:20] + bytes(16) + ARMED[20:]),
    "armed-padded-behind.xls": lambda: xlm.xls(ARMED + bytes(4096)),
    "armed-dde-continued.xls": lambda: xlm.xls(workbook_stream([Sheet("Sheet1", WORKSHEET)], more=LINK)),
    "clean.xls": samples.xls,
    "clean-two-streams.xls": lambda: _two(CLEAN, CLEAN, "Book"),
    "clean-padded-behind.xls": lambda: xlm.xls(CLEAN + bytes(4096)),
}
