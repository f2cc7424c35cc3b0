"""OneNote sections: the files in them, which the reader takes for a picture or a button (MS-ONESTORE).

Contract: ``inspect`` hands on every file of the section and reports each that is no picture, because a double click on
whatever lies above opens it. Files are found by the two marks around them, wherever they stand; one that breaks off is
handed on as far as it goes, and told. Raises ``OverLimit`` only.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from gateway.closed_sets import FileType, Kind
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.ONENOTE})

_HEADER = bytes.fromhex("E716E3BD65261145A4C48D4D0B7A9EAC")
"""MS-ONESTORE 2.6.13 FileDataStoreObject: this mark, the length in eight bytes, twelve that mean nothing, the file."""
_FOOTER = bytes.fromhex("22A7FB71790F0B4ABB13899256426B24")
"""Behind the file, which is filled up to eight bytes."""
_CONTENT_AT = 36
_PACKAGED = bytes.fromhex("2FE98D63D4A6C14B9A36B3FC2511A5B7")
"""guidFileFormat of a section that a web service has packed in another way (MS-ONESTORE 2.8.1)."""
_FORMAT_AT = 48
_FILE_REFERENCE = "<ifndf>".encode("utf-16-le")
_METAFILE_AT, _METAFILE = 40, b" EMF"
_PICTURES = frozenset({FileType.IMAGE, FileType.EMPTY})


def inspect(blob: Blob, look: Look) -> None:
    """Look into one section."""
    data = bytes(blob.data)
    for number, (content, whole) in enumerate(_files(data), 1):
        look.budget.spend_bytes(len(content))
        kind = look.descend(blob, content, f"file{number}")
        if kind not in _PICTURES and content[_METAFILE_AT : _METAFILE_AT + len(_METAFILE)] != _METAFILE:
            sentence = f"is a OneNote section with a {kind} file in it, which opens at a double click"
            look.find(Kind.SCRIPT_CARRIER, blob.where, sentence, reference="MS-ONESTORE 2.6.13")
        if not whole:
            sentence = f"is a OneNote section whose file {number} breaks off"
            look.find(Kind.CORRUPT, blob.where, sentence, reference="MS-ONESTORE 2.6.13")
    if data[_FORMAT_AT : _FORMAT_AT + 16] == _PACKAGED and _FILE_REFERENCE in data:
        sentence = "is a OneNote section as web services pack it, with files that are not looked into"
        look.find(Kind.CORRUPT, blob.where, sentence, reference="MS-ONESTORE 2.8.1")


def _files(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """Each file, and whether all of it is there. One inside another is found as well."""
    position = -1
    while (position := data.find(_HEADER, position + 1)) >= 0:
        start = position + _CONTENT_AT
        length = struct.unpack_from("<Q", data, position + 16)[0] if start <= len(data) else 0
        content = data[start : start + length]
        if content or length:
            end = start + length
            yield content, len(content) == length and _FOOTER in data[end : end + 8 + len(_FOOTER)]
