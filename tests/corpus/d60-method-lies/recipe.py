import bz2
import lzma

from tests.makers.hidings import ARMED, CLEAN, NOTE, files
from tests.makers.zips import Item, build, deflate


def lying(content: bytes, method: int, packed: bytes, crc: int | None = None) -> bytes:
    return build([Item("a.doc", content, method=method, packed=packed, crc=crc)])


HIDINGS = {
    "deflated-as-stored.zip": lambda content: lying(content, 0, deflate(content)),
    "deflated-as-stored-wrong-checksum.zip": lambda content: lying(content, 0, deflate(content), 7),
    "stored-as-deflated.zip": lambda content: lying(content, 8, content),
    "deflated-as-bzip2.zip": lambda content: lying(content, 12, deflate(content)),
    "bzip2-as-deflated.zip": lambda content: lying(content, 8, bz2.compress(content)),
    "xz-as-stored.zip": lambda content: lying(content, 0, lzma.compress(content)),
    "deflated-as-ppmd.zip": lambda content: lying(content, 98, deflate(content)),
    "only-in-its-header.zip": lambda content: build([Item("a.doc", content, local={"method": 0})]),
}

FILES = files(HIDINGS, armed=ARMED, held=CLEAN, noted=NOTE * 50) | {
    "clean-deflated.zip": lambda: build([Item("a.doc", CLEAN)]),
    "clean-stored.zip": lambda: build([Item("a.doc", CLEAN, method=0)]),
}
