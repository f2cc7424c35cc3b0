from gateway import samples
from gateway.samples import excel
from tests.makers import museum


def sent(document: bytes) -> bytes:
    return museum.reply("Q1", "Thanks!\n", {"1 total 22.02.xls": document})


FILES = {
    "armed.eml": lambda: sent(excel.xls_with(museum.code("Workbook_Open"))),
    "armed-auto-open.eml": lambda: sent(excel.xls_with(museum.code("Auto_Open"), "Module1")),
    "clean.eml": lambda: sent(samples.xls()),
}
