from gateway import samples
from gateway.samples import word
from tests.makers import museum


def sent(document: bytes) -> bytes:
    return museum.letter(
        "PayPal: your receipt", "You sent a payment of $ 219.00 USD.\n", {"Receipt-20181106.doc": document}
    )


FILES = {
    "armed.eml": lambda: sent(word.doc_with(museum.code("Document_Open"), "ThisDocument")),
    "clean.eml": lambda: sent(samples.doc()),
}
