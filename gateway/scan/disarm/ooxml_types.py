"""Content types of Office Open XML packages: which stand for something that runs, and what takes their place.

Contract: tables out of ECMA-376 part 1, MS-OFFMACRO2 and the registrations at IANA; ``named`` gives the name a file of
a main type should have.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

_OPEN = "application/vnd.openxmlformats-officedocument."
_WORD, _EXCEL, _POWERPOINT = "application/vnd.ms-word.", "application/vnd.ms-excel.", "application/vnd.ms-powerpoint."
_VISIO = "application/vnd.ms-visio."


@dataclass(frozen=True, slots=True)
class Main:
    """One kind of document: the type of its main part (as it is written), the type of the file, its extension."""

    content_type: str
    media_type: str
    extension: str


_DOCX = Main(f"{_OPEN}wordprocessingml.document.main+xml", f"{_OPEN}wordprocessingml.document", "docx")
_DOTX = Main(f"{_OPEN}wordprocessingml.template.main+xml", f"{_OPEN}wordprocessingml.template", "dotx")
_XLSX = Main(f"{_OPEN}spreadsheetml.sheet.main+xml", f"{_OPEN}spreadsheetml.sheet", "xlsx")
_XLTX = Main(f"{_OPEN}spreadsheetml.template.main+xml", f"{_OPEN}spreadsheetml.template", "xltx")
_XLSB = Main(f"{_EXCEL}sheet.binary.macroEnabled.main", f"{_EXCEL}sheet.binary.macroEnabled.12", "xlsb")
_PPTX = Main(f"{_OPEN}presentationml.presentation.main+xml", f"{_OPEN}presentationml.presentation", "pptx")
_PPSX = Main(f"{_OPEN}presentationml.slideshow.main+xml", f"{_OPEN}presentationml.slideshow", "ppsx")
_POTX = Main(f"{_OPEN}presentationml.template.main+xml", f"{_OPEN}presentationml.template", "potx")
_VSDX = Main(f"{_VISIO}drawing.main+xml", f"{_VISIO}drawing", "vsdx")
_VSSX = Main(f"{_VISIO}stencil.main+xml", f"{_VISIO}stencil", "vssx")
_VSTX = Main(f"{_VISIO}template.main+xml", f"{_VISIO}template", "vstx")

MAIN: dict[str, Main] = {
    **{main.content_type.casefold(): main for main in (_DOCX, _DOTX, _XLSX, _XLTX, _XLSB, _PPTX, _PPSX, _POTX)},
    **{main.content_type.casefold(): main for main in (_VSDX, _VSSX, _VSTX)},
    f"{_WORD}document.macroenabled.main+xml": _DOCX,
    f"{_WORD}template.macroenabledtemplate.main+xml": _DOTX,
    f"{_EXCEL}sheet.macroenabled.main+xml": _XLSX,
    f"{_EXCEL}template.macroenabled.main+xml": _XLTX,
    # An add-in without its macros is a workbook: what made it an add-in was this type alone.
    f"{_EXCEL}addin.macroenabled.main+xml": _XLSX,
    f"{_POWERPOINT}presentation.macroenabled.main+xml": _PPTX,
    f"{_POWERPOINT}slideshow.macroenabled.main+xml": _PPSX,
    f"{_POWERPOINT}template.macroenabled.main+xml": _POTX,
    f"{_POWERPOINT}addin.macroenabled.main+xml": _PPTX,
    f"{_VISIO}drawing.macroenabled.main+xml": _VSDX,
    f"{_VISIO}stencil.macroenabled.main+xml": _VSSX,
    f"{_VISIO}template.macroenabled.main+xml": _VSTX,
}
"""What the main part becomes, by its type, folded. A binary workbook has one type with macros and without."""

_ACTIVE_WORDS = (
    *("vbaproject", "vbadata", "macrosheet", "dialogsheet", "activex", "keymapcustomizations", "attachedtoolbars"),
    "macroenabled",
)

_OFFICE = frozenset(
    {
        *("doc", "dot", "docx", "docm", "dotx", "dotm", "xls", "xlt", "xla", "xlsx", "xlsm", "xltx", "xltm", "xlsb"),
        *("xlam", "ppt", "pps", "pot", "ppa", "pptx", "pptm", "ppsx", "ppsm", "potx", "potm", "ppam"),
        *("vsdx", "vsdm", "vssx", "vssm", "vstx", "vstm"),
    }
)


def is_active(content_type: str) -> bool:
    """Whether a type stands for a part that runs or is there for one that does."""
    folded = content_type.casefold()
    return folded not in MAIN and any(word in folded for word in _ACTIVE_WORDS)


def named(name: str, main: Main) -> str:
    """``name`` with the extension of ``main``; an extension that is none of Office stays before it."""
    extension = PurePosixPath(name).suffix[1:]
    if extension.casefold() == main.extension:
        return name
    stem = name[: -len(extension) - 1] if extension.casefold() in _OFFICE else name
    return f"{stem}.{main.extension}" if stem else name
