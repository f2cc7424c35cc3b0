"""One file, compressed: gzip, bzip2, xz, lzma. What is inside is handed on under the name without its suffix.

Contract: everything is decompressed under the budget; several streams behind one another are read as one, as the
usual programs do. Raises ``OverLimit`` and ``Corrupt``.
"""

from __future__ import annotations

import posixpath

from gateway.message import FileType
from gateway.scan.budget import Budget
from gateway.scan.containers import bounded
from gateway.scan.look import Blob, Corrupt, Look

TYPES = frozenset({FileType.GZIP, FileType.BZIP2, FileType.XZ})


def unpack(blob: Blob, look: Look) -> None:
    """Hand on what ``blob`` decompresses to."""
    head = bytes(blob.data[:6])
    if head.startswith(b"\x1f\x8b"):
        content = gunzip(blob.data, look.budget)
    elif head.startswith(b"BZh"):
        content = bounded.bunzip2(blob.data, look.budget)
    elif head.startswith(b"\xfd7zXZ"):
        content = bounded.unxz(blob.data, look.budget)
    elif head.startswith(b"\x5d\x00\x00"):
        content = bounded.unlzma(blob.data, look.budget)
    else:
        raise Corrupt("the compression is not known")
    stem = posixpath.splitext(posixpath.basename(blob.name))[0]
    look.descend(blob, content, stem or "content")


def gunzip(data: bytes | memoryview, budget: Budget) -> bytes:
    """Every member of a gzip file (RFC 1952 §2.2); bytes behind the last one are padding and ignored."""
    pieces = []
    position = 0
    while bytes(data[position : position + 2]) == b"\x1f\x8b":
        piece, rest = bounded.inflate(data[position:], budget, bounded.GZIP)
        pieces.append(piece)
        position = len(data) - rest
    return b"".join(pieces)
