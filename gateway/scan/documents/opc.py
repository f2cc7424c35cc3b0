"""Office Open XML packages as parts, types and relationships (ECMA-376 part 2).

Contract: ``Package`` reads the names of all parts, ``[Content_Types].xml`` and the relationship parts, and no other
part until it is asked for. Names are compared as Office compares them: no case, ``/`` for ``\\``, percent escapes
decoded, dots resolved. Of several parts with one name all are kept. XML is parsed by expat, which understands every
encoding Office does and never fetches anything; a declared entity with a replacement text is refused (``Corrupt``), so
nothing can expand. A part that cannot be read is told in ``unreadable``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote
from xml.parsers import expat

from gateway.scan.budget import Budget
from gateway.scan.containers.zip import Member
from gateway.scan.look import Corrupt

CONTENT_TYPES = "[content_types].xml"
_FEED = 1 << 20
_ENCODING = re.compile(rb"<\?xml[^>]{1,200}?encoding\s{0,9}=\s{0,9}[\"']([\w.:-]{1,40})", re.IGNORECASE)
_PLAIN_ENCODINGS = (b"utf-8", b"utf8", b"utf-16", b"us-ascii", b"ascii", b"iso-8859-", b"windows-125", b"cp125")
_ENCRYPTED = "is encrypted inside the package"
_KEPT = 1 << 20
"""Bytes of small parts that are kept, because several readers ask for the same ones."""
_SMALL = 1 << 16


class Element(NamedTuple):
    """One XML element: its name without namespace, and its attributes likewise."""

    name: str
    attributes: dict[str, str]


class Relation(NamedTuple):
    """One relationship. ``kind`` is the last word of its type, folded; ``target`` a part name, or an address."""

    source: str
    id: str
    kind: str
    target: str
    external: bool


class Package:
    """The parts of one package; ``members`` are those of its zip file."""

    def __init__(self, members: list[Member], budget: Budget) -> None:
        self._budget = budget
        self.parts: dict[str, list[Member]] = {}
        self.unreadable: dict[str, str] = {}
        self._kept: dict[str, list[bytes]] = {}
        self._room = _KEPT
        for member in members:
            called = member.name
            if not called.endswith(("/", "\\")):
                self.parts.setdefault(part_name(called), []).append(member)
        self._defaults: dict[str, str] = {}
        self._overrides: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._read_types()
        self.relations: tuple[Relation, ...] = tuple(self._read_relations())

    def content_type(self, name: str) -> str:
        """The content type of a part, folded; "" if none is declared."""
        kind = self._kinds.get(name)
        if kind is None:
            kind = self._overrides.get(name) or self._defaults.get(name.rpartition(".")[2], "")
            self._kinds[name] = kind
        return kind

    @property
    def content_types(self) -> list[str]:
        """Every declared type, used or not."""
        return [*self._defaults.values(), *self._overrides.values()]

    @property
    def ambiguous(self) -> Iterator[str]:
        """Names that several members have, written differently: what one program opens another may not."""
        several = ((name, members) for name, members in self.parts.items() if len(members) > 1)
        return (name for name, members in several if len({member.name for member in members}) > 1)

    def begins_with(self, name: str, magics: tuple[bytes, ...]) -> bool:
        """Whether any part of that name may begin with one of these few bytes."""
        if name in self._kept:
            return any(content.startswith(magics) for content in self._kept[name])
        return any(member.begins_with(magics) for member in self.parts[name])

    def read(self, name: str) -> Iterator[bytes]:
        """The contents of every part of that name, of a damaged one what comes before the damage."""
        if name in self._kept:
            yield from self._kept[name]
            return
        contents: list[bytes] = []
        for content in self._read(name):
            if len(content) <= _SMALL:
                contents.append(content)
                self._room -= len(content)
            yield content
        if len(contents) == len(self.parts.get(name, [])) and self._room >= 0:
            self._kept[name] = contents

    def _read(self, name: str) -> Iterator[bytes]:
        for member in self.parts.get(name, []):
            if member.encrypted:
                self.unreadable.setdefault(name, _ENCRYPTED)
                continue
            try:
                content = member.read()
            except Corrupt as error:
                self.unreadable.setdefault(name, str(error))
                content = error.before
                if not content:
                    continue
            yield content

    def elements(self, name: str, wanted: frozenset[str]) -> Iterator[Element]:
        """The elements of a part with one of the ``wanted`` names, in order, as far as the XML is sound."""
        for content in self.read(name):
            try:
                yield from elements(content, wanted, self._budget.check_time)
            except Corrupt as error:
                self.unreadable.setdefault(name, str(error))

    def _read_types(self) -> None:
        for element in self.elements(CONTENT_TYPES, frozenset({"Default", "Override"})):
            kind = element.attributes.get("ContentType", "").strip().casefold()
            if element.name == "Default":
                self._defaults[element.attributes.get("Extension", "").casefold()] = kind
            else:
                self._overrides[part_name(element.attributes.get("PartName", ""))] = kind

    def _read_relations(self) -> Iterator[Relation]:
        for name in self.parts:
            folder, _, file = name.rpartition("/")
            if not file.endswith(".rels"):
                continue
            source_folder = folder.removesuffix("_rels").rstrip("/")
            source = posixpath.join(source_folder, file.removesuffix(".rels"))
            for element in self.elements(name, frozenset({"Relationship"})):
                yield relation(source, source_folder, element.attributes)


def is_plain(content: bytes) -> bool:
    """Whether the letters of an XML document can be found in its bytes, or in every second one of them."""
    declared = _ENCODING.search(content[:400].replace(b"\0", b""))
    return declared is None or declared[1].lower().startswith(_PLAIN_ENCODINGS)


def part_name(raw: str) -> str:
    """A part or zip member name as Office compares it: ``/Word\\vbaProjec%74.bin`` is ``word/vbaproject.bin``."""
    name = unquote(raw).replace("\\", "/")
    if "//" in name or "/." in name:
        name = posixpath.normpath("/" + name)
    return name.lstrip("/").casefold()


def is_xml(content: bytes) -> bool:
    """Whether a part begins as XML, in any of its encodings, rather than as binary records."""
    return content[:200].lstrip(b"\xef\xbb\xbf\xfe\xff\0 \t\r\n").startswith(b"<")


def elements(content: bytes, wanted: frozenset[str] | None, clock: Callable[[], None] | None = None) -> list[Element]:
    """The elements of an XML document with one of the ``wanted`` names, or all. Raises ``Corrupt``."""
    found: list[Element] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if wanted is None or local in wanted:
            if " " in "".join(attributes):
                attributes = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
            found.append(Element(local, attributes))

    parse(content, start, clock=clock)
    return found


def parse(
    content: bytes,
    start: Callable[[str, dict[str, str]], None],
    *,
    text: Callable[[str], None] | None = None,
    end: Callable[[str], None] | None = None,
    clock: Callable[[], None] | None = None,
) -> None:
    """Run expat over ``content`` with these handlers; names come as ``namespace local``. Raises ``Corrupt``.

    ``clock`` is called now and then and may raise; a part of nothing but elements takes seconds for each megabyte.
    """
    feed(parser_for(start, text, end), content, clock)


def parser_for(
    start: Callable[[str, dict[str, str]], None],
    text: Callable[[str], None] | None,
    end: Callable[[str], None] | None,
) -> expat.XMLParserType:
    """A parser as ``parse`` uses it, for who has to know at which byte it is."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.CharacterDataHandler = text
    parser.EndElementHandler = end
    parser.EntityDeclHandler = _refuse_entity
    return parser


def feed(parser: expat.XMLParserType, content: bytes, clock: Callable[[], None] | None) -> None:
    """Let ``parser`` read all of ``content``. Raises ``Corrupt``."""
    try:
        for begin in range(0, max(len(content), 1), _FEED):
            if clock is not None:
                clock()
            parser.Parse(content[begin : begin + _FEED], begin + _FEED >= len(content))
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding expat cannot read
        raise Corrupt(f"is not sound XML ({error})") from error


def _refuse_entity(name: str, _is_parameter: bool, value: str | None, *_external: object) -> None:
    # one kept in another file stays empty, because nothing is fetched
    if value is not None:
        raise Corrupt(f"declares the XML entity {name!r}, which no Office document does")


def relation(source: str, folder: str, attributes: dict[str, str]) -> Relation:
    """The relationship of part ``source``, which lies in ``folder``, out of the attributes of its element."""
    target = attributes.get("Target", "").strip()
    external = attributes.get("TargetMode", "").strip().casefold() == "external"
    if not external:
        target = part_name(target if target.startswith(("/", "\\")) else f"{folder}/{target}")
    kind = attributes.get("Type", "").rstrip("/").rpartition("/")[2].casefold()
    return Relation(source, attributes.get("Id", ""), kind, target, external)
