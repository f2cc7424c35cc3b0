from gateway import samples
from gateway.samples.package import parts_of
from tests.makers.hidings import ARMED, CLEAN, NOTE, files
from tests.makers.zips import Item, build

HIDINGS = {
    "first.zip": lambda content: build([Item("a.doc", content), Item("a.doc", NOTE)]),
    "last.zip": lambda content: build([Item("a.doc", NOTE), Item("a.doc", content)]),
    "other-slash.zip": lambda content: build([Item("x/a.doc", NOTE), Item("x\\a.doc", content)]),
}


def doubled(replacement: bytes, *, first: bool) -> bytes:
    """A document whose project of macros is there twice."""
    items = []
    for name, content in parts_of(samples.docm_autoopen()).items():
        twins = [Item(name, content)]
        if name.endswith("vbaProject.bin"):
            twins.insert(0 if first else 1, Item(name, replacement))
        items += twins
    return build(items)


FILES = files(HIDINGS, armed=ARMED, held=CLEAN, noted=b"other") | {
    "armed-project-first.docm": lambda: doubled(b"nothing", first=False),
    "armed-project-last.docm": lambda: doubled(b"nothing", first=True),
    "clean-same-bytes.zip": lambda: build([Item("a.doc", CLEAN), Item("a.doc", CLEAN)]),
    "clean-same-parts.docx": lambda: build([Item(n, c) for n, c in parts_of(samples.docx()).items() for _ in "12"]),
}
