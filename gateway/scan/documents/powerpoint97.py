"""PowerPoint documents before 2007: the compressed objects in the main stream (MS-PPT 2.10.34 to 2.10.41), and what its
shapes do.

Contract: ``objects`` gives every embedded OLE object, the macro project included, and ``actions`` what a shape starts.
Both raise ``OverLimit`` only; an object that cannot be decompressed is reported to ``damaged``.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.scan.documents.compound import CARRIERS
from gateway.scan.look import Corrupt, Look

_OBJECT = 0x1011
_COMPRESSED = 1
_STEPS_BETWEEN_CLOCKS = 4096
_HEADS = (b"\x10\x00\x11\x10", b"\x00\x00\x11\x10")
"""The head of a record of type 0x1011, compressed or not (MS-PPT 2.3.1 RecordHeader)."""
_DEFLATE = 8
MACRO, PROGRAM = 1, 2
_ACTION_HEAD = b"\x00\x00\xf3\x0f\x10\x00\x00\x00"
"""The head of an InteractiveInfoAtom: type 0x0FF3, 16 bytes; the action is the ninth."""
_OVER_HEAD = b"\x1f\x00\xf2\x0f"
"""The head of the container around it where the mouse over the shape is meant."""
_ENCRYPTED_TOKEN = 0xF3D1C4DF


def is_encrypted(current_user: bytes) -> bool:
    """Whether the stream ``Current User`` says that the document is encrypted (MS-PPT 2.3.2 headerToken)."""
    return len(current_user) >= 16 and struct.unpack_from("<I", current_user, 12)[0] == _ENCRYPTED_TOKEN


@dataclass(frozen=True, slots=True)
class Place:
    """An embedded object: where its record begins, the size of what is behind the head, whether that is compressed, and
    what it is; None if it cannot be decompressed, and then why."""

    at: int
    size: int
    compressed: bool
    content: bytes | None
    why: str = ""


def objects(stream: bytes, look: Look, damaged: Callable[[str], None]) -> Iterator[bytes]:
    """The content of each ``ExOleObjStg``, wherever in the stream its head is."""
    for place in places(stream, look):
        if place.content is None:
            damaged(place.why)
        else:
            yield place.content


def places(stream: bytes, look: Look) -> Iterator[Place]:
    """Each ``ExOleObjStg`` and where it is.

    The directory of the stream may point anywhere, so the records are walked and searched for as well. What is only
    found by searching, and followed by nothing of the kind, is a chance hit in a picture or a text.
    """
    walked = set(_walked(stream, look))
    for at in sorted(walked.union(_searched(stream, look))):
        head, _, size = struct.unpack_from("<HHI", stream, at)
        body = stream[at + 8 : at + 8 + size]
        if head >> 4 != _COMPRESSED:
            if at in walked or body.startswith(CARRIERS):
                yield Place(at, len(body), False, body)
        elif at in walked or (len(body) > 6 and body[4] & 0x0F == _DEFLATE):
            try:
                yield Place(at, len(body), True, _inflated(body[4:], look))
            except Corrupt as error:
                yield Place(at, len(body), True, None, str(error))


def _walked(stream: bytes, look: Look) -> Iterator[int]:
    """Where on the top level, on which persist objects lie, such a record is."""
    position, steps, end = 0, 0, len(stream) - 8
    while position <= end:
        _, kind, size = struct.unpack_from("<HHI", stream, position)
        if kind == _OBJECT:
            yield position
        position += 8 + size
        steps += 1
        if not steps % _STEPS_BETWEEN_CLOCKS:
            look.budget.check_time()


def _searched(stream: bytes, look: Look) -> Iterator[int]:
    for head in _HEADS:
        at = stream.find(head)
        while at >= 0:
            look.budget.check_time()
            if at + 8 <= len(stream):
                yield at
            at = stream.find(head, at + 4)


def actions(stream: bytes, look: Look) -> Iterator[tuple[int, bool]]:
    """What the shapes do: an action (``MACRO``, ``PROGRAM`` or another), and whether the mouse over it is enough.

    MS-PPT, InteractiveInfoAtom: an atom inside a container whose instance says how the shape is used.
    """
    for place in action_places(stream, look):
        at = place - 16
        yield stream[place], at >= 8 and stream[at - 8 : at - 4] == _OVER_HEAD


def action_places(stream: bytes, look: Look) -> Iterator[int]:
    """Where the byte is that says what a shape does."""
    at = stream.find(_ACTION_HEAD)
    while at >= 0:
        look.budget.check_time()
        if at + 17 <= len(stream):
            yield at + 16
        at = stream.find(_ACTION_HEAD, at + 8)


def _inflated(body: bytes, look: Look) -> bytes:
    """PowerPoint leaves out the checksum at the end, so a stream that stops where its data end is whole."""
    try:
        content = zlib.decompressobj().decompress(body, look.budget.room + 1)
    except zlib.error as error:
        raise Corrupt(f"compressed data are damaged ({error})") from error
    look.budget.spend_bytes(len(content))
    return content
