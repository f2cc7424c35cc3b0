"""Archives and disk images that are known by their bytes and not read, and what people call them.

Contract: data and one look-up. Never raises.
"""

from __future__ import annotations

from gateway.closed_sets import FileType

_ARCHIVE, _IMAGE = FileType.ARCHIVE, FileType.DISK_IMAGE

MAGIC: tuple[tuple[int, bytes, FileType, str], ...] = (
    (0, b"conectix", _IMAGE, "VHD disk image"),
    (-512, b"conectix", _IMAGE, "VHD disk image"),  # a fixed VHD says what it is at its end
    (0, b"vhdxfile", _IMAGE, "VHDX disk image"),
    (0, b"KDMV", _IMAGE, "VMDK disk image"),
    (0, b"# Disk DescriptorFile", _IMAGE, "VMDK disk image"),
    (0, b"QFI\xfb", _IMAGE, "QCOW disk image"),
    (0, b"MSWIM\x00\x00\x00", _IMAGE, "WIM image"),
    (-512, b"koly", _IMAGE, "DMG disk image"),
    (512, b"EFI PART", _IMAGE, "disk image with a GPT partition table"),
    (1024, b"H+\x00\x04", _IMAGE, "HFS+ disk image"),
    (0, b"hsqs", _IMAGE, "SquashFS image"),
    (0, b"\x00" + b"\xff" * 10 + b"\x00", _IMAGE, "raw image of a CD"),
    (32769, b"BEA01", _IMAGE, "UDF disk image"),
    (0, b"\x60\xea", _ARCHIVE, "ARJ archive"),
    (7, b"**ACE**", _ARCHIVE, "ACE archive"),
    (20, b"\xdc\xa7\xc4\xfd", _ARCHIVE, "Zoo archive"),
    (10, b"rLau", _ARCHIVE, "StuffIt archive"),
    (0, b"StuffIt (c)", _ARCHIVE, "StuffIt archive"),
    (0, b"ALZ\x01", _ARCHIVE, "ALZip archive"),
    (0, b"EGGA\x00\x01", _ARCHIVE, "EGG archive"),
    (0, b"ISc(", _ARCHIVE, "InstallShield cabinet"),
    (0, b"xar!", _ARCHIVE, "xar archive"),
    (0, b"\x89LZO\x00\r\n\x1a", _ARCHIVE, "lzop file"),
    (0, b"LRZI\x00", _ARCHIVE, "lrzip file"),
    (0, b"\xed\xab\xee\xdb", _ARCHIVE, "RPM package"),
)
"""Offset (from the end where it is negative), the bytes there, the type and the name of what has them."""

_BOOT_SECTORS = ((3, b"NTFS    ", "NTFS"), (3, b"EXFAT   ", "exFAT"), (54, b"FAT", "FAT"), (82, b"FAT32", "FAT"))
_PARTITIONS = 446


def name_of(data: bytes) -> str:
    """What ``data`` is, for a person."""
    for offset, magic, _, name in MAGIC:
        if data[offset:].startswith(magic) if offset < 0 else data.startswith(magic, offset):
            return name
    for offset, magic, name in _BOOT_SECTORS:
        if data.startswith(magic, offset):
            return f"{name} disk image"
    if is_partitioned(data[:512]):
        return "disk image with partitions"
    return "ARC archive" if is_arc(data[:32]) else "unknown"


def is_partitioned(sector: bytes) -> bool:
    """A master boot record: four entries, each free or active or not, and one of them at least with a place."""
    if sector[510:512] != b"\x55\xaa":
        return False
    entries = [sector[at : at + 16] for at in range(_PARTITIONS, 510, 16)]
    return all(entry[0] in (0, 0x80) for entry in entries) and any(
        entry[4] and any(entry[8:12]) and any(entry[12:16]) for entry in entries
    )


def is_arc(head: bytes) -> bool:
    """ARC of 1985: a mark, a method, and a DOS name that ends in a NUL within thirteen bytes."""
    if head[:1] != b"\x1a" or head[1:2] > b"\x0b":
        return False
    name, end, _ = head[2:15].partition(b"\x00")
    return bool(end) and b"." in name and name.isascii() and name.decode("ascii").isprintable()
