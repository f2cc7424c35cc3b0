"""What is embedded in a package or linked to it: controls, documents, packed files, and relationships that lead out.

Contract: ``take_out`` drops every ActiveX control, disarms each document inside or drops it where that cannot be done,
and lets no relationship lead to where the scan would object. The picture a reader sees of an object or of a control
stays. ``mend`` takes out what referred to something that is gone, and raises ``CannotDisarm`` where it does not know
how that is written.
"""

from __future__ import annotations

from gateway.scan.disarm import ooxml_binary
from gateway.scan.disarm.ooxml_parts import Parts
from gateway.scan.disarm.ooxml_xml import Node, Xml
from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.documents import links, ooxml, opc

_CONTROL = "control"
_UNLINKED = frozenset({"attachedtemplate", "oleobject", "afchunk", "subdocument"})
"""External relationships that go together with what refers to them; any other one stays and leads nowhere, because a
picture or a table without its relationship makes Office complain."""
_WORDS = {
    "attachedtemplate": "a link to a template elsewhere",
    "externallinkpath": "a link to a workbook elsewhere",
    "hyperlink": "a link that starts a program",
}
_ELSEWHERE = "a link to something that is fetched from elsewhere"

_REFERENCES = frozenset(
    {
        *("control", "OLEObject", "oleObject", "oleObj", "altChunk", "subDoc", "externalData", "attachedTemplate"),
        "externalReference",
    }
)
"""Elements that are there for one relationship only (ECMA-376 part 1; ``OLEObject`` is that of VML)."""
_FRAMES = frozenset({"AlternateContent", "Choice", "Fallback", "controls", "oleObjects", "externalReferences"})
"""Elements that may not be empty, or are only there for what is in them."""
_UNREFERRED = frozenset(
    {
        *("vbaproject", "vbaprojectsignature", "vbaprojectsignatureagile", "vbaprojectsignaturev3", "wordvbadata"),
        *("keymapcustomizations", "attachedtoolbars", "extensibility", "usercustomization", "activexcontrolbinary"),
        *("origin", "calcchain"),
    }
)
"""Relationships found by their type, which nothing refers to by its id."""

_PROGRAMS = {
    "Word.DocumentMacroEnabled.12": "Word.Document.12",
    "Excel.SheetMacroEnabled.12": "Excel.Sheet.12",
    "PowerPoint.ShowMacroEnabled.12": "PowerPoint.Show.12",
    "PowerPoint.SlideMacroEnabled.12": "PowerPoint.Slide.12",
}
"""What an embedded object says it is, and what it is without macros."""
_ACTIONS = ("ppaction://macro", "ppaction://program")


def take_out(parts: Parts) -> None:
    """See the module."""
    _drop_controls(parts)
    _disarm_embedded(parts)
    _cut_links(parts)
    _drop_actions(parts)


def mend(parts: Parts) -> None:
    """See the module."""
    for source, gone in list(parts.cut.items()):
        wanted = {link.relation.id for link in gone if link.relation.kind not in _UNREFERRED}
        if source not in parts.names or not wanted:
            continue
        if opc.is_xml(parts.content(source)):
            _mend_part(parts, source, wanted)
        else:
            ooxml_binary.cut_objects(parts, source, wanted)


def _drop_controls(parts: Parts) -> None:
    named = {link.relation.target for link in parts.living() if link.relation.kind == _CONTROL}
    typed = {name for name in parts.names if "activex" in parts.package.content_type(name) or "/activex/" in name}
    for link in [link for link in parts.living() if link.relation.kind == _CONTROL]:
        parts.unlink(link)
    for name in named | typed:
        parts.drop(name)
    if named or typed:
        parts.tell("its controls (ActiveX)")


def _disarm_embedded(parts: Parts) -> None:
    for name, content in ooxml.embedded(parts.package, ooxml.vba_parts(parts.package)):
        if name not in parts.names:
            continue
        file = name.rpartition("/")[2]
        try:
            inner = parts.work.inner(content, file)
        except CannotDisarm:
            parts.drop(name)
            parts.tell("a file inside it that could not be made safe")
            continue
        if inner is not None:
            parts.put_document(name, inner.content, inner.name, inner.media_type)
            for what in inner.removed:
                parts.tell(f"{what} (in a document inside it)" if "inside it" not in what else what)
            _rename_programs(parts, name)


def _rename_programs(parts: Parts, name: str) -> None:
    """Let what embeds a document say what it is by now."""
    for source in {link.relation.source for link in parts.living() if link.relation.target == name}:
        if source in parts.names and opc.is_xml(parts.content(source)):
            ids = {link.relation.id for link in parts.living() if link.relation.target == name}
            xml = parts.xml(source, lambda node, ids=ids: not ids.isdisjoint(node.relations))  # type: ignore[misc]
            for node in xml.nodes:
                for attribute in ("ProgID", "progId"):
                    if node.get(attribute) in _PROGRAMS:
                        xml.set_attribute(node, attribute, _PROGRAMS[node.get(attribute)])
            parts.put(source, xml)


def _cut_links(parts: Parts) -> None:
    for link in list(parts.living()):
        relation = link.relation
        if not relation.external or links.judged(relation.kind, relation.target) is None:
            continue
        parts.tell(_WORDS.get(relation.kind, _ELSEWHERE))
        if relation.kind in _UNLINKED and "externallinks/" not in relation.source:
            parts.unlink(link)
        else:
            parts.retarget(link)


def _drop_actions(parts: Parts) -> None:
    """Macros and programs behind the shapes of a presentation (ECMA-376 part 1 §21.1.2.3.5)."""
    for name in parts.names:
        if not (name.startswith("ppt/") and name.endswith(".xml")):
            continue
        content = parts.content(name)
        if b"ppaction://" not in content.replace(b"\0", b""):
            continue
        xml = parts.xml(name, lambda node: node.get("action").strip().casefold().startswith(_ACTIONS))
        for node in xml.nodes:
            xml.remove(node)
            parts.tell("macros and programs behind shapes")
        parts.put(name, xml)


def _mend_part(parts: Parts, source: str, ids: set[str]) -> None:
    def wanted(node: Node) -> bool:
        return node.name in {"pic", "spTree"} or not ids.isdisjoint(node.relations)

    xml = parts.xml(source, wanted)
    pictures = [node for node in xml.nodes if node.name == "pic"]
    pruned = []
    for node in xml.nodes:
        if ids.isdisjoint(node.relations):
            continue
        if node.name not in _REFERENCES:
            raise CannotDisarm(f"{node.name} in its part {source} cannot do without what has to go")
        frame = next((above for above in node.above() if above.name == "graphicFrame"), None)
        picture = next((picture for picture in pictures if node in picture.above()), None)
        if frame is not None:
            _show_picture(xml, frame, pictures)
        else:
            pruned.append(node)
            if picture is not None:
                _keep_picture(xml, node, picture)
    xml.prune(pruned, _FRAMES)
    parts.put(source, xml)


def _show_picture(xml: Xml, frame: Node, pictures: list[Node]) -> None:
    """Put the picture of an object of a slide in the place of its frame (ECMA-376 part 1 §19.3.2.4)."""
    inside = next((picture for picture in pictures if frame in picture.above()), None)
    xml.replace(frame, xml.source(inside) if inside is not None else b"")


def _keep_picture(xml: Xml, control: Node, picture: Node) -> None:
    """Put the picture of a control of a slide among the shapes, which end before the controls."""
    slide = next((above for above in control.above() if above.name == "cSld"), None)
    shapes = next((node for node in xml.nodes if node.name == "spTree" and node.parent is slide), None)
    if shapes is not None:
        xml.insert_before_end(shapes, xml.source(picture))
