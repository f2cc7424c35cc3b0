"""Cryptographic Message Syntax (RFC 5652), what S/MIME is made of: signed, compressed and encrypted messages.

Contract: whatever a signature carries inside itself is handed on, as the message it is to a mail program and as the
file it is to others; a signature that carries nothing is nothing. Encrypted content is a finding. The encoding (BER of
X.690, lengths left open and strings in pieces included) is walked only as far as the content; certificates and
signatures are not looked at. Raises ``OverLimit`` and ``Corrupt``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.closed_sets import FileType, Kind
from gateway.scan.budget import Budget
from gateway.scan.containers import bounded
from gateway.scan.look import Blob, Corrupt, Look

TYPES = frozenset({FileType.CMS})

# Object identifiers, as encoded (RFC 5652 §4 to §9, RFC 3274 §1.3, RFC 5083 §1).
_PKCS7 = bytes.fromhex("2A864886F70D0107")
_CONTENT_TYPES = bytes.fromhex("2A864886F70D01091001")
_SIGNED, _ENVELOPED, _SIGNED_AND_ENVELOPED, _DIGESTED, _ENCRYPTED = (_PKCS7 + bytes([n]) for n in range(2, 7))
_AUTHENTICATED, _COMPRESSED, _AUTH_ENVELOPED = (_CONTENT_TYPES + bytes([n]) for n in (2, 9, 23))
_LOCKED = frozenset({_ENVELOPED, _SIGNED_AND_ENVELOPED, _ENCRYPTED, _AUTH_ENVELOPED})
_OPEN = frozenset({_SIGNED, _DIGESTED, _AUTHENTICATED, _COMPRESSED})

_SEQUENCE, _OCTETS, _OBJECT_IDENTIFIER, _EXPLICIT = 0x30, 0x04, 0x06, 0xA0
_CONSTRUCTED = 0x20
_MAX_NESTING = 16
_FIELD = re.compile(rb"[\r\n]{0,4}[!-9;-~]{1,100}[ \t]{0,100}:")


@dataclass(frozen=True, slots=True)
class _Element:
    """One tag with its content from ``start`` to ``end``. ``open`` says that its length was left open: it ends with
    two zero bytes that nobody has looked for, and ``end`` is where its surroundings end. ``cut`` says that it is longer
    than what surrounds it."""

    tag: int
    start: int
    end: int
    open: bool = False
    cut: bool = False


def begins(head: bytes) -> bool:
    """Whether a file begins as one of the kinds of content that are looked into or locked."""
    try:
        outer = _element(head, 0, len(head))
        kind = _element(head, outer.start, len(head))
    except Corrupt:
        return False
    known = kind.tag == _OBJECT_IDENTIFIER and head[kind.start : kind.end] in _LOCKED | _OPEN
    return outer.tag == _SEQUENCE and known


def unpack(blob: Blob, look: Look) -> None:
    """Hand on what is signed or compressed; say what is encrypted."""
    data = bytes(blob.data)
    outer = _element(data, 0, len(data))
    kind, content = _kind_and_content(data, look.budget, outer)
    if kind in _LOCKED:
        look.find(Kind.ENCRYPTED, blob.where, "is encrypted with S/MIME", reference="RFC 5652 §6")
        return
    if content is None:
        return
    inner, damage = _inner(data, look.budget, kind, content)
    if inner is None:
        return  # the signature of something that is elsewhere
    if kind == _COMPRESSED:
        inner, _ = bounded.inflate(inner, look.budget, bounded.ZLIB)
    else:
        look.budget.spend_bytes(len(inner))
    _hand_on(blob, inner, look)
    if damage is not None:
        raise damage


def _joined(pieces: Iterator[bytes]) -> tuple[bytes, Corrupt | None]:
    """All there is, and what is wrong with the rest."""
    content = bytearray()
    try:
        for piece in pieces:
            content += piece
    except Corrupt as error:
        return bytes(content), error
    return bytes(content), None


def _hand_on(blob: Blob, content: bytes, look: Look) -> None:
    stem, ending = posixpath.splitext(posixpath.basename(blob.name))
    name = stem if ending.lower() in {".p7m", ".p7s", ".p7z", ".p7c"} and stem else "signed content"
    kind = look.descend(blob, content, name)
    if kind not in {FileType.EMAIL, FileType.MHT} and _FIELD.match(content):
        # a mail program takes it for a message whatever it looks like
        look.descend(blob, b"MIME-Version: 1.0\r\n" + content.lstrip(b"\r\n"), "message")


def _inner(data: bytes, budget: Budget, kind: bytes, content: _Element) -> tuple[bytes | None, Corrupt | None]:
    """The content inside; None when there is none. It is the first sequence in the content that is
    not the name of an algorithm, which only signatures do without (RFC 5652 §5.1, §7, §9.1; RFC 3274 §1.1)."""
    body = next(_children(data, budget, content), None)
    if body is None or body.tag != _SEQUENCE:
        return None, None
    found, sequences = None, 0
    for child in _children(data, budget, body):
        budget.check_time()
        if child.tag != _SEQUENCE:
            continue
        sequences += 1
        _, found = _kind_and_content(data, budget, child)
        if found is not None or sequences == 2 or kind == _SIGNED:
            break
    if found is None:
        return None, None
    value = next(_children(data, budget, found), None)
    if value is None:
        return None, None
    if value.tag & ~_CONSTRUCTED == _OCTETS:
        return _joined(_octets(data, budget, value, 0))
    # PKCS #7 before CMS put any structure here; what is in it is looked for as in any other file
    return data[value.start : value.end], None


def _kind_and_content(data: bytes, budget: Budget, sequence: _Element) -> tuple[bytes, _Element | None]:
    """The object identifier a sequence begins with, and what stands behind it with the explicit tag 0."""
    kind, content = b"", None
    for number, child in enumerate(_children(data, budget, sequence)):
        if number == 0 and child.tag == _OBJECT_IDENTIFIER:
            kind = data[child.start : child.end]
        elif child.tag == _EXPLICIT:
            content = child
        if number:
            break
    return kind, content


def _octets(data: bytes, budget: Budget, element: _Element, depth: int) -> Iterator[bytes]:
    """The pieces of an octet string, which may itself be made of octet strings (X.690 §8.7)."""
    if not element.tag & _CONSTRUCTED:
        yield data[element.start : element.end]
        if element.cut:
            raise Corrupt("is a CMS file that ends in the middle")
        return
    if depth > _MAX_NESTING:
        raise Corrupt("is a CMS file with a string in too many pieces")
    for child in _children(data, budget, element):
        budget.check_time()
        if child.tag & ~_CONSTRUCTED == _OCTETS:
            yield from _octets(data, budget, child, depth + 1)


def _children(data: bytes, budget: Budget, parent: _Element) -> Iterator[_Element]:
    """What is inside an element, up to its end or, when its length was left open, up to two zero bytes."""
    position = parent.start
    while position + 2 <= parent.end:
        if parent.open and data[position : position + 2] == b"\0\0":
            return
        child = _element(data, position, parent.end)
        yield child
        position = _after(data, budget, child, 0)


def _after(data: bytes, budget: Budget, element: _Element, depth: int) -> int:
    """Where the next element begins; elements of open length are walked to find out (X.690 §8.1.3.6)."""
    if not element.open:
        return element.end
    if depth > _MAX_NESTING:
        raise Corrupt("is a CMS file that is nested too deep")
    position = element.start
    while data[position : position + 2] != b"\0\0":
        budget.check_time()
        position = _after(data, budget, _element(data, position, element.end), depth + 1)
    return position + 2


def _element(data: bytes, position: int, end: int) -> _Element:
    """The element at ``position``, as far as it is there."""
    if position + 2 > end:
        raise Corrupt("is a CMS file that ends in the middle")
    tag, length = data[position], data[position + 1]
    start = position + 2
    if tag & 0x1F == 0x1F:
        raise Corrupt("is a CMS file with a tag that has no place in it")
    if length == 0x80:
        return _Element(tag, start, end, open=True)
    if length > 0x80:
        size = length & 0x7F
        if size > 8 or start + size > end:
            raise Corrupt("is a CMS file with a length that cannot be")
        length = int.from_bytes(data[start : start + size])
        start += size
    return _Element(tag, start, min(start + length, end), cut=start + length > end)
