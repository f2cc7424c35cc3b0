from gateway import samples
from gateway.samples import word
from tests.makers import museum

SIZE = 520 << 20


def sent(document: bytes, size: int = SIZE) -> bytes:
    zipped = museum.padded_zip("INVOICE 0000183.doc", document, size)
    return museum.reply("INVOICE 0000183", "Please see the attachment.\n", {"INVOICE 0000183.zip": zipped})


FILES = {
    "armed.eml": lambda: sent(word.doc_with(museum.code("AutoOpen"))),
    "clean.eml": lambda: sent(samples.doc(), 1 << 20),
}
