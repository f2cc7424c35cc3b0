from gateway import samples
from gateway.samples import word
from tests.makers import museum


def sent(document: bytes) -> bytes:
    return museum.reply("figures for August", "Electronic form is attached.\n", {"form 17072020.doc": document})


FILES = {
    "armed.eml": lambda: sent(word.doc_with(museum.code("Frame1_Layout"), "ThisDocument")),
    "armed-open.eml": lambda: sent(word.doc_with(museum.code("Document_Open"), "ThisDocument")),
    "clean.eml": lambda: sent(samples.doc()),
}
