"""One file, compressed: gzip, bzip2, xz, lzma. What is inside is handed on under the name without its suffix.

Contract: everything is decompressed under the budget; several streams behind one another are read as one, as the
usual programs do, and what lies behind the last of them is handed on too. What a damaged or too large stream gave is
looked into all the same. Raises ``OverLimit`` and ``Corrupt``.
"""

from __future__ import annotations

import posixpath

from gateway.closed_sets import FileType
from gateway.scan.budget import Budget, OverLimit
from gateway.scan.containers import bounded, leftovers
from gateway.scan.look import Blob, Corrupt, Look

TYPES = frozenset({FileType.GZIP, FileType.BZIP2, FileType.XZ})


def unpack(blob: Blob, look: Look) -> None:
    """Hand on what ``blob`` decompresses to."""
    name = posixpath.splitext(posixpath.basename(blob.name))[0] or "content"
    try:
        content, rest = decompressed(blob.data, look.budget)
    except (Corrupt, OverLimit) as trouble:
        if trouble.before:
            look.descend(blob, trouble.before, name)
        raise
    look.descend(blob, content, name)
    leftovers.hand_on(blob, len(blob.data) - rest, look)


def decompressed(data: bytes | memoryview, budget: Budget) -> tuple[bytes, int]:
    """The content, and how many bytes lie behind it. Raises ``OverLimit`` and ``Corrupt``."""
    head = bytes(data[:6])
    if head.startswith(b"\x1f\x8b"):
        return bounded.gunzip(data, budget)
    if head.startswith(b"BZh"):
        return bounded.bunzip2(data, budget)
    if head.startswith(b"\xfd7zXZ"):
        return bounded.unxz(data, budget)
    if head.startswith(b"\x5d\x00\x00"):
        return bounded.unlzma(data, budget)
    raise Corrupt("the compression is not known")
