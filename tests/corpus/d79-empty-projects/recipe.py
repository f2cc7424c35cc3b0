from gateway import samples
from gateway.samples import excel, word
from tests.makers.vba import NOTHING, doc, project_streams

COMMENT = "Option Explicit\r\n' Nothing to see here.\r\nRem Sub AutoOpen()\r\n"

FILES = {
    "clean.docm": lambda: word.docm(NOTHING),
    "clean-comment.docm": lambda: word.docm(COMMENT),
    "clean.doc": lambda: doc(project_streams(NOTHING)),
    "clean.xlsm": lambda: excel.xlsm(NOTHING),
    "clean.xls": lambda: excel.xls_with(NOTHING),
    "noted.docm": lambda: word.docm(""),
    "armed-one-line.docm": lambda: word.docm("Sub AutoOpen: End Sub\r\n"),
    "armed.xls": samples.xls_workbook_open,
}
