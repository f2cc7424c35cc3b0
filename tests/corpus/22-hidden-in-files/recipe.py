import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Callable

import libarchive

from gateway import samples
from gateway.samples.compound import compound_file, streams_of

ARMED, CLEAN = samples.doc_autoopen(), samples.doc()


def old_tar(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("a.doc")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    head = bytearray(file.getvalue()[:512])
    head[257:] = bytes(255)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\x00 " % sum(head)
    return bytes(head) + file.getvalue()[512:]


def behind_junk(content: bytes) -> bytes:
    pieces: list[bytes] = []

    def write(piece: bytes) -> int:
        pieces.append(bytes(piece))
        return len(piece)

    with libarchive.custom_writer(write, "7zip") as archive:
        archive.add_file_from_memory("a.doc", len(content), content)
    return b"\x00\x01 junk" * 100 + b"".join(pieces)


def directory_with_data(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.doc/", (2026, 1, 1, 0, 0, 0)), content)
    data = bytearray(file.getvalue())
    central = data.rindex(b"PK\x01\x02")
    data[22:26] = data[central + 24 : central + 28] = bytes(4)
    return bytes(data)


HIDINGS: dict[str, Callable[[bytes], bytes]] = {
    "old.tar": old_tar,
    "a.doc.lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
    "behind-junk.7z": behind_junk,
    "directory-with-data.zip": directory_with_data,
    "apple-single": lambda content: struct.pack(">II16xHIII", 0x51600, 0x20000, 1, 1, 38, len(content)) + content,
    "mac-binary": lambda content: b"\x00\x05a.doc".ljust(128, b"\x00") + content,
    "also-a-message.doc": lambda content: compound_file(
        {**streams_of(content), ("__properties_version1.0",): bytes(32)}
    ),
}

FILES = {
    f"{kind}-{name}": (lambda hide=hide, content=content: hide(content))
    for name, hide in HIDINGS.items()
    for kind, content in (("armed", ARMED), ("clean", CLEAN))
}
