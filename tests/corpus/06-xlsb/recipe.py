from gateway import samples

FILES = {"workbook-open.xlsb": samples.xlsb_workbook_open, "xlm.xlsb": samples.xlsb_xlm_auto_open}
