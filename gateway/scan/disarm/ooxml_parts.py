"""An Office Open XML package being changed: parts go, relationships and content types follow, the rest stays.

Contract: ``Parts`` takes only a package that every program reads alike, else it raises ``CannotDisarm``. What is not
touched keeps its bytes, compressed as they were. A part that goes takes with it what only it referred to; what referred
to it is told in ``cut``, for whoever knows how the reference is written. Raises ``OverLimit``.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gateway.scan.disarm import ooxml_types, zip_rewrite
from gateway.scan.disarm.ooxml_types import Main
from gateway.scan.disarm.ooxml_xml import Node, Xml, named
from gateway.scan.disarm.parts import CannotDisarm, Work
from gateway.scan.documents import opc
from gateway.scan.documents.opc import CONTENT_TYPES, Package, Relation
from gateway.scan.look import Corrupt

NOWHERE = "file:///removed"
"""The target of a relationship that has to stay and may lead nowhere."""


@dataclass(slots=True, eq=False)
class Link:
    """One relationship: what it says, the part it stands in, and its element there."""

    relation: Relation
    rels: str
    node: Node
    gone: bool = False


class Parts:
    """The parts of one document, by their folded names (``opc.part_name``)."""

    def __init__(self, content: bytes, work: Work) -> None:
        self.work = work
        self.removed: dict[str, None] = {}
        self.cut: defaultdict[str, list[Link]] = defaultdict(list)
        """Relationships that were taken out, by the part whose they were."""
        self._doubts: list[str] = []
        archive = zip_rewrite.read(content, work.budget)
        records = tuple(replace(r, member=replace(r.member, doubt=self._doubts.append)) for r in archive.records)
        self._archive = replace(archive, records=records)
        self.package = Package([record.member for record in records], work.budget)
        self._records = {opc.part_name(record.member.name): record for record in records}
        self._refuse_oddities()
        self._contents: dict[str, bytes] = {}
        self._changed: dict[str, bytes] = {}
        self._renamed: dict[str, tuple[str, str]] = {}
        self.names: dict[str, None] = dict.fromkeys(self.package.parts)
        """The parts that are still there."""
        self._rels = {name: self.xml(name, named("Relationship")) for name in self.names if name.endswith(".rels")}
        self.links = [link for name, xml in self._rels.items() for link in _links(name, xml)]

    @property
    def main(self) -> str:
        """The name of the main part."""
        found = [link.relation.target for link in self.links if _is_main(link.relation)]
        if len(set(found)) != 1 or found[0] not in self.names:
            raise CannotDisarm("its main part cannot be told")
        return found[0]

    @property
    def kind(self) -> Main:
        """What kind of document it becomes."""
        found = ooxml_types.MAIN.get(self.package.content_type(self.main))
        if found is None:
            raise CannotDisarm(f"its main part is of a type nobody knows: {self.package.content_type(self.main)}")
        return found

    def tell(self, what: str) -> None:
        """``what`` was taken out, in words for the recipient."""
        self.removed[what] = None

    def content(self, name: str) -> bytes:
        """A part as it is by now."""
        if name not in self._contents:
            found = list(self.package.read(name))
            if len(found) != 1 or name in self.package.unreadable:
                raise CannotDisarm(f"its part {name} {self.package.unreadable.get(name, 'cannot be read')}")
            self._contents[name] = found[0]
        return self._contents[name]

    def xml(self, name: str, wanted: Callable[[Node], bool]) -> Xml:
        """A part to be changed; ``put`` keeps the change."""
        try:
            return Xml(self.content(name), wanted, self.work.budget.check_time)
        except Corrupt as error:
            raise CannotDisarm(f"its part {name} {error}") from error

    def put(self, name: str, xml: Xml) -> None:
        """Keep what was changed in a part."""
        if xml.changed:
            self.put_bytes(name, xml.spliced())

    def put_bytes(self, name: str, content: bytes) -> None:
        """Give a part another content."""
        self._contents[name] = self._changed[name] = content

    def put_document(self, link_name: str, content: bytes, new_name: str, media_type: str) -> None:
        """Give an embedded document another content, and the type and the extension that belong to it."""
        self.put_bytes(link_name, content)
        old, new = (posixpath.splitext(name)[1].casefold() for name in (link_name, new_name))
        if old != new and self.package.content_type(link_name) != media_type.casefold():
            self._renamed[link_name] = (new, media_type)

    def living(self) -> Iterator[Link]:
        """The relationships that are still there."""
        return (link for link in self.links if not link.gone)

    def drop(self, name: str) -> None:
        """Take out a part, and what only it refers to."""
        waiting = [name]
        while waiting:
            self.work.budget.check_time()
            gone = waiting.pop()
            if self.names.pop(gone, 0) is not None:
                continue
            folder, _, file = gone.rpartition("/")
            self.names.pop(f"{folder}/_rels/{file}.rels".lstrip("/"), None)
            for link in self.links:
                if link.relation.target == gone and not link.relation.external:
                    self.unlink(link)
            below = [link for link in self.living() if link.relation.source == gone]
            for link in below:
                link.gone = True
            named_still = {link.relation.target for link in self.living()}
            waiting += [link.relation.target for link in below if link.relation.target not in named_still]

    def unlink(self, link: Link) -> None:
        """Take out a relationship."""
        if not link.gone:
            link.gone = True
            self.cut[link.relation.source].append(link)

    def retarget(self, link: Link) -> None:
        """Let a relationship lead nowhere, and stay."""
        self._rels[link.rels].set_attribute(link.node, "Target", NOWHERE)

    def packed(self) -> bytes:
        """The package as it is now. Raises ``CannotDisarm`` if anything in it was read in doubt."""
        self._mend_relations()
        self._mend_types()
        if self._doubts or self.package.unreadable:
            name, why = next(iter(self.package.unreadable.items()), ("", ""))
            raise CannotDisarm(self._doubts[0] if self._doubts else f"its part {name} {why}")
        records = []
        for name, record in self._records.items():
            if name not in self.names:
                continue
            if name in self._changed or name in self._renamed:
                raw = self._raw_name(name, record.member.entry.raw_name)
                changed = self.content(name)
                record = zip_rewrite.replaced(record, raw, changed, None, self.work.budget)  # noqa: PLW2901  the new one
            records.append(record)
        return zip_rewrite.written(replace(self._archive, records=tuple(records)))

    def _refuse_oddities(self) -> None:
        for name, members in self.package.parts.items():
            if len(members) != 1:
                raise CannotDisarm(f"several parts are called {name}")
            if members[0].encrypted:
                raise CannotDisarm(f"its part {name} is encrypted inside the package")
        if CONTENT_TYPES not in self.package.parts:
            raise CannotDisarm("it does not say of which types its parts are")

    def _raw_name(self, name: str, raw: bytes) -> bytes:
        if name not in self._renamed:
            return raw
        stem = raw.rpartition(b".")[0] if b"." in raw.rpartition(b"/")[2] else raw
        return stem + self._renamed[name][0].encode("ascii", "replace")

    def _new_name(self, name: str) -> str:
        return posixpath.splitext(name)[0] + self._renamed[name][0]

    def _mend_relations(self) -> None:
        for name in self._renamed:
            if self._new_name(name) in self.names:
                raise CannotDisarm(f"two parts would be called {self._new_name(name)}")
        for link in self.links:
            if link.rels not in self.names:
                continue
            xml = self._rels[link.rels]
            if link.gone:
                xml.remove(link.node)
            elif not link.relation.external and link.relation.target in self._renamed:
                target = link.node.get("Target").strip()
                new = posixpath.splitext(target)[0] + self._renamed[link.relation.target][0]
                xml.set_attribute(link.node, "Target", new)
        needed = {link.rels for link in self.living()}
        for name, xml in self._rels.items():
            if name not in self.names or not xml.changed:
                continue
            if name not in needed:
                self.names.pop(name)  # a part without relationships has no part for them
            else:
                self.put(name, xml)

    def _mend_types(self) -> None:
        xml = self.xml(CONTENT_TYPES, named("Types", "Default", "Override"))
        used = {self.package.content_type(name) for name in self.names}
        main = self.kind.content_type
        for node in xml.nodes:
            part = opc.part_name(node.get("PartName")) if node.name == "Override" else ""
            declared = node.get("ContentType").strip().casefold()
            gone = part and part not in self.names and part in self.package.parts
            if gone or part in self._renamed or (ooxml_types.is_active(declared) and declared not in used):
                xml.remove(node)
            elif declared in ooxml_types.MAIN and ooxml_types.MAIN[declared].content_type.casefold() != declared:
                xml.set_attribute(node, "ContentType", main)
        root = next(node for node in xml.nodes if node.name == "Types")
        for name, (_, media_type) in self._renamed.items():
            element = xml.name_like(root, "Override")
            xml.insert_before_end(
                root, xml.encoded(f'<{element} PartName="/{self._shown(name)}" ContentType="{media_type}"/>')
            )
        self.put(CONTENT_TYPES, xml)

    def _shown(self, name: str) -> str:
        raw = self._raw_name(name, self._records[name].member.entry.raw_name)
        return raw.decode("ascii", "replace").replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _links(rels: str, xml: Xml) -> Iterator[Link]:
    folder, _, file = rels.rpartition("/")
    folder = folder.removesuffix("_rels").rstrip("/")
    source = posixpath.join(folder, file.removesuffix(".rels"))
    for node in xml.nodes:
        attributes = {key.rpartition(" ")[2]: value for key, value in node.attributes.items()}
        yield Link(opc.relation(source, folder, attributes), rels, node)


def _is_main(relation: Relation) -> bool:
    return not relation.source and not relation.external and relation.kind in {"officedocument", "document"}
