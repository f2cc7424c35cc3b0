from gateway import samples
from tests.makers.locks import office

EXCEL, POWERPOINT = "VelvetSweatshop", "/01Hannes Ruescher/01"

FILES = {
    "armed-macro.xlsm": lambda: office(samples.xlsm_workbook_open(), EXCEL),
    "armed-macro-sheet.xlsm": lambda: office(samples.xlsm_xlm_auto_open(), EXCEL),
    "armed-macro.xlsb": lambda: office(samples.xlsb_workbook_open(), EXCEL),
    "armed-powerpoints-password.docm": lambda: office(samples.docm_autoopen(), POWERPOINT),
    "clean.xlsx": lambda: office(samples.xlsx(), EXCEL),
    "clean-powerpoints-password.docx": lambda: office(samples.docx(), POWERPOINT),
}
