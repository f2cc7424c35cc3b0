import struct

from tests.makers.hidings import ARMED, CLEAN, NOTE, files
from tests.makers.zips import Item, build

END = b"PK\x05\x06"


def without_directory(content: bytes) -> bytes:
    data = build([Item("a.doc", content)])
    return data[: data.index(b"PK\x01\x02")]


def without_end(content: bytes) -> bytes:
    data = build([Item("a.doc", content)])
    return data[: data.rindex(END)]


def broken(signature: bytes, content: bytes) -> bytes:
    """The first signature of that kind is no longer one."""
    data = build([Item("a.doc", content), Item("b.txt", NOTE)])
    return data.replace(signature, b"PK\x00\x00", 1)


def two_directories(content: bytes) -> bytes:
    """The offset in the end record leads to one directory, the bytes before that record are another."""
    outer = build([Item("a.txt", NOTE)])
    inner = build([Item("a.doc", content)])
    central = inner.index(b"PK\x01\x02")
    joined = inner[: inner.rindex(END)] + outer
    end = joined.rindex(END)
    return joined[: end + 16] + struct.pack("<I", central) + joined[end + 20 :]


def zip64_elsewhere(content: bytes) -> bytes:
    """A zip64 end record that knows another directory than the old end record."""
    inner = build([Item("a.doc", content)])
    central, stop = inner.index(b"PK\x01\x02"), inner.rindex(END)
    outer = build([Item("a.txt", NOTE)])
    end = outer.rindex(END)
    directory = outer.index(b"PK\x01\x02")
    body = inner[:stop] + outer[:end]
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, stop - central, central)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(body), 1)
    offset = stop + directory
    return body + record + locator + struct.pack("<4s4H2IH", END, 0, 0, 1, 1, end - directory, offset, 0)


HIDINGS = {
    "not-listed.zip": lambda content: build([Item("a.txt", NOTE), Item("b.doc", content, central=False)]),
    "not-listed-but-first.zip": lambda content: build([Item("b.doc", content, central=False), Item("a.txt", NOTE)]),
    "no-directory.zip": without_directory,
    "no-end.zip": without_end,
    "broken-header.zip": lambda content: broken(b"PK\x03\x04", content),
    "broken-directory.zip": lambda content: broken(b"PK\x01\x02", content),
    "broken-end.zip": lambda content: broken(END, content),
    "joined-first.zip": lambda content: build([Item("a.doc", content)]) + build([Item("b.txt", NOTE)]),
    "joined-last.zip": lambda content: build([Item("b.txt", NOTE)]) + build([Item("a.doc", content)]),
    "in-the-comment.zip": lambda content: build([Item("a.txt", NOTE)], comment=build([Item("b.doc", content)])),
    "count-too-small.zip": lambda content: build([Item("a.txt", NOTE), Item("b.doc", content)], count=1),
    "count-none.zip": lambda content: build([Item("a.doc", content)], count=0),
    "two-directories.zip": two_directories,
    "zip64-elsewhere.zip": zip64_elsewhere,
    "overlapping.zip": lambda content: (
        build([Item("a", b"x" * 64 + build([Item("b.doc", content)]), method=0)]) + build([Item("c.txt", NOTE)])
    ),
}
PLAIN = {
    "much-behind.zip": lambda content: build([Item("a.doc", content)]) + bytes(9 << 20),
    "garbage-behind.zip": lambda content: build([Item("a.doc", content)]) + b"garbage" * 12_000,
    "something-before.zip": lambda content: build([Item("a.doc", content)], prefix=b"stub " * 20_000),
    "long-comment.zip": lambda content: build([Item("a.doc", content)], comment=b"c" * 0xFFFF),
    "end-in-the-comment.zip": lambda content: build([Item("a.doc", content)], comment=END + bytes(18)),
    "before-the-end.zip": lambda content: build([Item("a.doc", content)], before_end=b"?" * 100),
    "count-of-65537.zip": lambda content: build([Item("a.doc", content)], count=1),
    "document-behind.zip": lambda content: build([Item("a.txt", NOTE)]) + content,
}

FILES = files(HIDINGS, armed=ARMED, held=CLEAN) | files(PLAIN, armed=ARMED, clean=CLEAN)
