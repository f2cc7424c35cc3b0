"""XML changed in place: elements and attributes are found at their bytes, and everything between them stays.

Contract: ``Xml`` finds the elements that are wanted and where each stands, by expat's own positions, in every
encoding expat reads; ``spliced`` gives the document with the changes. Nothing is ever serialised anew. Raises
``Corrupt`` for unsound XML, ``OverLimit`` out of the clock.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from gateway.scan.documents import opc
from gateway.scan.look import Corrupt

_ATTRIBUTE = re.compile(rb"\s+([^\s=]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
_NAME = re.compile(rb"<[^\s/>]+")
_TAG_END = re.compile(rb"[^\"'>]*(?:\"[^\"]*\"[^\"'>]*|'[^']*'[^\"'>]*)*>")
_DECLARED = re.compile(rb"<\?xml[^>]{1,200}?encoding\s{0,9}=\s{0,9}[\"']([\w.:-]{1,40})")
_RELATIONS = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships ",
    "http://purl.oclc.org/ooxml/officeDocument/relationships ",
)
_MAX_WANTED = 200_000
_LAST_NARROW = 127


@dataclass(slots=True, eq=False)
class Node:
    """One element. Names of ``attributes`` are ``namespace local``; ``children`` counts the elements right inside it;
    ``start`` is the byte where its tag begins, ``close`` the one where expat told its end."""

    name: str
    attributes: dict[str, str]
    start: int
    parent: Node | None
    close: int = 0
    children: int = 0
    pieces: list[str] | None = None

    def get(self, name: str) -> str:
        """An attribute by its name without namespace, or ""."""
        return next((value for key, value in self.attributes.items() if key.rpartition(" ")[2] == name), "")

    @property
    def text(self) -> str:
        """The text right inside it; kept for the wanted elements only."""
        return "".join(self.pieces or ())

    @property
    def relations(self) -> Iterator[str]:
        """The ids of the relationships it refers to."""
        return (value for key, value in self.attributes.items() if key.startswith(_RELATIONS))

    def above(self) -> Iterator[Node]:
        """The elements round it, the nearest first."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent


def named(*names: str) -> Callable[[Node], bool]:
    """What wants the elements with one of these names."""
    wanted = frozenset(names)
    return lambda node: node.name in wanted


class Xml:
    """One document being changed. ``nodes`` are its wanted elements in the order in which they begin."""

    def __init__(self, content: bytes, wanted: Callable[[Node], bool], clock: Callable[[], None]) -> None:
        self.content = content
        self.nodes: list[Node] = []
        self._wanted = wanted
        self._open: list[Node] = []
        self._changes: dict[tuple[int, int], bytes] = {}
        self._parser = opc.parser_for(self._started, self._said, self._ended)
        opc.feed(self._parser, content, clock)
        self._narrow, self._width, self._encoding = _narrowed(content)

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        return bool(self._changes)

    def spliced(self) -> bytes:
        """The document with all changes; a change inside another one is gone with that."""
        pieces: list[bytes] = []
        position = 0
        for (start, end), new in sorted(self._changes.items(), key=lambda change: (change[0][0], -change[0][1])):
            if start >= position:
                pieces += (self.content[position:start], new)
                position = end
        return b"".join((*pieces, self.content[position:]))

    def remove(self, node: Node) -> None:
        """Take out an element and all in it."""
        self.replace(node, b"")

    def replace(self, node: Node, content: bytes) -> None:
        """Put ``content``, in the encoding of the document, in the place of an element."""
        self._changes[node.start, self.end(node)] = content

    def unwrap(self, node: Node) -> None:
        """Take out the tags of an element and leave what is between them."""
        self._changes[node.start, self._tag_end(node.start)] = b""
        if not self._is_empty(node):
            self._changes[node.close, self.end(node)] = b""

    def prune(self, nodes: Iterable[Node], frames: frozenset[str]) -> None:
        """Take out elements, and every element round them with one of these names that would then be empty."""
        left: dict[Node, int] = {}
        for node in nodes:
            gone = node
            while (above := gone.parent) is not None and above.name in frames:
                left[above] = left.get(above, above.children) - 1
                if left[above]:
                    break
                gone = above
            self.remove(gone)

    def insert_before_end(self, node: Node, content: bytes) -> None:
        """Put ``content`` behind the last thing inside an element that is not written as an empty one."""
        place = (node.close, node.close)
        self._changes[place] = self._changes.get(place, b"") + content

    def set_attribute(self, node: Node, name: str, value: str | None) -> None:
        """Change the attribute with this local name, where the element has it; None takes it out."""
        for start, equals, end in self._attributes(node, name):
            if value is None:
                self._changes[start, end] = b""
            else:
                self._changes[equals, end] = self.encoded(f'"{escape(value, {chr(34): "&quot;"})}"')

    def source(self, node: Node) -> bytes:
        """The bytes of an element."""
        return self.content[node.start : self.end(node)]

    def end(self, node: Node) -> int:
        """The byte behind an element."""
        return self._tag_end(node.start) if self._is_empty(node) else self._tag_end(node.close)

    def name_like(self, node: Node, name: str) -> str:
        """``name`` with the prefix of an element, to be written beside that."""
        begin = _NAME.match(self._narrow, node.start // self._width)
        prefix, colon, _ = begin[0][1:].rpartition(b":") if begin else (b"", b"", b"")
        return f"{prefix.decode('ascii', 'replace')}{colon.decode()}{name}"

    def encoded(self, text: str) -> bytes:
        """``text`` in the encoding of the document, what that does not have as references."""
        return text.encode(self._encoding, "xmlcharrefreplace")

    def _is_empty(self, node: Node) -> bool:
        """Whether it is written ``<x/>``: expat tells the end of one behind its tag, as of ``<x></x>``."""
        end = self._tag_end(node.start) // self._width
        return self._narrow[end - 2 : end] == b"/>"

    def _tag_end(self, start: int) -> int:
        match = _TAG_END.match(self._narrow, start // self._width)
        if match is None:
            raise Corrupt("has a tag without an end")
        return match.end() * self._width

    def _attributes(self, node: Node, name: str) -> Iterator[tuple[int, int, int]]:
        """Where each attribute with that local name stands: the blank before it, its value, its end."""
        wide, wanted = self._width, name.encode()
        begin = _NAME.match(self._narrow, node.start // wide)
        position = begin.end() if begin else len(self._narrow)
        while (match := _ATTRIBUTE.match(self._narrow, position)) is not None:
            position = match.end()
            prefix, _, local = match[1].rpartition(b":")
            if local == wanted and prefix != b"xmlns":
                yield match.start() * wide, match.start(2) * wide, match.end() * wide

    def _started(self, name: str, attributes: dict[str, str]) -> None:
        above = self._open[-1] if self._open else None
        node = Node(name.rpartition(" ")[2], attributes, self._parser.CurrentByteIndex, above)
        if above is not None:
            above.children += 1
        self._open.append(node)
        if self._wanted(node):
            node.pieces = []
            self.nodes.append(node)
            if len(self.nodes) > _MAX_WANTED:
                raise Corrupt(f"has more than {_MAX_WANTED} elements that would have to be looked at")

    def _said(self, data: str) -> None:
        if self._open and self._open[-1].pieces is not None:
            self._open[-1].pieces.append(data)

    def _ended(self, _name: str) -> None:
        self._open.pop().close = self._parser.CurrentByteIndex


def _narrowed(content: bytes) -> tuple[bytes, int, str]:
    """A copy with one byte for each unit, in which every letter that is not ASCII is another one, so that tags can be
    searched; bytes of a unit; and the name of the encoding. XML 1.0 appendix F."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith((mark, "<".encode(encoding))):
            units = array("H", content[: len(content) // 2 * 2])
            if (array("H", b"\x01\0")[0] == 1) != (encoding == "utf-16-le"):
                units.byteswap()
            return bytes(min(unit, _LAST_NARROW + 1) for unit in units), 2, encoding
    declared = _DECLARED.search(content[:400])
    return content, 1, declared[1].decode("ascii") if declared else "utf-8"
