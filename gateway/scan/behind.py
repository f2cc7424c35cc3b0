"""What a file is besides, because something to open or to show stands further in.

Contract: ``readings`` gives the types a program would find that does not insist on the beginning: a zip file, a Word
web archive, a page, an RTF document behind something else. Never raises, whatever the bytes; every search but that for
zip records stops at a fixed distance from the beginning, and of those no more than ``MANY`` are tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.closed_sets import FileType
from gateway.scan.containers import archive, zip_records
from gateway.scan.families import OLE_TYPES, OOXML_TYPES, zip_type

BEHIND_PDF = 4 << 20
"""How far in a Word web archive is looked for behind a PDF file."""
WIDE = 64 << 10
"""How far in the beginning of a mail or of a Word web archive is looked for when something stands before it."""
SELF_EXTRACTING = 1 << 20
"""How far in a 7z or RAR file may begin behind something else, as the programs that open them search for it."""
MANY = 1000
"""Signatures of a zip file that are tried in something else; more of them are there to hide the right one."""

# Begin with what stands in few places, so that a search passes over all else at once.
_MIME_BEGIN = re.compile(
    rb"-[vt](?:(?<=^mime-v)ersion[ \t]*:|(?<=^content-t)ype[ \t]*:[ \t\r\n]*multipart/)", re.IGNORECASE | re.MULTILINE
)
_ZIP_RECORD = re.compile(rb"PK(?:\x03\x04|\x05\x06)")
_HANDLER = re.compile(rb"=(?:(?<= onload=)|(?<= onerror=))", re.IGNORECASE)
_SCRIPT = re.compile(rb"<script", re.IGNORECASE)

_NO_MAIL_INSIDE = OOXML_TYPES | OLE_TYPES | {FileType.EMAIL, FileType.MBOX, FileType.MHT, FileType.ZIP, FileType.EMPTY}
_UNNAMED = frozenset({FileType.TEXT, FileType.BINARY, FileType.IMAGE, FileType.EXECUTABLE})
"""Types that may be what stands before an archive rather than what the file is."""
_PAGE_INSIDE = frozenset({*_UNNAMED, FileType.PDF, FileType.RTF, FileType.ARCHIVE, FileType.GZIP})
"""Types no browser asks for when a name ends in .html: it shows the page, whatever stands before."""
_NO_ZIP_INSIDE = OOXML_TYPES | {FileType.ZIP, FileType.ODF, FileType.EMPTY}


def readings(data: bytes, head: bytes, first: FileType) -> list[FileType]:
    """Further readings of ``data``, whose beginning is ``head`` and by that of the type ``first``."""
    found = []
    # one byte, which no text has, is found ten times as fast as four
    records = (b"\x06" in data or b"\x04" in data) and _ZIP_RECORD.search(data)
    if records and first not in _NO_ZIP_INSIDE and _has_zip(data, at_end=first in OLE_TYPES):
        found.append(zip_type(data))
    if first in _UNNAMED:
        found += [
            kind for magic, kind in archive.SEARCHED if magic[-1:] in data and data.rfind(magic, 1, SELF_EXTRACTING) > 0
        ]
    wide = BEHIND_PDF if first is FileType.PDF else WIDE  # Word finds a web archive behind a whole PDF file
    if first not in _NO_MAIL_INSIDE and b"-" in data and _MIME_BEGIN.search(data, 0, wide):
        found.append(FileType.MHT)
    if first in _PAGE_INSIDE and _has_page(data):
        found.append(FileType.HTML)
    if first is not FileType.RTF and data.find(b"\\", 0, WIDE) >= 0 and data.rfind(b"{\\rt", 0, WIDE) >= 0:
        found.append(FileType.RTF)
    if first in (FileType.TEXT, FileType.BINARY, FileType.IMAGE) and b"ActiveMime" in head:
        found.append(FileType.ACTIVEMIME)
    return found


def _has_page(data: bytes) -> bool:
    tag, handler = data.find(b"<", 0, WIDE), data.find(b"=", 0, WIDE)
    return (tag >= 0 and _SCRIPT.search(data, tag, WIDE) is not None) or (
        handler >= 0 and _HANDLER.search(data, 0, WIDE) is not None
    )


def _has_zip(data: bytes, *, at_end: bool) -> bool:
    """An end record whose directory is where it says, or a local header with a believable name, anywhere.

    ``at_end`` asks for an end record that ends the file: OLE documents keep zip files in their streams, in pieces.
    """
    for number, position in enumerate(_backwards(data, zip_records.END)):
        if number == MANY:
            return True
        directory = zip_records.directory_at(data, position)
        if directory is not None and directory.start < directory.end:
            comment = int.from_bytes(data[position + 20 : position + 22], "little")
            if not at_end or position + zip_records.END_SIZE + comment == len(data):
                return True
    if at_end:
        return False
    for number, position in enumerate(_backwards(data, zip_records.LOCAL)):
        if number == MANY:
            return True
        local = zip_records.local_entry(data, position)
        if local is not None and local.method in (0, 8) and local.raw_name.isascii() and local.raw_name:
            return True
    return False


def _backwards(data: bytes, magic: bytes) -> Iterator[int]:
    """Where ``magic`` stands, from the last on."""
    position = len(data)
    while (position := data.rfind(magic, 0, position)) >= 0:
        yield position
