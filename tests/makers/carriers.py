"""Files that need no macro, as little of each as tells what it is; none of them can do anything."""

from __future__ import annotations

import struct

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def shortcut(target: str = "", arguments: str = "", *, relative: str = "") -> bytes:
    """A Windows shortcut (MS-SHLLINK) with a LinkInfo for ``target`` and StringData for the rest."""
    flags = (2 if target else 0) | (8 if relative else 0) | (32 if arguments else 0) | 128
    header = struct.pack("<I", 76) + bytes.fromhex("0114020000000000C000000000000046") + struct.pack("<I", flags)
    body = header.ljust(76, b"\0")
    if target:
        path = target.encode("cp1252") + b"\0"
        body += struct.pack("<7I", 28 + len(path) + 1, 28, 1, 0, 28, 0, 28 + len(path)) + path + b"\0"
    for text in filter(None, (relative, arguments)):
        body += struct.pack("<H", len(text)) + text.encode("utf-16-le")
    return body + bytes(4)


def library(*exports: str, wide: bool = False) -> bytes:
    """A PE file with one section that holds nothing but an export table; there is no code in it."""
    names = b"".join(name.encode() + b"\0" for name in exports)
    at, base = 0x200, 0x1000
    pointers, texts = base + 40, base + 40 + 4 * len(exports)
    offsets, position = [], texts
    for name in exports:
        offsets.append(position)
        position += len(name) + 1
    table = struct.pack("<3I4I3I", 0, 0, 0, 0, 1, 0, len(exports), 0, pointers, 0) + struct.pack(
        f"<{len(exports)}I", *offsets
    )
    section = table + names
    optional = struct.pack("<H", 0x20B if wide else 0x10B).ljust(112 if wide else 96, b"\0")
    optional += struct.pack("<2I", base if exports else 0, len(section)) + bytes(120)
    header = b"PE\0\0" + struct.pack("<2H3I2H", 0x14C, 1, 0, 0, 0, len(optional), 0x2000) + optional
    header += b".edata\0\0" + struct.pack("<4I", len(section), base, len(section), at) + bytes(16)
    start = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    return (start + header).ljust(at, b"\0") + section
