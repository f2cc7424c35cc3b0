"""Which member of its family an OLE or a zip file is, by what its directory lists.

Contract: never raises, whatever the bytes; no more is read than the directory and the first list of a package. What
cannot be told apart is the family itself: ``OLE``, ``OOXML``, ``ZIP``.
"""

from __future__ import annotations

from gateway.closed_sets import FileType
from gateway.scan import ole_directory
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.containers import zip as zip_container
from gateway.scan.look import Corrupt

OOXML_TYPES = frozenset(
    {
        FileType.DOCX,
        FileType.DOCM,
        FileType.XLSX,
        FileType.XLSM,
        FileType.XLSB,
        FileType.PPTX,
        FileType.PPTM,
        FileType.OOXML,
    }
)
OLE_TYPES = frozenset({FileType.DOC, FileType.XLS, FileType.PPT, FileType.OLE, FileType.MSG, FileType.VBA_PROJECT})

# A stream or storage that only this family has, the first that fits (§2.1 of MS-DOC, MS-XLS, MS-PPT; MS-OXMSG §2.2).
OLE_FAMILIES: tuple[tuple[str, FileType], ...] = (
    ("__properties_version1.0", FileType.MSG),
    ("WordDocument", FileType.DOC),
    ("Workbook", FileType.XLS),
    ("Book", FileType.XLS),
    ("PowerPoint Document", FileType.PPT),
    ("_VBA_PROJECT", FileType.VBA_PROJECT),
)

# Words of [Content_Types].xml, the first that fits; the second column holds when something in it may run.
OOXML_FAMILIES: tuple[tuple[bytes, FileType, FileType], ...] = (
    (b"ms-excel.sheet.binary", FileType.XLSB, FileType.XLSB),
    (b"wordprocessingml", FileType.DOCX, FileType.DOCM),
    (b"ms-word", FileType.DOCX, FileType.DOCM),
    (b"spreadsheetml", FileType.XLSX, FileType.XLSM),
    (b"ms-excel", FileType.XLSX, FileType.XLSM),
    (b"presentationml", FileType.PPTX, FileType.PPTM),
    (b"ms-powerpoint", FileType.PPTX, FileType.PPTM),
)
_ACTIVE = (b"macroenabled", b"vbaproject", b"macrosheet", b"intlmacrosheet")

_LIMITS = Limits(max_unpacked_size=16 << 20, seconds=5.0)
"""For one look. The list of types has some KiB, and who looks into the file in earnest has limits of his own."""


def ole_type(data: bytes) -> FileType:
    """By the first of its entries that only one family has."""
    names = ole_directory.names(data)
    return next((kind for name, kind in OLE_FAMILIES if name in names), FileType.OLE)


def zip_type(data: bytes) -> FileType:
    """OOXML and ODF by what their directory lists. A directory that cannot be read makes it a zip file to be walked."""
    budget = Budget(_LIMITS)
    try:
        listed = zip_container.names(data, budget)
        members = {name.replace("\\", "/").lower(): read for name, read in listed.items()}
    except OverLimit:
        return FileType.ZIP
    types = members.get("[content_types].xml")
    if types is not None:
        cut = False
        try:
            words = types()
        except Corrupt:
            words = b""
        except OverLimit as limit:
            words, cut = limit.before, True  # what is not seen may say that something runs
        words = words.replace(b"\x00", b"").lower()
        words += "\n".join(members).encode("utf-8", "replace")
        active = cut or any(word in words for word in _ACTIVE)
        for word, quiet, running in OOXML_FAMILIES:
            if word in words:
                return running if active else quiet
        return FileType.OOXML
    if "meta-inf/manifest.xml" in members or ("mimetype" in members and "content.xml" in members):
        return FileType.ODF
    for folder, kind in (("word/", FileType.DOCM), ("xl/", FileType.XLSM), ("ppt/", FileType.PPTM)):
        if any(name.startswith(folder) for name in members):
            return kind
    return FileType.ZIP
