import bz2
import gzip
import io
import lzma
import tarfile

from tests.makers import archives
from tests.makers.hidings import ARMED, CLEAN, files

PROGRAM = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\x00\x00" + bytes(400)


def second_tar(content: bytes) -> bytes:
    return archives.tar("a.txt", b"note") + archives.tar("b.doc", content)


def strange_names(content: bytes) -> bytes:
    """Hidden, absolute, and of a kind that is no usual file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, kind in (("../.hidden", tarfile.REGTYPE), ("/" + "x" * 150, tarfile.CONTTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.size = kind, len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def deb(content: bytes) -> bytes:
    data = lzma.compress(archives.tar("a.doc", content))
    return b"!<arch>\n" + b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (b"data.tar.xz", 0, 0, 0, 0o644, len(data)) + data


HIDINGS = {
    "a.tar": lambda content: archives.tar("a.doc", content),
    "a.tar.gz": lambda content: gzip.compress(archives.tar("a.doc", content), mtime=0),
    "a.tbz": lambda content: bz2.compress(archives.tar("a.doc", content)),
    "a.txz": lambda content: lzma.compress(archives.tar("a.doc", content)),
    "a.tzst": lambda content: archives.written("ustar", "a.doc", content, filter_name="zstd"),
    "a.tar.Z": lambda content: archives.written("ustar", "a.doc", content, filter_name="compress"),
    "a.tar.lz": lambda content: archives.written("ustar", "a.doc", content, filter_name="lzip"),
    "a.tar.lz4": lambda content: archives.written("ustar", "a.doc", content, filter_name="lz4"),
    "a.7z": lambda content: archives.written("7zip", "a.doc", content),
    "ppmd.7z": lambda content: archives.written("7zip", "a.doc", content, options="compression=ppmd"),
    "a.cab": lambda content: archives.cab("a.doc", content),
    "five.rar": lambda content: archives.rar5("a.doc", content),
    "four.rar": lambda content: archives.rar4("a.doc", content),
    "a.lzh": lambda content: archives.lzh("a.doc", content),
    "a.deb": deb,
    "a.cpio": lambda content: archives.written("cpio", "a.doc", content),
    "twice.gz": lambda content: gzip.compress(gzip.compress(content, mtime=0), mtime=0),
    "two-streams.gz": lambda content: gzip.compress(content[:99], mtime=0) + gzip.compress(content[99:], mtime=0),
    "behind-gzip.gz": lambda content: gzip.compress(b"note", mtime=0) + content,
    "behind-bzip2.bz2": lambda content: bz2.compress(b"note") + content,
    "behind-xz.xz": lambda content: lzma.compress(b"note") + bytes(8) + content,
    "padding-between.xz": lambda content: lzma.compress(content[:99]) + bytes(8) + lzma.compress(content[99:]),
    "behind-tar.tar": second_tar,
    "behind-7z.7z": lambda content: archives.written("7zip", "a.txt", b"note") + content,
    "behind-cab.cab": lambda content: archives.cab("a.txt", b"note") + archives.cab("b.doc", content),
    "strange-names.tar": strange_names,
}
CUT = {
    "cut.gz": lambda content: gzip.compress(content, 0, mtime=0)[:-8],
    "cut.tar": lambda content: archives.tar("a.doc", content)[: 512 + len(content)],
    "cut.xz": lambda content: lzma.compress(content)[:-12],
    "cut.7z": lambda content: archives.written("7zip", "a.doc", content, options="compression=store")[:-20],
}


def damaged(content: bytes) -> bytes:
    """The last stored block of a gzip file is broken."""
    data = bytearray(gzip.compress(content + bytes(range(256)) * 400, 0, mtime=0))
    at = data.rindex(bytes([0xFF, 0xFF, 0x00, 0x00])) if bytes([0xFF, 0xFF, 0x00, 0x00]) in data else len(data) - 40_000
    data[at : at + 4] = b"\x07\x07\x07\x07"
    return bytes(data)


FILES = (
    files(HIDINGS, armed=ARMED, clean=CLEAN)
    | {f"armed-{name}": (lambda hide=hide: hide(ARMED)) for name, hide in (CUT | {"damaged.gz": damaged}).items()}
    | {
        "armed-program.exe": lambda: PROGRAM + archives.rar5("a.doc", ARMED),
        "held-cut.gz": lambda: gzip.compress(CLEAN, mtime=0)[:-20],
        "held.arj": lambda: b"\x60\xea" + bytes(60),
        "held.ace": lambda: bytes(7) + b"**ACE**" + bytes(60),
        "held.zoo": lambda: b"ZOO 2.10 Archive.\x1a\x00\x00\xdc\xa7\xc4\xfd" + bytes(60),
        "held.arc": lambda: b"\x1a\x02A.DOC" + bytes(60),
        "held.sit": lambda: b"SIT!" + bytes(6) + b"rLau" + bytes(60),
        "held.alz": lambda: b"ALZ\x01" + bytes(60),
        "held.egg": lambda: b"EGGA\x00\x01" + bytes(60),
        "held.xar": lambda: b"xar!" + bytes(60),
        "armed-stored.ace": lambda: bytes(7) + b"**ACE**" + bytes(60) + ARMED,
    }
)
