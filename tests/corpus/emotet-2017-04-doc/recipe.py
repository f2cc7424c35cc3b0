from gateway import samples
from gateway.samples import word
from tests.makers import museum


def sent(document: bytes) -> bytes:
    return museum.letter("Your invoice #4071", "Please find your invoice attached.\n", {"Invoice_4071.doc": document})


FILES = {
    "armed.eml": lambda: sent(word.doc_with(museum.code("AutoOpen"))),
    "clean.eml": lambda: sent(samples.doc()),
}
