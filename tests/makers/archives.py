"""Archives that no library at hand writes, as small as their formats allow: nothing is compressed."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Mapping

import libarchive


def written(form: str, name: str, content: bytes, *, filter_name: str | None = None, options: str = "") -> bytes:
    """One file in an archive of a format that libarchive writes."""
    return several(form, {name: content}, filter_name=filter_name, options=options)


def several(form: str, files: Mapping[str, bytes], *, filter_name: str | None = None, options: str = "") -> bytes:
    """These files in this order."""
    pieces: list[bytes] = []

    def keep(piece: bytes) -> int:
        pieces.append(bytes(piece))
        return len(piece)

    with libarchive.custom_writer(keep, form, filter_name, options=options) as archive:
        for name, content in files.items():
            archive.add_file_from_memory(name, len(content), content)
    return b"".join(pieces)


def tar(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def cab(name: str, content: bytes) -> bytes:
    """A cabinet with one folder, stored (MS-CAB §2); a checksum of zero means none."""
    blocks = [content[at : at + 0x8000] for at in range(0, len(content), 0x8000)]
    file = struct.pack("<2I4H", len(content), 0, 0, 0x21, 0, 0x20) + name.encode() + b"\x00"
    data_at = 36 + 8 + len(file)
    data = b"".join(struct.pack("<I2H", 0, len(block), len(block)) + block for block in blocks)
    folder = struct.pack("<I2H", data_at, len(blocks), 0)
    header = struct.pack("<4s5I2B5H", b"MSCF", 0, data_at + len(data), 0, 44, 0, 3, 1, 1, 1, 0, 0, 0)
    return header + folder + file + data


def rar5(name: str, content: bytes) -> bytes:
    """RAR 5, stored: main header, file header, end of archive (the technical note of its author)."""
    raw = name.encode()
    body = _number(0x04) + _number(len(content)) + _number(0x20) + struct.pack("<I", zlib.crc32(content))
    body += _number(0) + _number(0) + _number(len(raw)) + raw
    file = _rar_header(2, body, len(content)) + content
    return b"Rar!\x1a\x07\x01\x00" + _rar_header(1, _number(0)) + file + _rar_header(5, _number(0))


def _rar_header(kind: int, body: bytes, size: int | None = None) -> bytes:
    flags = _number(0) if size is None else _number(2)
    content = _number(kind) + flags + (b"" if size is None else _number(size)) + body
    content = _number(len(content)) + content
    return struct.pack("<I", zlib.crc32(content)) + content


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the high bit says that more follow."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def rar4(name: str, content: bytes) -> bytes:
    """RAR 1.5 to 4, stored."""
    raw = name.encode()
    crc = zlib.crc32(content)
    fields = struct.pack("<2IBIIBBHI", len(content), len(content), 2, crc, 0x21 << 16, 20, 0x30, len(raw), 0x20)
    return (
        b"Rar!\x1a\x07\x00"
        + _rar4(0x73, 0, bytes(6))
        + _rar4(0x74, 0x8000, fields + raw)
        + content
        + _rar4(0x7B, 0, b"")
    )


def _rar4(kind: int, flags: int, body: bytes) -> bytes:
    header = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
    return struct.pack("<H", zlib.crc32(header) & 0xFFFF) + header


def lzh(name: str, content: bytes) -> bytes:
    """LHA, stored, header level 0."""
    raw = name.encode()
    header = b"-lh0-" + struct.pack("<3I2B", len(content), len(content), 0x21 << 16, 0x20, 0)
    header += bytes([len(raw)]) + raw + struct.pack("<H", _crc16(content))
    return bytes([len(header), sum(header) & 0xFF]) + header + content + b"\x00"


def _crc16(content: bytes) -> int:
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
