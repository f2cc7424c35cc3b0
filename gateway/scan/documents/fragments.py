"""Bytes that begin as no file does, and still hold a macro project: a compound file whose head is damaged, or a piece.

Contract: ``inspect`` costs a search for one word in bytes of no known type. A compound file without its first bytes is
``CORRUPT`` and looked into as if it had them, because a program that repairs would. Source that lies in anything else
is reported as that of a document would be. Raises ``OverLimit``.
"""

from __future__ import annotations

from gateway.closed_sets import FileType, Kind
from gateway.scan.documents import ole
from gateway.scan.documents.compound import MAGIC
from gateway.scan.documents.vba import carve_vba
from gateway.scan.look import Blob, Look
from gateway.scan.triggers import APPLICATIONS

TYPES = frozenset({FileType.BINARY, FileType.TEXT})
"""Text too, because two bytes at the start are enough to be taken for it."""

_HEAD = slice(28, 34)
_HEADS = frozenset({b"\xfe\xff\x09\x00\x06\x00", b"\xfe\xff\x0c\x00\x06\x00"})
"""MS-CFB 2.2: byte order, sector shift and mini sector shift, as every application writes them."""


def inspect(blob: Blob, look: Look) -> None:
    """Report a damaged compound file, or macro source in a heap of bytes."""
    if bytes(blob.data[_HEAD]) in _HEADS:
        look.find(Kind.CORRUPT, blob.where, "Is a compound file whose first bytes are damaged")
        repaired = MAGIC + bytes(blob.data[len(MAGIC) :])
        ole.inspect(Blob(repaired, blob.where, blob.name, blob.depth), look)
    else:
        carve_vba(bytes(blob.data), blob.where, look, APPLICATIONS)
