"""Zip files for tests, record by record, so that the two sides can be made to disagree."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Item:
    """One member. The fields that begin with ``central_`` or ``local_`` are lies told on that side only."""

    name: str | bytes
    content: bytes = b""
    method: int = 8
    flags: int = 0
    packed: bytes | None = None
    crc: int | None = None
    size: int | None = None
    local: dict[str, object] = field(default_factory=dict)
    central: bool = True
    has_local: bool = True
    extra: bytes = b""
    time: int = 0
    behind: bytes = b""
    """Bytes between the data and the next record."""

    def data(self) -> bytes:
        if self.packed is not None:
            return self.packed
        if self.method == 0:
            return self.content
        return deflate(self.content)


def deflate(content: bytes) -> bytes:
    """A raw deflate stream."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(content) + deflater.flush()


def extra(kind: int, content: bytes) -> bytes:
    """One extra field."""
    return struct.pack("<HH", kind, len(content)) + content


def build(
    items: Sequence[Item],
    *,
    prefix: bytes = b"",
    comment: bytes = b"",
    count: int | None = None,
    before_end: bytes = b"",
) -> bytes:
    """A zip file of ``items``; offsets are counted from the end of ``prefix``, as a self-extractor has it."""
    body, directory, listed = b"", b"", 0
    for item in items:
        at = len(body)
        record = _values(item)
        if item.has_local:
            body += _local(record | item.local) + item.data() + item.behind
        if item.central:
            directory += _central(record, at)
            listed += 1
    listed = listed if count is None else count
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, listed, listed, len(directory), len(body), len(comment))
    return prefix + body + directory + before_end + end + comment


def _values(item: Item) -> dict[str, object]:
    return {
        "name": item.name.encode() if isinstance(item.name, str) else item.name,
        "flags": item.flags,
        "method": item.method,
        "crc": zlib.crc32(item.content) if item.crc is None else item.crc,
        "packed": len(item.data()),
        "size": len(item.content) if item.size is None else item.size,
        "extra": item.extra,
        "time": item.time,
    }


def _local(r: dict[str, object]) -> bytes:
    name, extra = r["name"], r["extra"]
    assert isinstance(name, bytes)
    assert isinstance(extra, bytes)
    sizes = (r["crc"], r["packed"], r["size"], len(name), len(extra))
    return struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, r["flags"], r["method"], r["time"], 0, *sizes) + name + extra


def _central(r: dict[str, object], at: int) -> bytes:
    name, extra = r["name"], r["extra"]
    assert isinstance(name, bytes)
    assert isinstance(extra, bytes)
    sizes = (r["crc"], r["packed"], r["size"], len(name), len(extra), 0, 0, 0, 0, at)
    return (
        struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, r["flags"], r["method"], r["time"], 0, *sizes) + name + extra
    )
