"""Files of programs whose macros nobody reads any more, or that are one with their code: Access, Word 1 and 2.

Contract: ``inspect`` names them by their first bytes, among bytes of no known type, and says that they are not looked
into. What source an Access database keeps is looked for by ``fragments``. Raises nothing.
"""

from __future__ import annotations

from gateway.closed_sets import FileType, Kind
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.BINARY})

_DATABASE = slice(4, 19)
_DATABASES = frozenset({b"Standard Jet DB", b"Standard ACE DB"})
_OLD_WORD = (b"\xdb\xa5", b"\x9b\xa5")
"""wIdent of Word 2 and 1 for Windows, which wrote no compound files."""
_FLAGS, _TEMPLATE = 10, 0x01
"""FIB.fDot: only a template of these versions can hold macros, and it may be called a document."""
_WORD_PERFECT_MACRO = (b"\xffWPC", slice(8, 10), b"\x01\x01")
"""File type 1 of product 1 in the prefix of WordPerfect files."""


def inspect(blob: Blob, look: Look) -> None:
    """Report a file that cannot be looked into and can hold macros."""
    head = bytes(blob.data[:32])
    magic, place, kind = _WORD_PERFECT_MACRO
    if head[_DATABASE] in _DATABASES:
        sentence = "is an Access database, whose macros and code run when it is opened; they are not looked into"
        look.find(Kind.SCRIPT_CARRIER, blob.where, sentence)
    elif head.startswith(_OLD_WORD) and len(blob.data) >= 128 and head[_FLAGS] & _TEMPLATE:
        look.find(Kind.CORRUPT, blob.where, "is a template of Word 1 or 2, whose macros are not looked into")
    elif head.startswith(magic) and head[place] == kind:
        look.find(Kind.SCRIPT_CARRIER, blob.where, "is a macro of WordPerfect")
