from gateway import samples
from gateway.samples import excel, vba, word

WORD = ("AutoExec", "AutoClose", "AutoExit", "AutoNew", "Document_Open", "Document_ContentControlOnEnter", "FileSave")
EXCEL = (
    "Auto_Open",
    "Auto_Close",
    "Workbook_Activate",
    "Workbook_BeforeClose",
    "Worksheet_Calculate",
    "Worksheet_Change",
)
LISTENER = "Private WithEvents {0} As {1}\r\nPrivate Sub {0}_{2}()\r\nEnd Sub\r\n"

FILES = {
    **{f"armed-{name.lower().replace('_', '-')}.docm": lambda name=name: word.docm(vba.inert(name)) for name in WORD},
    **{f"armed-{name.lower().replace('_', '-')}.xlsm": lambda name=name: excel.xlsm(vba.inert(name)) for name in EXCEL},
    "armed-function.docm": lambda: word.docm("Function AutoOpen()\r\nEnd Function\r\n"),
    "armed-main-of-autoopen.docm": lambda: word.docm("Sub MAIN()\r\nEnd Sub\r\n", "AutoOpen"),
    "armed-listener.xlsm": lambda: excel.xlsm(LISTENER.format("xlApp", "Excel.Application", "WorkbookOpen")),
    "armed-listener-of-a-book.xlsm": lambda: excel.xlsm(LISTENER.format("b", "Workbook", "BeforeClose")),
    "clean.docx": samples.docx,
    "clean.xlsx": samples.xlsx,
}
