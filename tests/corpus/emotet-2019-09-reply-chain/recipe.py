from gateway import samples
from gateway.samples import word
from tests.makers import museum


def sent(document: bytes) -> bytes:
    return museum.reply("figures for August", "Please see the attached document.\n", {"INV_08_2019.doc": document})


FILES = {
    "armed.eml": lambda: sent(word.doc_with(museum.code("AutoOpen"))),
    "clean.eml": lambda: sent(samples.doc()),
}
