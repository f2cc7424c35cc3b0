"""OpenDocument, in a zip file or in one XML file, without macros, scripts and what starts them (OASIS ODF 1.3).

Contract: ``disarm`` keeps the promise of ``parts``. Members with macros go with their lines in the manifest, events and
DDE are cut out of the XML of the others; every other member and byte stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gateway.scan.budget import Budget
from gateway.scan.disarm import splices, zip_rewrite
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, Work
from gateway.scan.disarm.splices import Cut, Element
from gateway.scan.disarm.zip_rewrite import Archive, Record
from gateway.scan.documents import odf, remote

TYPES = odf.TYPES

MACROS = "its macros"
EVENTS = "what starts a macro or a program"
DDE = "data asked of another program"
SECTIONS = "a text fetched from elsewhere"

_FOLDERS = frozenset({"basic", "scripts", "dialogs"})
_SIGNATURE = "meta-inf/macrosignatures.xml"
_MANIFEST = "meta-inf/manifest.xml"
_TEXTS = frozenset({"content.xml", "styles.xml", "meta.xml", "settings.xml"})
_EVENTS = frozenset({"event-listener", "event"})
_DDE = frozenset({"dde-link", "dde-connection-decl", "dde-source"})
_CELLS = frozenset({"table-cell", "covered-table-cell"})
_WANTED = frozenset({*_EVENTS, *_DDE, *_CELLS, "script", "section-source", "file-entry"})
_MOST_KIND = 200


def disarm(content: bytes, name: str, work: Work) -> Disarmed:
    """The document without its macros."""
    removal = _Removal(work.budget)
    if content[:2] == b"PK":
        archive = zip_rewrite.read(content, work.budget)
        result, media_type = removal.from_package(archive), _kind_of(archive)
    else:
        result, media_type = removal.from_xml(content), "application/xml"
    if not removal.removed:
        raise CannotDisarm(f"{name or 'the document'} holds nothing that could be taken out")
    return Disarmed(result, name, media_type, tuple(removal.removed))


class _Removal:
    """What has to go from one document."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.removed: dict[str, None] = {}

    def from_package(self, archive: Archive) -> bytes:
        kept = tuple(record for record in archive.records if not _is_macro(record.member.name))
        if len(kept) != len(archive.records):
            self.removed[MACROS] = None
        records = tuple(self._edited(record) for record in kept)
        return zip_rewrite.written(replace(archive, records=records))

    def from_xml(self, content: bytes) -> bytes:
        elements = splices.elements(content, _WANTED, self._budget.check_time)
        return splices.spliced(content, self._cuts(content, elements))

    def _edited(self, record: Record) -> Record:
        name = _plain(record.member.name)
        if name.rpartition("/")[2] not in _TEXTS and name != _MANIFEST:
            return record
        content = zip_rewrite.plain(record)
        edited = self.from_xml(content)
        if edited == content:
            return record
        return zip_rewrite.replaced(record, record.member.entry.raw_name, edited, None, self._budget)

    def _cuts(self, content: bytes, elements: list[Element]) -> Iterator[Cut]:
        for element in elements:
            what = self._judged(element)
            if what:
                self.removed[what] = None
                yield element.cut
            elif element.name == "file-entry" and _is_macro(element.attributes.get("full-path", "")):
                yield element.cut
            elif element.name in _CELLS and odf.dde_source(element.attributes.get("formula", "")):
                self.removed[DDE] = None
                yield splices.attribute(content, element, "formula")

    def _judged(self, element: Element) -> str:
        """What an element is that has to go as a whole, or nothing."""
        values = element.attributes
        if element.name in _EVENTS:
            macro = values.get("href") or values.get("macro-name", "")
            starts = bool(macro) or "language" not in values  # the program writes every event it knows
            if "presentation" in element.space:
                starts = values.get("action", "").casefold() == "execute"
            return EVENTS if starts and not odf.OF_PROGRAM.match(macro) else ""
        if element.name == "script" and "office" in element.space:
            return MACROS
        if element.name == "section-source" and remote.is_remote(values.get("href", "")):
            return SECTIONS
        return DDE if element.name in _DDE else ""


def _is_macro(name: str) -> bool:
    plain = _plain(name)
    return (plain.partition("/")[0] in _FOLDERS and "/" in plain) or plain == _SIGNATURE


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()


def _kind_of(archive: Archive) -> str:
    """The media type the package tells in its first member."""
    first = archive.records[0]
    said = zip_rewrite.plain(first)[:_MOST_KIND] if first.member.name == "mimetype" else b""
    kind = said.decode("ascii", "replace").strip()
    return kind if kind.startswith("application/vnd.") and kind.isprintable() else "application/zip"
