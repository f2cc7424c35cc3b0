from gateway import samples
from gateway.samples.package import package, parts_of
from tests.makers import bombs
from tests.makers.hidings import ARMED, CLEAN, files
from tests.makers.zips import Item, build

MIB = 20


def in_part(name: str) -> bytes:
    """A document with padding behind one of its parts."""
    parts = parts_of(samples.docm_autoopen())
    parts[name] = parts.get(name, b"\xff\xd8\xff\xe0") + bytes(MIB << 20)
    return package(parts)


HIDINGS = {
    "zeros-behind.zip": lambda content: bombs.large_member("a.doc", content, MIB),
    "spaces-behind.zip": lambda content: bombs.large_member("a.doc", content, MIB, b" " * 1024),
    "comment.zip": lambda content: build([Item("a.doc", content)], comment=bytes(0xFFFF)),
    "between-records.zip": lambda content: build([Item("a.doc", content, behind=bytes(1 << 20)), Item("b", b"x")]),
}

FILES = files(HIDINGS, armed=ARMED, clean=CLEAN) | {
    "armed-vba-project.docm": lambda: in_part("word/vbaProject.bin"),
    "armed-image.docm": lambda: in_part("word/media/image1.jpg"),
}
