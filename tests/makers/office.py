"""Documents of Office since 2007 with something in them that runs, made from clean ones of any content; all is inert.

``armed`` puts a macro project, with everything that goes with one, into a package; the others put in one thing each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from gateway import samples
from gateway.samples import vba
from gateway.samples.package import MICROSOFT, OFFICE, package, parts_of

TYPES = "[Content_Types].xml"
_OPEN = "application/vnd.openxmlformats-officedocument."
_MS = "application/vnd.ms-"
ARMED: dict[str, tuple[str, str, str]] = {
    "docm": ("docx", f"{_OPEN}wordprocessingml.document.main+xml", f"{_MS}word.document.macroEnabled.main+xml"),
    "dotm": ("docx", f"{_OPEN}wordprocessingml.document.main+xml", f"{_MS}word.template.macroEnabledTemplate.main+xml"),
    "xlsm": ("xlsx", f"{_OPEN}spreadsheetml.sheet.main+xml", f"{_MS}excel.sheet.macroEnabled.main+xml"),
    "xltm": ("xlsx", f"{_OPEN}spreadsheetml.sheet.main+xml", f"{_MS}excel.template.macroEnabled.main+xml"),
    "xlam": ("xlsx", f"{_OPEN}spreadsheetml.sheet.main+xml", f"{_MS}excel.addin.macroEnabled.main+xml"),
    "pptm": (
        "pptx",
        f"{_OPEN}presentationml.presentation.main+xml",
        f"{_MS}powerpoint.presentation.macroEnabled.main+xml",
    ),
    "potm": ("pptx", f"{_OPEN}presentationml.presentation.main+xml", f"{_MS}powerpoint.template.macroEnabled.main+xml"),
    "ppsm": (
        "pptx",
        f"{_OPEN}presentationml.presentation.main+xml",
        f"{_MS}powerpoint.slideshow.macroEnabled.main+xml",
    ),
    "ppam": ("pptx", f"{_OPEN}presentationml.presentation.main+xml", f"{_MS}powerpoint.addin.macroEnabled.main+xml"),
}
"""What a document is made from, and the type of its main part before and after."""
HARMLESS = {
    "docm": "docx",
    "dotm": "dotx",
    "xlsm": "xlsx",
    "xltm": "xltx",
    "xlam": "xlsx",
    "pptm": "pptx",
    "potm": "potx",
    "ppsm": "ppsx",
    "ppam": "pptx",
}
MAIN = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml"}
Change = Callable[[dict[str, bytes]], None]


@cache
def project() -> bytes:
    """A macro project with an empty macro."""
    return vba.project(samples.docm_autoopen())


def armed(content: bytes, kind: str) -> bytes:
    """The package as a document of the kind ``docm`` ... ``ppam``: with a project, its signatures and its events."""
    plain, old, new = ARMED[kind]
    parts = parts_of(content)
    folder = MAIN[plain].partition("/")[0]
    assert old.encode() in parts[TYPES], kind
    parts[TYPES] = parts[TYPES].replace(old.encode(), new.encode())
    add_part(
        parts, MAIN[plain], f"{MICROSOFT}/vbaProject", f"{folder}/vbaProject.bin", project(), f"{_MS}office.vbaProject"
    )
    for suffix in ("", "Agile", "V3"):
        add_part(
            parts,
            f"{folder}/vbaProject.bin",
            f"{MICROSOFT}/vbaProjectSignature{suffix}",
            f"{folder}/vbaProjectSignature{suffix}.bin",
            b"no signature",
            f"{_MS}office.vbaProjectSignature{suffix}",
        )
    if plain == "docx":
        events = '<wne:vbaSuppData xmlns:wne="http://schemas.microsoft.com/office/word/2006/wordml"/>'
        kind = f"{_MS}word.vbaData+xml"
        add_part(
            parts,
            f"{folder}/vbaProject.bin",
            f"{MICROSOFT}/wordVbaData",
            f"{folder}/vbaData.xml",
            events.encode(),
            kind,
        )
    return package(parts)


def changed(content: bytes, change: Change) -> bytes:
    """The package with its parts changed."""
    parts = parts_of(content)
    change(parts)
    return package(parts)


def add_part(
    parts: dict[str, bytes], source: str, relation: str, name: str, content: bytes, content_type: str = ""
) -> str:
    """Put a part into a package, its type, and the relationship ``source`` has to it; gives the id of that."""
    parts[name] = content
    if content_type:
        override = f'<Override PartName="/{name}" ContentType="{content_type}"/>'
        parts[TYPES] = insert(parts[TYPES], "</Types>", override)
    return relate(parts, source, relation, f"/{name}")


def relate(parts: dict[str, bytes], source: str, relation: str, target: str, *, external: bool = False) -> str:
    """A further relationship of ``source``; gives its id."""
    folder, _, file = source.rpartition("/")
    rels = f"{folder}/_rels/{file}.rels".lstrip("/")
    empty = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"></Relationships>'
    parts.setdefault(rels, empty)
    number = f"rIdX{len(re.findall(rb'<Relationship ', parts[rels]))}"
    mode = ' TargetMode="External"' if external else ""
    element = f'<Relationship Id="{number}" Type="{relation}" Target="{target}"{mode}/>'
    parts[rels] = insert(parts[rels], "</Relationships>", element)
    return number


def insert(content: bytes, before: str, text: str) -> bytes:
    """``text`` before the last ``before``."""
    head, found, tail = content.rpartition(before.encode())
    assert found, before
    return head + text.encode() + found + tail


def harmless_name(name: str) -> str:
    """The name a disarmed document has."""
    stem, _, extension = name.rpartition(".")
    return f"{stem}.{HARMLESS.get(extension, extension)}"


def no_add_in(name: str, content: bytes) -> tuple[str, bytes]:
    """An add-in as the document with macros it would be: LibreOffice opens no add-ins."""
    for add_in, kind in (("xlam", "xlsm"), ("ppam", "pptm")):
        if name.endswith(f".{add_in}"):
            parts = parts_of(content)
            parts[TYPES] = parts[TYPES].replace(ARMED[add_in][2].encode(), ARMED[kind][2].encode())
            return f"{name.removesuffix(add_in)}{kind}", package(parts)
    return name, content


def family(documents: Mapping[str, bytes], extension: str) -> dict[str, bytes]:
    """Those of ``documents`` with that extension."""
    return {name: content for name, content in documents.items() if name.endswith(f".{extension}")}


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_ = OFFICE
