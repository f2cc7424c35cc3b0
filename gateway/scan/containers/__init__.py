"""Containers: one file a family, and the table that says which one unpacks what.

Contract: each function has the signature ``(Blob, Look) -> None`` and keeps the promise of ``gateway.scan.look``. A new
family is a new file, a line here and a folder in ``tests/corpus``.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.closed_sets import FileType
from gateway.scan.containers import appended, archive, cms, compressed, macintosh, mail, mbox, msg, openpgp, tnef
from gateway.scan.containers import zip as zip_container
from gateway.scan.look import Blob, Look

Unpack = Callable[[Blob, Look], None]

CONTAINERS: tuple[tuple[frozenset[FileType], Unpack], ...] = (
    (mail.TYPES, mail.unpack),
    (zip_container.TYPES, zip_container.unpack),
    (compressed.TYPES, compressed.unpack),
    (archive.TYPES, archive.unpack),
    (msg.TYPES, msg.unpack),
    (tnef.TYPES, tnef.unpack),
    (mbox.TYPES, mbox.unpack),
    (cms.TYPES, cms.unpack),
    (openpgp.TYPES, openpgp.unpack),
    (macintosh.TYPES, macintosh.unpack),
    (appended.TYPES, appended.unpack),
)
