"""Documents in an archive or disk image of a kind that nobody here reads, found by how they begin.

Contract: file systems let files begin at sectors and seldom tear small ones apart, and archives store what does not get
smaller; so what begins like a document or an archive is handed on from there to the end. That finds what is armed. It
proves nothing about the rest, so the caller has to say that the image was not looked into. Raises ``OverLimit``.
"""

from __future__ import annotations

from gateway.scan.look import Blob, Look

_MAGICS = (
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"PK\x03\x04",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"{\\rtf1",
    b"MSCF\x00\x00\x00\x00",
)
_MOST = 16
"""Places of one kind that are looked at."""
_LARGEST = 16 << 20


def carve(blob: Blob, look: Look, start: int = 0) -> None:
    """Hand on what begins in ``blob`` at ``start`` or later like something that holds macros."""
    data = bytes(blob.data)
    for magic in _MAGICS:
        position = start - 1
        for _ in range(_MOST):
            look.budget.check_time()
            position = data.find(magic, position + 1)
            if position < 0:
                break
            content = data[position : position + _LARGEST]
            look.budget.spend_bytes(len(content))
            look.descend(blob, content, f"at byte {position}")
            if magic == b"PK\x03\x04":
                break  # every member begins like this; whoever reads the first sees them all
