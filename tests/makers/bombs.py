"""Files that unpack to very much, made without ever holding it in memory."""

from __future__ import annotations

import struct
import zlib

from gateway.samples.mail import zipped
from tests.makers.zips import Item, build

MIB = 1 << 20


def large_member(name: str, content: bytes, mebibytes: int, piece: bytes = bytes(1024), behind: bytes = b"") -> bytes:
    """A zip file with one member: ``content``, that many MiB of ``piece`` over and over, and ``behind``."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = deflater.compress(content) + deflater.flush(zlib.Z_FULL_FLUSH)
    # Behind a full flush the same bytes are always packed the same way.
    packed = deflater.compress(piece * (MIB // len(piece))) + deflater.flush(zlib.Z_FULL_FLUSH)
    tail = deflater.compress(behind) + deflater.flush()
    size = len(content) + mebibytes * MIB + len(behind)
    return build([Item(name, packed=head + packed * mebibytes + tail, crc=0, size=size)])


def nested(content: bytes, depth: int, name: str = "in") -> bytes:
    """A zip in a zip in a zip, ``depth`` times round ``content``."""
    for level in range(depth):
        content = zipped(f"{name}.zip" if level else name, content)
    return content


def wide(depth: int, copies: int, content: bytes) -> bytes:
    """Every level holds ``copies`` of the next one, as 42.zip has it."""
    for _ in range(depth):
        content = build([Item(f"{number}.zip", content) for number in range(copies)])
    return content


def many_empty(count: int) -> bytes:
    """A zip file of ``count`` empty members."""
    header = struct.pack("<5H3I2H", 20, 0, 0, 0, 0, 0, 0, 0, 7, 0)
    body = b"".join(b"PK\x03\x04%b%07d" % (header, number) for number in range(count))
    directory = b"".join(
        b"PK\x01\x02\x14\x00%b%b%07d" % (header, struct.pack("<3H2I", 0, 0, 0, 0, 37 * number), number)
        for number in range(count)
    )
    sizes = (0, 0, count & 0xFFFF, count & 0xFFFF, len(directory), len(body), 0)
    return body + directory + struct.pack("<4s4H2IH", b"PK\x05\x06", *sizes)


def overlapping(kernel: bytes, count: int) -> bytes:
    """``count`` members whose data are one stream: each quotes the headers behind its own (D. Fifield, 2019)."""
    stream, crc = Item("", kernel).data(), zlib.crc32(kernel)
    content = kernel
    members: list[tuple[bytes, bytes, int]] = []
    for number in range(count):
        name = b"%04d" % number
        sizes = struct.pack("<5H3I2H", 20, 0, 8, 0, 0, crc, len(stream), len(content), len(name), 0)
        header = b"PK\x03\x04" + sizes + name
        members.append((name, sizes, len(header) + len(stream)))
        # a stored block of deflate with this header in it, then the same stream again
        content = header + content
        crc = zlib.crc32(content)
        stream = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF) + header + stream
    body = stream[5:]
    directory = b"".join(
        b"PK\x01\x02\x14\x00" + sizes + struct.pack("<3H2I", 0, 0, 0, 0, len(body) - length) + name
        for name, sizes, length in members
    )
    sizes = struct.pack("<4H2IH", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + sizes
