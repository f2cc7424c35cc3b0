from gateway import samples

FILES = {
    "clean.xls": samples.xls,
    "workbook-open.xls": samples.xls_workbook_open,
    "xlm.xls": samples.xls_xlm_auto_open,
    "xlm-very-hidden.xls": lambda: samples.xls_xlm_auto_open(2),
}
