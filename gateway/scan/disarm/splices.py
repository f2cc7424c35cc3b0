"""Cutting pieces out of a document whose other bytes stay as they are, and finding elements in XML to cut.

Contract: ``spliced`` raises ``CannotDisarm`` when two cuts are at odds with each other; one inside another is part of
it. ``elements`` gives the places of elements in the bytes; it raises ``OverLimit``, and ``CannotDisarm`` for XML that
is not sound, declares its document type, or is in an encoding in which a byte below 0x80 may not be that letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from xml.parsers import expat

from gateway.scan.disarm.parts import CannotDisarm

_TAG = re.compile(rb"<[^<>\"']{0,2000}+(?:\"[^\"]*+\"[^<>\"']{0,2000}+|'[^']*+'[^<>\"']{0,2000}+)*+>")
_ENCODINGS = (b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-", b"windows-125")
_DECLARED = re.compile(rb"<\?xml[^>]{1,200}?encoding\s{0,9}=\s{0,9}[\"']([\w.:-]{1,40})", re.IGNORECASE)
_FEED = 1 << 20


@dataclass(frozen=True, slots=True)
class Cut:
    """What stands from ``start`` to ``end`` is replaced by ``by``."""

    start: int
    end: int
    by: bytes = b""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its local name, its namespace, its attributes by local name, the local names of what is around it,
    and where it and its start tag are."""

    name: str
    space: str
    attributes: dict[str, str]
    above: tuple[str, ...]
    start: int
    tag_end: int
    end: int

    @property
    def cut(self) -> Cut:
        """Without the whole element."""
        return Cut(self.start, self.end)


def spliced(content: bytes, cuts: Iterable[Cut]) -> bytes:
    """``content`` with every cut made."""
    pieces: list[bytes] = []
    position = 0
    for cut in sorted(cuts, key=lambda cut: (cut.start, -cut.end)):
        if cut.end <= position and cut.start < position:
            continue
        if cut.start < position:
            raise CannotDisarm("what has to go is entangled with what has to stay")
        pieces += (content[position : cut.start], cut.by)
        position = cut.end
    return b"".join((*pieces, content[position:]))


def elements(content: bytes, wanted: frozenset[str], clock: Callable[[], None]) -> list[Element]:
    """Every element with one of these local names, in the order of their start tags."""
    _check_letters(content)
    found: list[Element] = []
    _Parse(content, wanted, found).run(clock)
    return sorted(found, key=lambda element: element.start)


def attribute(content: bytes, element: Element, name: str) -> Cut:
    """Where an attribute stands with the blank before it, by its local name. Raises ``CannotDisarm``."""
    expression = rb"\s+(?:[\w.-]{1,100}:)?%b\s{0,9}=\s{0,9}(?:\"[^\"]*\"|'[^']*')" % re.escape(name.encode())
    places = list(re.finditer(expression, content[element.start : element.tag_end]))
    if len(places) != 1:
        raise CannotDisarm("what has to go is written in an unusual way")
    return Cut(element.start + places[0].start(), element.start + places[0].end())


def with_value(content: bytes, element: Element, name: str, value: str) -> Cut:
    """As ``attribute``, with another value put in its place; the value needs no escapes."""
    place = attribute(content, element, name)
    written = content[place.start : place.end]
    return Cut(place.start, place.end, re.split(rb"[\"']", written, maxsplit=1)[0] + b'"' + value.encode() + b'"')


def _check_letters(content: bytes) -> None:
    declared = _DECLARED.search(content[:400])
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:400]:
        raise CannotDisarm("it is written in an unusual encoding")
    if declared is not None and not declared[1].lower().startswith(_ENCODINGS):
        raise CannotDisarm("it is written in an unusual encoding")


class _Parse:
    """The handlers of one parse."""

    def __init__(self, content: bytes, wanted: frozenset[str], found: list[Element]) -> None:
        self._content, self._wanted, self._found = content, wanted, found
        self._names: list[str] = []
        self._open: list[tuple[int, str, dict[str, str], int]] = []
        self._parser = expat.ParserCreate(namespace_separator=" ")

    def run(self, clock: Callable[[], None]) -> None:
        parser = self._parser
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.StartDoctypeDeclHandler = _refuse
        try:
            for begin in range(0, len(self._content), _FEED):
                clock()
                parser.Parse(self._content[begin : begin + _FEED], False)
            parser.Parse(b"", True)
        except (expat.ExpatError, LookupError, ValueError) as error:
            raise CannotDisarm(f"it is not sound XML ({error})") from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        self._names.append(local)
        if local in self._wanted:
            self._open.append((len(self._names), name, attributes, self._parser.CurrentByteIndex))

    def _end(self, _name: str) -> None:
        depth = len(self._names)
        self._names.pop()
        if not self._open or self._open[-1][0] != depth:
            return
        _, name, attributes, start = self._open.pop()
        tag_end = self._tag_end(start)
        last = self._parser.CurrentByteIndex
        space, _, local = name.rpartition(" ")
        values = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        end = tag_end if self._content[tag_end - 2 : tag_end] == b"/>" else self._tag_end(last)
        self._found.append(Element(local, space, values, tuple(self._names), start, tag_end, end))

    def _tag_end(self, start: int) -> int:
        tag = _TAG.match(self._content, start)
        if tag is None:
            raise CannotDisarm("it is written in an unusual way")
        return tag.end()


def _refuse(*_: object) -> None:
    raise CannotDisarm("it declares a document type, which Office does not")
