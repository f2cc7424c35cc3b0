import struct
import zlib

from tests.makers.hidings import ARMED, CLEAN, NOTE, files
from tests.makers.zips import Item, build, deflate, extra


def zip64(content: bytes) -> bytes:
    """The record says the data are short; the zip64 field, which should not count then, knows better."""
    field = extra(1, struct.pack("<2Q", len(content), len(content)))
    lie = {"packed": 512, "size": 512, "extra": field}
    data = build([Item("a.doc", content[:512], method=0, packed=content, local=lie, extra=field)])
    central = data.rindex(b"PK\x01\x02")
    return data[: central + 20] + struct.pack("<2I", 512, 512) + data[central + 28 :]


def descriptor(content: bytes) -> bytes:
    wrong = struct.pack("<4s3I", b"PK\x07\x08", zlib.crc32(content), 5, 5)
    return build([Item("a.doc", content, flags=8, local={"crc": 0, "packed": 0, "size": 0}, behind=wrong)])


def short_in_directory(content: bytes) -> bytes:
    """Whoever believes the directory sees the first bytes of a stored document only."""
    data = build([Item("a.doc", content, method=0)])
    central = data.rindex(b"PK\x01\x02")
    return data[: central + 20] + struct.pack("<2I", 512, 512) + data[central + 28 :]


def behind_the_stream(content: bytes) -> bytes:
    """The packed data go on behind the end of their stream, with the header of another member."""
    hidden = build([Item("b.doc", content)])
    return build([Item("a.txt", NOTE, packed=deflate(NOTE) + hidden)])


HIDINGS = {
    "size-in-header.zip": lambda content: build([Item("a.doc", content, local={"size": 7})]),
    "short-in-header.zip": lambda content: build([Item("a.doc", content, local={"packed": 7})]),
    "size-on-both-sides.zip": lambda content: build([Item("a.doc", content, size=7)]),
    "short-in-directory.zip": short_in_directory,
    "zip64.zip": zip64,
    "descriptor.zip": descriptor,
}


def honest_descriptor(signature: bytes, form: str) -> bytes:
    packed = deflate(CLEAN)
    right = signature + struct.pack(form, zlib.crc32(CLEAN), len(packed), len(CLEAN))
    return build([Item("a.doc", CLEAN, flags=8, local={"crc": 0, "packed": 0, "size": 0}, behind=right)])


FILES = files(HIDINGS, armed=ARMED, held=CLEAN) | {
    "noted-size-in-header.zip": lambda: HIDINGS["size-in-header.zip"](NOTE),
    "noted-descriptor.zip": lambda: descriptor(NOTE),
    "armed-behind-the-stream.zip": lambda: behind_the_stream(ARMED),
    "held-behind-the-stream.zip": lambda: behind_the_stream(CLEAN),
    "clean-descriptor.zip": lambda: honest_descriptor(b"PK\x07\x08", "<3I"),
    "clean-descriptor-without-signature.zip": lambda: honest_descriptor(b"", "<3I"),
    "clean-descriptor-of-64-bits.zip": lambda: honest_descriptor(b"PK\x07\x08", "<I2Q"),
}
