"""ActiveMime: the wrapper in which Word 2003 XML and web archives carry a macro project.

Contract: ``inspect`` finds the zlib stream wherever it begins, because the offset in the header is not kept to by what
malware writes, and hands on every
compound file there is. Raises ``Corrupt`` when there is none, ``OverLimit`` out of the budget.
"""

from __future__ import annotations

import re
import zlib

from gateway.closed_sets import FileType
from gateway.scan.containers.bounded import ZLIB, inflate
from gateway.scan.documents.compound import MAGIC
from gateway.scan.look import Blob, Corrupt, Look

TYPES = frozenset({FileType.ACTIVEMIME})

_ZLIB_HEAD = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_MAX_TRIED = 256


def inspect(blob: Blob, look: Look) -> None:
    """Hand on the compound file inside."""
    content, found = bytes(blob.data), False
    for number, match in enumerate(_ZLIB_HEAD.finditer(content)):
        if number >= _MAX_TRIED:
            raise Corrupt("is an ActiveMime file with more beginnings of packed data than are tried")
        if _begins_as_compound_file(content[match.start() : match.start() + 4096]):
            inner, _ = inflate(content[match.start() :], look.budget, ZLIB)
            look.descend(blob, inner, "project.bin")
            found = True  # and go on: the first may be a decoy before the one the header points to
    if not found:
        raise Corrupt("is an ActiveMime file without a macro project that can be read")


def _begins_as_compound_file(packed: bytes) -> bool:
    try:
        return zlib.decompressobj().decompress(packed, len(MAGIC)) == MAGIC
    except zlib.error:
        return False
