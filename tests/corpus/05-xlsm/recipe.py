from gateway import samples
from gateway.samples import excel, vba

FILES = {
    "workbook-open.xlsm": samples.xlsm_workbook_open,
    "add-in.xlam": samples.xlam_workbook_open,
    "clicked.xlsm": lambda: excel.xlsm(vba.inert("CommandButton1_Click")),
    "xlm.xlsm": samples.xlsm_xlm_auto_open,
    "xlm-suffix.xlsm": lambda: samples.xlsm_xlm_auto_open("auto_open_17"),
    "xlm-not-started.xlsm": lambda: samples.xlsm_xlm_auto_open("Total"),
}
