"""A compound file behind a picture or a PDF file: two things in one, of which most programs show only the first.

Contract: ``unpack`` hands on what begins like a compound file and has a directory that names its streams; that no
picture has by chance. Zip files and texts behind something else are readings of the whole file (``scan.sniff``).
Raises ``OverLimit`` only.
"""

from __future__ import annotations

from gateway.closed_sets import FileType
from gateway.scan import ole_directory
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.IMAGE, FileType.PDF})

MOST = 4
"""Compound files in one."""
_END_OF_PDF = b"%%EOF"


def unpack(blob: Blob, look: Look) -> None:
    """Hand on each compound file in ``blob``; of a PDF file those behind its end, others are its attachments."""
    data = bytes(blob.data)
    position = max(0, data.rfind(_END_OF_PDF)) if data.startswith(b"%PDF") else 0
    for _ in range(MOST):
        position = data.find(ole_directory.MAGIC, position + 1)
        if position < 0:
            return
        look.budget.check_time()
        content = memoryview(data)[position:]
        if ole_directory.names(content):
            look.budget.spend_bytes(len(content))
            look.descend(blob, content, f"at byte {position}")
