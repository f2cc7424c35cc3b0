import gzip
import zlib

from tests.makers import bombs
from tests.makers.hidings import ARMED, CLEAN
from tests.makers.zips import Item, build


def deep_gzip(content: bytes) -> bytes:
    for _ in range(20):
        content = gzip.compress(content, mtime=0)
    return content


def one_kernel(count: int) -> bytes:
    """Every entry of the directory names the same local header."""
    data = build([Item("a", bytes(1 << 20))])
    start, end = data.index(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    return data[:start] + data[start:end] * count + data[end:]


FILES = {
    "armed-nested-three.zip": lambda: bombs.nested(ARMED, 3),
    "clean-nested-three.zip": lambda: bombs.nested(CLEAN, 3),
    "armed-nested-twenty.zip": lambda: bombs.nested(ARMED, 20),
    "held-nested-twenty.zip": lambda: bombs.nested(CLEAN, 20),
    "held-nested-twenty.gz": lambda: deep_gzip(CLEAN),
    "held-many-empty.zip": lambda: bombs.many_empty(2100),
    "armed-among-many.zip": lambda: build([Item("a.doc", ARMED), *(Item(str(n), b"") for n in range(2100))]),
    "held-one-kernel.zip": lambda: one_kernel(3000),
    "held-many-directories.zip": lambda: build([Item("a", zlib.compress(b""))]) * 80,
}
