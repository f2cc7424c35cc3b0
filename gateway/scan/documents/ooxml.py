"""Word, Excel and PowerPoint documents since 2007: what in the package can act by itself.

Contract: a look at names, content types and relationships decides what has to be read; a clean document costs no
more than that and its text parts. A macro project is found by relationship, by content type, by name, and by its
first bytes in any other part, so renaming none of them hides it. Raises ``OverLimit``
only; a part that matters and cannot be read is ``CORRUPT`` or ``ENCRYPTED``.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.closed_sets import FileType, Kind
from gateway.scan import sniff
from gateway.scan.containers import zip as zip_file
from gateway.scan.documents import fields, links, ooxml_events, word_fields
from gateway.scan.documents.compound import CARRIERS, CompoundFile
from gateway.scan.documents.ooxml_excel import inspect_workbook
from gateway.scan.documents.opc import CONTENT_TYPES, Package
from gateway.scan.documents.vba import carve_vba, inspect_vba
from gateway.scan.look import Blob, Corrupt, Look
from gateway.scan.triggers import APPLICATIONS

TYPES = frozenset(
    {
        *(FileType.DOCX, FileType.DOCM, FileType.XLSX, FileType.XLSM, FileType.XLSB, FileType.PPTX, FileType.PPTM),
        FileType.OOXML,
    }
)

_FOLDERS = {"word": "word", "xl": "excel", "ppt": "powerpoint", "visio": "visio"}
_TYPES = {
    "wordprocessingml": "word",
    "ms-word": "word",
    "spreadsheetml": "excel",
    "ms-excel": "excel",
    "presentationml": "powerpoint",
    "ms-powerpoint": "powerpoint",
    "ms-visio": "visio",
}
_FIELD_TYPES = ("main+xml", "header+xml", "footer+xml", "footnotes+xml", "endnotes+xml", "comments+xml", "glossary+xml")
_FIELD_RELATIONS = frozenset(
    {"officedocument", "header", "footer", "footnotes", "endnotes", "comments", "glossarydocument"}
)
_TEXT_PARTS = frozenset(
    {"word/document.xml", "xl/sharedstrings.xml", "xl/worksheets/sheet1.xml", "ppt/slides/slide1.xml"}
)
_MERGED = frozenset({"afchunk", "package", "oleobject", "subdocument", "frame"})
"""Relationships to a document inside the package, which may be one of any format."""


_IN_ONE_FILE = frozenset({FileType.FLAT_OPC, FileType.WORD_XML, FileType.EXCEL_XML, FileType.FLAT_ODF})
"""What a part of XML may be that is a document of its own."""
_ORDINARY = frozenset(
    {"xml", "rels", "vml", "bin", "png", "jpg", "jpeg", "gif", "emf", "wmf", "tif", "tiff", "bmp", "svg", "odttf"}
)
"""Extensions of the parts that documents are made of."""


def inspect(blob: Blob, look: Look) -> None:
    """Report what is active in one package and hand on what is embedded in it."""

    # It stays unscannable even if every reading that was followed is clean: Office writes no such file, and not every
    # reading of every program can be known.
    def doubt(sentence: str) -> None:
        look.find(Kind.ARCHIVE_AMBIGUOUS, blob.where, sentence, reference="APPNOTE 6.3.10 §4.3")

    members = zip_file.opened(zip_file.members(blob.data, look.budget, doubt), blob, look)
    package = Package(list(members), look.budget)
    for name in package.ambiguous:
        doubt(f"several parts are called {name!r}")
    applications = _applications(package)
    projects = vba_parts(package)
    for name in projects:
        _inspect_project(package, name, blob, look, applications)
    if projects:
        _match_text(package, blob, look)
    ooxml_events.inspect(package, bool(projects), blob, look)
    inspect_workbook(package, blob, look)
    links.tell(package, blob, look)
    _inspect_fields(package, blob, look)
    _inspect_embedded(package, projects, blob, look)
    _tell_unreadable(package, blob, look)


def _applications(package: Package) -> frozenset[str]:
    """Who may open the package; every application when nothing tells."""
    folders = {name.partition("/")[0] for name in package.parts}
    kinds = " ".join(package.content_types)
    found = {app for folder, app in _FOLDERS.items() if folder in folders}
    found |= {app for word, app in _TYPES.items() if word in kinds}
    return frozenset(found) or APPLICATIONS


def vba_parts(package: Package) -> list[str]:
    """The parts that are macro projects, by relationship, type or name."""
    named = {r.target for r in package.relations if r.kind == "vbaproject" and not r.external}
    typed = {name for name in package.parts if package.content_type(name) == "application/vnd.ms-office.vbaproject"}
    called = {name for name in package.parts if name.rpartition("/")[2].startswith("vbaproject") and ".bin" in name}
    wanted = (named | typed | called) & package.parts.keys()
    return sorted(name for name in wanted if "signature" not in name and "/_rels/" not in name)


def _inspect_project(package: Package, name: str, blob: Blob, look: Look, applications: frozenset[str]) -> None:
    for content in package.read(name):
        try:
            file = CompoundFile(content)
        except Corrupt as error:
            carve_vba(content, blob.where, look, applications)
            look.find(Kind.CORRUPT, blob.where, f"The macro project {name} {error}")
        else:
            inspect_vba(file, content, blob.where, look, applications)
            if file.damaged:
                look.find(Kind.CORRUPT, blob.where, f"The macro project {name} is damaged: {file.damaged}")


def _match_text(package: Package, blob: Blob, look: Look) -> None:
    """The words around the macros, which often ask the reader to let them run, for the rules that look for them."""
    for name in package.parts:
        if name in _TEXT_PARTS or (name.startswith("xl/drawings/") and name.endswith(".xml")):
            for content in package.read(name):
                look.match_rules(blob.where, content, "macro-document")


def _inspect_fields(package: Package, blob: Blob, look: Look) -> None:
    for name in texts(package):
        for content in package.read(name):
            try:
                instructions = word_fields.in_xml(content, look.budget.check_time)
            except Corrupt as error:
                package.unreadable.setdefault(name, str(error))
            else:
                fields.tell(instructions, blob.where, look)


def texts(package: Package) -> Iterator[str]:
    """The parts with the text of a Word document, in which fields may be."""
    related = {r.target for r in package.relations if r.kind in _FIELD_RELATIONS}
    for name in package.parts:
        kind = package.content_type(name)
        by_type = "word" in kind and kind.endswith(_FIELD_TYPES)
        if by_type or (name in related and name.startswith("word/")):
            yield name


def _inspect_embedded(package: Package, projects: list[str], blob: Blob, look: Look) -> None:
    for name, content in embedded(package, projects):
        look.descend(blob, content, name)


def embedded(package: Package, projects: list[str]) -> Iterator[tuple[str, bytes]]:
    """Every part that is a document of its own, whatever it is called, and its content."""
    chunks = {r.target for r in package.relations if r.kind in _MERGED and not r.external}
    whole = (chunks & package.parts.keys()) | set(_strangers(package))
    unrelated = _unrelated(package)
    for name in sorted(package.parts.keys() - set(projects)):
        if name not in whole and name not in unrelated and not package.begins_with(name, CARRIERS):
            continue
        for content in package.read(name):
            if name in whole or content.startswith(CARRIERS) or sniff.sniff(content) in _IN_ONE_FILE:
                yield name, content


def _strangers(package: Package) -> Iterator[str]:
    """Parts that are no part of the document. Who opens the package as the zip file it is finds an ordinary file."""
    for name in package.parts:
        if name != CONTENT_TYPES and ("/" not in name or name.rpartition(".")[2] not in _ORDINARY):
            yield name


def _unrelated(package: Package) -> set[str]:
    """Parts of XML that no relationship leads to; each may be a document of its own."""
    related = {relation.target for relation in package.relations}
    return {name for name in package.parts if name.endswith(".xml") and name not in related}


def _tell_unreadable(package: Package, blob: Blob, look: Look) -> None:
    for name, why in package.unreadable.items():
        kind = Kind.ENCRYPTED if "encrypted" in why else Kind.CORRUPT
        look.find(kind, blob.where, f"Its part {name} {why}", reference="ECMA-376 part 2")
