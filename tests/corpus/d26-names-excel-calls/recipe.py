from gateway import samples
from tests.makers import xlm

NAMES = {
    "open": xlm.lbl("\x01", flags=0x20),
    "close": xlm.lbl("\x02", flags=0x20),
    "activate": xlm.lbl("\x0a", flags=0x20),
    "deactivate": xlm.lbl("\x0b", flags=0x20),
    "no-flag": xlm.lbl("\x01"),
    "hidden": xlm.lbl("Auto_Open", flags=1),
    "suffix": xlm.lbl("auto_open12"),
    "tail": xlm.lbl("\x01x", flags=0x20),
    "wide": xlm.lbl("Auto_Open", wide=True),
    "nul": xlm.lbl("Auto\0_Op\0en"),
    "nul-wide": xlm.lbl("Au\0to_Open", wide=True),
    "soft-hyphen": xlm.lbl("Au\xadto_Open"),
    "full-width": xlm.lbl("\uff21uto_\uff2fpen", wide=True),
    "prefix": xlm.lbl("_xlnm.Auto_Open"),
    "german": xlm.lbl("Auto_\xd6ffnen"),
    "cut": xlm.lbl("Auto_Ope"),
}

FILES = {
    **{f"armed-{what}.xls": lambda n=name: xlm.xls(xlm.stream(n)) for what, name in NAMES.items()},
    "armed-suffix.xlsm": lambda: samples.xlsm_xlm_auto_open("_xlnm.Auto_Open_2"),
    "armed-plain.xlsm": lambda: samples.xlsm_xlm_auto_open("AUTO_close"),
    "armed-other-name.xls": lambda: xlm.xls(xlm.stream(xlm.lbl("My_Auto_Open"))),
    "clean-no-macro-sheet.xls": lambda: xlm.xls(xlm.stream(xlm.lbl("Auto_Open"), kind=0x10)),
}
