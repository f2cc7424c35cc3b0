"""What every test of disarming asks of a document: is it disarmed, says whom, and does it still show the same?

``disarmed`` runs the disarmer; ``by_olevba`` and ``macro_parts`` ask others than our scan; ``opened`` shows many
documents to LibreOffice in one run and gives what a reader sees in each.
"""

from __future__ import annotations

import io
import posixpath
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from gateway.message import Report
from gateway.scan import Limits, disarm, examine
from gateway.scan.passwords import Passwords
from tests import libreoffice
from tests.corpus.test_corpus import rules

FAMILIES = {
    "odt": ("doc", "dot", "docx", "docm", "dotx", "dotm", "rtf", "odt"),
    "ods": ("xls", "xlt", "xlsx", "xlsm", "xltx", "xltm", "xlsb", "xlam"),
    "odp": ("ppt", "pps", "pot", "pptx", "pptm", "ppsx", "ppsm", "potx", "potm", "ppam"),
}
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_MOST_REPEATS = 100
_MACRO_WORDS = ("vbaproject", "vbadata", "macrosheet", "activex", "attachedtoolbars")


def disarmed(content: bytes, name: str, *passwords: str) -> disarm.Disarmed:
    """The document disarmed, with the usual rules and limits. Raises ``CannotDisarm``."""
    known = Passwords(Limits().seconds, passwords)
    return disarm.disarm(content, name, rules=rules(), limits=Limits(), passwords=known)


def scanned(content: bytes, name: str) -> Report:
    """What our scan says about one file."""
    return examine(content, rules=rules(), limits=Limits(), name=name, mail=False)


def by_olevba(content: bytes, name: str) -> bool:
    """Whether olevba finds macros."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own
        from oletools.olevba import VBA_Parser
    parser = VBA_Parser(name, data=content)
    try:
        return bool(parser.detect_vba_macros())
    finally:
        parser.close()


def parts(content: bytes) -> dict[str, bytes]:
    """The members of a zip file, which must be sound and have each name once."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(set(names)) == len(names)
        return {name: archive.read(name) for name in names}


def macro_parts(content: bytes) -> list[str]:
    """What still speaks of macros in a package, or does not fit, by a look at it that shares no code with the scan."""
    found = parts(content)
    wrong = [name for name in found if any(word in name.lower() for word in _MACRO_WORDS)]
    types = _xml(found["[Content_Types].xml"])
    for element in types:
        kind = element.attrib["ContentType"].lower()
        if (
            any(word in kind for word in (*_MACRO_WORDS, "macroenabled"))
            and "sheet.binary.macroenabled.main" not in kind
        ):
            wrong.append(f"the type {kind}")
        if "PartName" in element.attrib and element.attrib["PartName"].lstrip("/") not in found:
            wrong.append(f"a type for {element.attrib['PartName']}, which is not there")
    return wrong + list(_dangling(found))


def _dangling(found: Mapping[str, bytes]) -> Iterator[str]:
    for name in found:
        if not name.endswith(".rels"):
            continue
        folder = posixpath.dirname(posixpath.dirname(name))
        source = posixpath.join(folder, posixpath.basename(name).removesuffix(".rels"))
        if folder and source not in found:
            yield f"{name} belongs to no part"
        for element in _xml(found[name]):
            target = element.attrib["Target"]
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            if element.attrib.get("TargetMode") != "External" and path not in found:
                yield f"{name} leads to {target}, which is not there"


# --- what a reader sees -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """One document as LibreOffice shows it: paragraphs, sheets with the cells that have something in them, pictures,
    and objects (charts, embedded documents)."""

    text: tuple[str, ...]
    sheets: dict[str, tuple[tuple[str, ...], ...]]
    pictures: int
    objects: int


def opened(documents: Mapping[str, bytes], folder: Path) -> dict[str, Seen]:
    """Each document in LibreOffice, by name; one that cannot be opened is missing."""
    jobs: list[libreoffice.Job] = []
    shown: dict[Path, tuple[str, str]] = {}
    for family, extensions in FAMILIES.items():
        names = [name for name in documents if name.rpartition(".")[2] in extensions]
        if not names:
            continue
        source, target = folder / family, folder / f"{family}-out"
        source.mkdir(parents=True)
        for number, name in enumerate(names):
            file = f"{number}.{name.rpartition('.')[2]}"
            (source / file).write_bytes(documents[name])
            shown[target / f"{number}.{family}"] = (name, file)
        jobs.append(libreoffice.Job(family, target, tuple(sorted(source.iterdir()))))
    libreoffice.turn(jobs)
    return {name: _seen(made.read_bytes(), file) for made, (name, file) in shown.items() if made.is_file()}


def _seen(content: bytes, file: str) -> Seen:
    """``file`` is what it was called, which a field may show."""
    found = parts(content)
    content_xml, styles = (_xml(found[name]) for name in ("content.xml", "styles.xml"))
    return Seen(
        text=tuple(text for root in (content_xml, styles) for text in _paragraphs(root) if text != file),
        sheets={t.attrib.get(f"{_TABLE}name", ""): tuple(_rows(t)) for t in content_xml.iter(f"{_TABLE}table")},
        pictures=sum(name.startswith(("Pictures/", "media/")) for name in found),
        objects=sum(name.startswith("Object ") and name.endswith("content.xml") for name in found),
    )


def _xml(content: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(content)  # noqa: S314  made by us or by LibreOffice


def _paragraphs(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        if element.tag in {f"{_TEXT}p", f"{_TEXT}h"} and (text := "".join(element.itertext()).strip()):
            yield text


def _rows(table: ElementTree.Element) -> Iterator[tuple[str, ...]]:
    for row in table.iter(f"{_TABLE}table-row"):
        cells: list[str] = []
        for cell in row:
            value = cell.attrib.get(f"{_OFFICE}value") or "".join(cell.itertext())
            repeats = int(cell.attrib.get(f"{_TABLE}number-columns-repeated", "1"))
            cells += [value] * min(repeats, _MOST_REPEATS)
        if any(cells):
            yield tuple(cells)
