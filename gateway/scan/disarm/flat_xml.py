"""Word documents in one XML file: Flat OPC of Word 2007 and WordprocessingML of Word 2003.

Contract: ``disarm`` keeps the promise of ``parts``. The macro project goes with everything that refers to it, and a
link to a template on another machine; documents inside are disarmed in their place. The bytes around are not touched,
so a file in UTF-16 is not disarmed.
"""

from __future__ import annotations

import base64
import bisect
import posixpath
from collections.abc import Iterator

from gateway.closed_sets import FileType
from gateway.scan import sniff
from gateway.scan.disarm import splices
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, Work
from gateway.scan.disarm.splices import Cut, Element
from gateway.scan.documents import links, opc, remote
from gateway.scan.encodings.base64_text import simple_base64

TYPES = frozenset({FileType.FLAT_OPC, FileType.WORD_XML})

MACROS = "its macros"
TEMPLATE = "a link to a template elsewhere"

_WANTED = frozenset(
    {
        *("part", "binaryData", "binData", "Relationship", "attachedTemplate"),
        *("wordDocument", "docSuppData", "docOleData"),
    }
)
_BINARY = frozenset({"binaryData", "binData"})
_PROJECT_TYPES = frozenset(
    {
        "application/vnd.ms-office.vbaproject",
        "application/vnd.ms-word.vbadata+xml",
        "application/vnd.ms-office.vbaprojectsignature",
        "application/vnd.ms-office.vbaprojectsignatureagile",
        "application/vnd.ms-office.vbaprojectsignaturev3",
    }
)
_PROJECT_RELATIONS = frozenset({"vbaproject", "wordvbadata"})
_PROJECTS = frozenset({FileType.VBA_PROJECT, FileType.ACTIVEMIME})
_QUIET = frozenset({FileType.IMAGE, FileType.BINARY, FileType.EMPTY})
_WORDML = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_WITHOUT_MACROS = {
    "application/vnd.ms-word.document.macroenabled.main+xml": f"{_WORDML}.document.main+xml",
    "application/vnd.ms-word.template.macroenabledtemplate.main+xml": f"{_WORDML}.template.main+xml",
}
_LINE = 76


def disarm(content: bytes, name: str, work: Work) -> Disarmed:
    """The document without its macro project."""
    found = splices.elements(content, _WANTED, work.budget.check_time)
    removal = _Removal(content, found, work)
    cuts = list(removal.cuts())
    if not cuts:
        raise CannotDisarm(f"{name or 'the document'} holds nothing that could be taken out")
    media_type = "application/msword" if name.lower().endswith((".doc", ".dot")) else "application/xml"
    return Disarmed(splices.spliced(content, cuts), name, media_type, tuple(removal.removed))


class _Removal:
    """What has to go from one document."""

    def __init__(self, content: bytes, found: list[Element], work: Work) -> None:
        self._content, self._found, self._work = content, found, work
        self._parts = [element for element in found if element.name == "part" and element.above == ("package",)]
        self._holders = {
            name: [element for element in found if element.name == name]
            for name in ("part", "docSuppData", "docOleData")
        }
        self._gone: set[str] = set()
        self.removed: dict[str, None] = {}

    def cuts(self) -> Iterator[Cut]:
        for part in self._parts:
            if part.attributes.get("contentType", "").strip().casefold() in _PROJECT_TYPES:
                yield self._without(part)
        for element in self._found:
            self._work.budget.check_time()
            if element.name in _BINARY:
                yield from self._binary(element)
            elif element.name == "docSuppData":
                self.removed[MACROS] = None
                yield element.cut
        yield from self._relations()
        yield from self._types()

    def _without(self, part: Element) -> Cut:
        self._gone.add(opc.part_name(part.attributes.get("name", "")))
        self.removed[MACROS] = None
        return part.cut

    def _around(self, element: Element, name: str) -> Element | None:
        """The element of that name, which holds none of its kind, that holds ``element``."""
        holders = self._holders[name]
        at = bisect.bisect_left(holders, element.start, key=lambda holder: holder.start) - 1
        return holders[at] if at >= 0 and holders[at].end > element.start else None

    def _binary(self, element: Element) -> Iterator[Cut]:
        end = self._content.rfind(b"</", element.tag_end, element.end)
        if end < 0 or self._around(element, "docSuppData"):
            return
        plain = simple_base64(self._content[element.tag_end : end])
        self._work.budget.spend_bytes(len(plain))
        kinds = sniff.candidates(plain)
        if _QUIET.issuperset(kinds):
            return
        holder = self._around(element, "part") or self._around(element, "docOleData")
        name = (holder or element).attributes.get("name") or element.attributes.get("name", "")
        if kinds[0] in _PROJECTS:
            if not self._work.is_clean(plain, name):
                yield self._without(holder or element)
            return
        inner = self._work.inner(plain, name)
        if inner is None:
            return
        if inner.name != name:
            raise CannotDisarm(f"{name} would have to get another name inside the document")
        self.removed |= dict.fromkeys(inner.removed)
        yield Cut(element.tag_end, end, _lines(inner.content))

    def _relations(self) -> Iterator[Cut]:
        templates: set[str] = set()
        for relation in self._found:
            if relation.name != "Relationship":
                continue
            kind = relation.attributes.get("Type", "").rstrip("/").rpartition("/")[2].casefold()
            target = relation.attributes.get("Target", "")
            part = self._around(relation, "part")
            if relation.attributes.get("TargetMode", "").strip().casefold() != "external":
                if kind in _PROJECT_RELATIONS or _resolved(part, target) in self._gone:
                    yield relation.cut
                continue
            if links.judged(kind, target) is None:
                continue
            if kind != "attachedtemplate":
                raise CannotDisarm(f"it is linked to {target}, and cannot do without")
            templates.add(relation.attributes.get("Id", ""))
            self.removed[TEMPLATE] = None
            yield relation.cut
        for element in self._found:
            values = element.attributes
            if element.name == "attachedTemplate" and (
                values.get("id") in templates or remote.is_remote(values.get("val", ""))
            ):
                self.removed[TEMPLATE] = None
                yield element.cut

    def _types(self) -> Iterator[Cut]:
        """What says that there are macros, and the relationships of parts that are gone."""
        for element in self._found:
            if element.name == "wordDocument" and element.attributes.get("macrosPresent") == "yes":
                yield splices.with_value(self._content, element, "macrosPresent", "no")
        for part in self._parts:
            folder, _, file = opc.part_name(part.attributes.get("name", "")).rpartition("/")
            plain = _WITHOUT_MACROS.get(part.attributes.get("contentType", "").strip().casefold())
            if plain is not None:
                yield splices.with_value(self._content, part, "contentType", plain)
            elif posixpath.join(folder.removesuffix("_rels"), file.removesuffix(".rels")) in self._gone:
                yield part.cut


def _resolved(part: Element | None, target: str) -> str:
    """The part a relationship points to, as ``opc`` has names."""
    folder = posixpath.dirname(part.attributes.get("name", "")).removesuffix("_rels") if part else ""
    return opc.part_name(target if target.startswith(("/", "\\")) else f"{folder}/{target}")


def _lines(content: bytes) -> bytes:
    encoded = base64.b64encode(content)
    return b"\r\n".join(encoded[at : at + _LINE] for at in range(0, len(encoded), _LINE))
