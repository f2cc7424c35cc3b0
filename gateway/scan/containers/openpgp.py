"""OpenPGP messages (RFC 9580): what is only signed or compressed is handed on, what is encrypted is said to be.

Contract: packets are followed as far as they are messages; keys and detached signatures are nothing. Armour (§6) is
found in any text by ``armoured``. Raises ``OverLimit`` and ``Corrupt``.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator

from gateway.closed_sets import FileType, Kind
from gateway.scan.containers import bounded
from gateway.scan.encodings.base64_text import simple_base64
from gateway.scan.look import Blob, Corrupt, Look

TYPES = frozenset({FileType.OPENPGP})

BEGIN = b"-----BEGIN PGP "
SIGNED_ARMOUR = b"-----BEGIN PGP SIGNED MESSAGE-----"

_ARMOUR = re.compile(rb"^-----BEGIN PGP MESSAGE[^\n]{0,40}-----[ \t\r]{0,9}\n", re.MULTILINE)
_ARMOUR_END = re.compile(rb"^(?:=[A-Za-z0-9+/]{4}|-----END PGP)", re.MULTILINE)
_ARMOUR_FIELD = re.compile(rb"(?:[A-Za-z]{1,20}: [^\n]{0,1000}\n)*[ \t\r]*\n")

# Packet types (§5) by what they are here.
_SESSION_KEY, _PASSWORD, _COMPRESSED, _LITERAL = 1, 3, 8, 11
_LOCKED = frozenset({_SESSION_KEY, _PASSWORD, 9, 18, 20})
_ALGORITHMS = frozenset(bytes([number]) for number in (1, 2, 3, 16, 18, 19, 20, 22, 25, 26))
_MESSAGE_TAGS = frozenset({b"\xa3", b"\xac", b"\xad", b"\xae", b"\xc8", b"\xcb"})
_MAX_NESTING = 8
_MAX_TAIL = 8


def begins(head: bytes, size: int) -> bool:
    """Whether a file of ``size`` bytes begins with a packet that begins a message, and whose fixed places fit."""
    if len(head) < 16 or not head[0] & 0x80:
        return False
    try:
        kind, body, after = _packet(head, 0, cut=True)
    except Corrupt:
        return False
    if kind == _LITERAL:
        return body[:1] in {b"b", b"t", b"u", b"m"} and len(body) > 6 and after == size
    fits = _FIRST.get(kind)
    return fits is not None and fits(body, head[after : after + 1])


def _session_key(body: bytes, following: bytes) -> bool:
    known = body[:1] == b"\x06" or (body[:1] == b"\x03" and body[9:10] in _ALGORITHMS)
    return known and following >= b"\x80"


def _password(body: bytes, _following: bytes) -> bool:
    return 2 <= len(body) < 64 and 4 <= body[0] <= 6 and 1 <= body[1] <= 13


def _announcement(body: bytes, _following: bytes) -> bool:
    return len(body) == 13 and body[0] == 3 and body[1] <= 1


def _signature(body: bytes, following: bytes) -> bool:
    """A signature that stands before what it signs."""
    return body[:1] in {b"\x03", b"\x04"} and following in _MESSAGE_TAGS


def _compressed(body: bytes, _following: bytes) -> bool:
    return _opens(body)


def _marker(body: bytes, _following: bytes) -> bool:
    return body == b"PGP"


_FIRST: dict[int, Callable[[bytes, bytes], bool]] = {
    _SESSION_KEY: _session_key,
    2: _signature,
    _PASSWORD: _password,
    4: _announcement,
    _COMPRESSED: _compressed,
    10: _marker,
}
"""Packets a message begins with, and what tells them from other bytes: the packet and the first byte behind it."""


def _opens(body: bytes) -> bool:
    """Whether compressed content begins with a packet."""
    if body[:4] == b"\x03BZh":
        return True
    try:
        window = {b"\x01": -15, b"\x02": 15}[body[:1]]
        first = zlib.decompressobj(window).decompress(body[1:], 1)
    except (KeyError, zlib.error):
        return False
    return bool(first) and first[0] & 0x80 != 0


def armoured(text: bytes) -> Iterator[bytes]:
    """The content of every armoured message in a text."""
    for begin in _ARMOUR.finditer(text):
        start = fields.end() if (fields := _ARMOUR_FIELD.match(text, begin.end())) else begin.end()
        end = _ARMOUR_END.search(text, start)
        yield simple_base64(text[start : end.start() if end else len(text)])


def unpack(blob: Blob, look: Look) -> None:
    """Hand on what is in the clear; say what is encrypted."""
    _message(bytes(blob.data), blob, look, 0)


def _message(data: bytes, blob: Blob, look: Look, depth: int) -> None:
    if depth > _MAX_NESTING:
        raise Corrupt("is an OpenPGP message that is nested too deep")
    position = 0
    while position < len(data):
        look.budget.check_time()
        if position > 0 and len(data) - position <= _MAX_TAIL:
            return  # what is shorter than any message, like a line end or the checksum of an armour
        kind, body, position = _packet(data, position)
        if kind in _LOCKED:
            look.find(Kind.ENCRYPTED, blob.where, "is encrypted with OpenPGP", reference="RFC 9580 §5")
            return
        if kind == _COMPRESSED:
            _message(_decompressed(body, look), blob, look, depth + 1)
        elif kind == _LITERAL:
            _literal(body, blob, look)


def _decompressed(body: bytes, look: Look) -> bytes:
    match body[:1]:
        case b"\x00":
            return body[1:]
        case b"\x01":
            return bounded.inflate(body[1:], look.budget)[0]
        case b"\x02":
            return bounded.inflate(body[1:], look.budget, bounded.ZLIB)[0]
        case b"\x03":
            return bounded.bunzip2(body[1:], look.budget)[0]
    raise Corrupt("is an OpenPGP message compressed in an unknown way")


def _literal(body: bytes, blob: Blob, look: Look) -> None:
    """Format, name, date, content (§5.9)."""
    if len(body) < 2:
        raise Corrupt("is an OpenPGP message that ends in the middle")
    length = body[1]
    name = body[2 : 2 + length].decode("utf-8", "replace")
    content = body[2 + length + 4 :]
    look.budget.spend_bytes(len(content))
    look.descend(blob, content, name or "message")


def _packet(data: bytes, position: int, *, cut: bool = False) -> tuple[int, bytes, int]:
    """Type and body of a packet, and where the next one begins (§4.2). ``cut`` says that only a beginning is there."""
    first = data[position]
    if not first & 0x80:
        raise Corrupt("is an OpenPGP message with something else in it")
    if first & 0x40:
        body, after = _new_length(data, position + 1, cut=cut)
        return first & 0x3F, body, after
    size = (1, 2, 4, 0)[first & 3]
    start = position + 1 + size
    end = start + int.from_bytes(data[position + 1 : start]) if size else len(data)
    if end > len(data) and not cut:
        raise Corrupt("is an OpenPGP message that ends in the middle")
    return first >> 2 & 0xF, data[start:end], end


def _new_length(data: bytes, position: int, *, cut: bool) -> tuple[bytes, int]:
    """Body of a packet of the newer format, which may come in pieces (§4.2.1)."""
    pieces: list[bytes] = []
    while position < len(data):
        first = data[position]
        partial = 224 <= first < 255
        if partial:
            position, length = position + 1, 1 << (first & 0x1F)
        elif first < 192:
            position, length = position + 1, first
        elif first == 255:
            position, length = position + 5, int.from_bytes(data[position + 1 : position + 5])
        else:
            length = (first - 192 << 8) + int.from_bytes(data[position + 1 : position + 2]) + 192
            position += 2
        pieces.append(data[position : position + length])
        position += length
        if not partial:
            break
    if position > len(data) and not cut:
        raise Corrupt("is an OpenPGP message that ends in the middle")
    return b"".join(pieces), position
