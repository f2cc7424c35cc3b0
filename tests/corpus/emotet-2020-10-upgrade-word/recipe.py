from gateway import samples
from gateway.samples import word
from tests.makers import museum


def sent(document: bytes) -> bytes:
    return museum.letter("COVID-19 report", "The report you asked for.\n", {"REPORT 10_2020.doc": document})


FILES = {
    "armed.eml": lambda: sent(word.docm(museum.code("Document_Open"), "ThisDocument")),
    "clean.eml": lambda: sent(samples.docx()),
}
