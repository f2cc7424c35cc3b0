import struct

from gateway import samples
from gateway.samples.mail import zipped
from tests.makers import archives
from tests.makers.hidings import ARMED, CLEAN

SECTOR = 512


def iso(content: bytes, options: str = "") -> bytes:
    return archives.written("iso9660", "a.doc", content, options=options)


def hidden(content: bytes, name: bytes) -> bytes:
    """An ISO image with Joliet where one of the two directories does not list the document."""
    data = bytearray(iso(content, "!rockridge"))
    record = data.index(name) - 33
    data[record : record + data[record]] = bytes(data[record])
    return bytes(data)


def udf_only(content: bytes) -> bytes:
    """The marks of UDF and a document where only its directory would say so."""
    data = bytearray(iso(b"nothing to see"))
    end = data.index(b"\xffCD001")
    for number, name in enumerate((b"BEA01", b"NSR02", b"TEA01"), 1):
        at = end + 2048 * number
        data[at : at + 6] = b"\x00" + name
    return bytes(data) + content


def fat(content: bytes) -> bytes:
    boot = bytearray(SECTOR)
    boot[54:62], boot[510:512] = b"FAT12   ", b"\x55\xaa"
    return bytes(boot) + bytes(SECTOR * 20) + content


def partitioned(content: bytes) -> bytes:
    record = bytearray(SECTOR)
    record[446:462] = struct.pack("<B3sB3sII", 0x80, bytes(3), 7, bytes(3), 1, 2048)
    record[510:512] = b"\x55\xaa"
    return bytes(record) + content


def vhd(content: bytes) -> bytes:
    return partitioned(content) + bytes(-len(content) % SECTOR) + b"conectix" + bytes(SECTOR - 8)


IMAGES = {
    "a.iso": iso,
    "plain.iso": lambda content: iso(content, "!joliet,!rockridge"),
    "only-joliet.iso": lambda content: hidden(content, b"A.DOC;1"),
    "only-iso9660.iso": lambda content: hidden(content, "a.doc".encode("utf-16-be")),
    "only-udf.iso": udf_only,
    "fat.img": fat,
    "partitioned.img": partitioned,
    "a.vhd": vhd,
    "a.vhdx": lambda content: b"vhdxfile" + bytes(8184) + content,
    "a.vmdk": lambda content: b"KDMV" + bytes(8188) + content,
    "a.wim": lambda content: b"MSWIM\x00\x00\x00" + bytes(200) + content,
    "a.dmg": lambda content: bytes(1024) + content + bytes(-len(content) % SECTOR) + b"koly" + bytes(SECTOR - 4),
    "ntfs.img": lambda content: b"\xeb\x52\x90NTFS    " + bytes(499) + b"\x55\xaa" + bytes(4096) + content,
}

FILES = {f"armed-{name}": (lambda make=make: make(ARMED)) for name, make in IMAGES.items()} | {
    "armed-docm.img": lambda: fat(samples.docm_autoopen()),
    "armed-zip.img": lambda: fat(zipped("a.doc", ARMED)),
    "held-fat.img": lambda: fat(CLEAN),
    "held-udf.iso": lambda: udf_only(CLEAN),
    "clean-no-image.zip": lambda: zipped("a.doc", CLEAN),
}
