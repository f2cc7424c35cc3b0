from tests.makers.hidings import ARMED, CLEAN, NOTE, files
from tests.makers.zips import Item, build, deflate

RANDOM = bytes(range(7, 256)) * 8

HIDINGS = {
    "marked-in-directory": lambda content: build([Item("a.doc", content, flags=1, local={"flags": 0})]),
    "marked-in-header": lambda content: build([Item("a.doc", content, local={"flags": 1})]),
    "marked-twice": lambda content: build([Item("a.doc", content, flags=1)]),
    "marked-and-stored": lambda content: build([Item("a.doc", content, method=0, flags=1)]),
}

FILES = files(HIDINGS, armed=ARMED, held=CLEAN, noted=NOTE) | {
    "armed-beside-one-encrypted.zip": lambda: build(
        [Item("a.doc", ARMED), Item("b.doc", CLEAN, flags=1, packed=RANDOM)]
    ),
    "held-one-encrypted.zip": lambda: build([Item("a.doc", CLEAN), Item("b.doc", CLEAN, flags=1, packed=RANDOM)]),
    "clean-none-encrypted.zip": lambda: build([Item("a.doc", CLEAN), Item("b.doc", CLEAN, packed=deflate(CLEAN))]),
}
