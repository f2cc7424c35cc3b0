from gateway import samples
from gateway.samples import excel, word
from tests.makers import museum


def sent(name: str, document: bytes) -> bytes:
    return museum.reply("Missing wallet", "see attached\n", {name: document})


FILES = {
    "armed-docm.eml": lambda: sent("form_1511.docm", word.docm(museum.code("AutoOpen"))),
    "armed-xlsm.eml": lambda: sent("data_1511.xlsm", excel.xlsm(museum.code("Workbook_Open"))),
    "clean.eml": lambda: sent("form_1511.docx", samples.docx()),
}
