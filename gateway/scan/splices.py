"""What changes in a message when one of its parts gives way to a notice, or to itself without what runs in it.

Contract: ``Place.of`` finds a part by its number or raises ``RewriteFailed``: nothing inside a signature or an encoded
message is touched, nothing mail programs disagree about. ``replaced`` and ``accompanied`` give the splices: bytes of
the message's own line ends, with all that is not of that part left as it was. A part keeps its place and its number:
what was one part becomes a multipart around it, with a boundary that is nowhere else in the message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.closed_sets import Verdict
from gateway.message import Span, Splice
from gateway.scan import mime
from gateway.scan.header_edit import Description, edited
from gateway.scan.headers import Bytes
from gateway.scan.mime import Entity
from gateway.scan.notice import lines, new_boundary

SEALED = frozenset({"multipart/signed", "multipart/encrypted"})
"""Multiparts whose parts belong to a signature (RFC 1847); changing one makes the signature wrong."""

SEALED_ALONE = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
"""Types that, as the only part of a message, are all of it in one signed or encrypted object (RFC 8551 §3.2)."""


class RewriteFailed(Exception):
    """The part cannot be replaced. The message is a sentence for a person."""


class Sealed(RewriteFailed):
    """The part belongs to a signature, which a change would make wrong."""


@dataclass(frozen=True, slots=True)
class Place:
    """One part of a message and what is around it, from the root down to the part itself."""

    data: Bytes
    path: tuple[Entity, ...]

    @classmethod
    def of(cls, data: Bytes, tree: Entity, number: str) -> Place:
        """The part of that number. Raises ``RewriteFailed`` where it must not be touched."""
        path = next(_paths(tree, number), None)
        if path is None:
            raise RewriteFailed(f"there is no part {number} that could be replaced")
        place = cls(data, path)
        for above in path[:-1]:
            if above.type in SEALED:
                raise Sealed(f"part {number} is inside a {above.type}")
        if place.is_message and path[-1].type in SEALED_ALONE:
            raise Sealed(f"the message is signed or encrypted as a whole ({path[-1].type})")
        if any(doubt.verdict is not Verdict.CLEAN for entity in path[:-1] for doubt in entity.doubts):
            raise RewriteFailed(f"mail programs may disagree about what part {number} is")
        return place

    @property
    def part(self) -> Entity:
        return self.path[-1]

    @property
    def is_message(self) -> bool:
        """Whether it is all of a message, so that the fields of that message are in its header."""
        return len(self.path) == 1 or self.path[-2].type in mime.MESSAGE_TYPES

    @property
    def eol(self) -> bytes:
        """The line end of its header."""
        end = self.data.find(b"\n", self.part.header.start, self.part.body.start)
        return b"\n" if end > 0 and self.data[end - 1 : end] != b"\r" else b"\r\n"

    @property
    def region(self) -> str:
        """The number that all there is of the part afterwards begins with; "" for the whole message."""
        return self.part.number.rpartition(".")[0] if self.is_message else self.part.number

    @property
    def doubtful(self) -> bool:
        """Whether mail programs may see different things in the part itself."""
        part = self.part
        header = self.data[part.header.start : part.header.end]
        fields = b"".join(self.data[field.span.start : field.span.end] for field in part.block.fields)
        return (
            bool(part.children)
            or part.other is not None
            or len(part.codings) != 1
            or header != fields
            or part.header.end == part.body.start
            or any(doubt.verdict is not Verdict.CLEAN for doubt in part.doubts)
        )


def _paths(entity: Entity, number: str, above: tuple[Entity, ...] = ()) -> Iterator[tuple[Entity, ...]]:
    """From the root to each entity of that number."""
    path = (*above, entity)
    if entity.number == number:
        yield path
    for child in entity.children:
        yield from _paths(child, number, path)


def replaced(place: Place, fields: bytes, body: bytes) -> Iterator[Splice]:
    """The part has the content ``fields`` and the ``body`` instead of its own."""
    part = place.part
    if not place.is_message:
        yield Splice(Span(part.header.start, part.body.end), fields + place.eol + body)
        return
    yield from _content_fields(place, fields)
    yield Splice(Span(part.body.start, part.body.end), body)


def accompanied(
    place: Place, description: Description, content: bytes, notice: tuple[bytes, bytes]
) -> Iterator[Splice]:
    """The part is a ``multipart/mixed`` of a notice (fields, body) and itself with another content. Its header must
    have been read without a doubt."""
    part, eol = place.part, place.eol
    boundary = new_boundary(place.data)
    mark = b"--" + boundary + eol
    outer = b'Content-Type: multipart/mixed; boundary="' + boundary + b'"' + eol
    own = edited(place.data, part.block, description, eol)
    header = b"".join(raw for name, raw in own if name.startswith("content-") or not place.is_message)
    body = b"".join(
        (mark, notice[0], eol, notice[1], mark, header, eol, lines(content, eol), b"--", boundary, b"--", eol)
    )
    if not place.is_message:
        yield Splice(Span(part.header.start, part.body.end), outer + eol + body)
        return
    yield from _content_fields(place, outer)
    yield Splice(Span(part.body.start, part.body.end), body)


def _content_fields(place: Place, fields: bytes) -> Iterator[Splice]:
    """The only part of a message: its content fields change, all others stay."""
    part = place.part
    if part.header.end in {part.block.body, part.header.start}:
        raise RewriteFailed("the message has no header that ends")
    described = [field for field in part.block.fields if field.name.startswith("content-")]
    if not part.block.all("mime-version"):
        fields = b"MIME-Version: 1.0" + place.eol + fields
    if not described:
        yield Splice(Span(part.header.end, part.header.end), fields)
    for number, field in enumerate(described):
        yield Splice(field.span, fields if number == 0 else b"")
