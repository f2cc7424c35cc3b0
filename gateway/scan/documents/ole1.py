"""Objects as OLE 1 writes them, which RTF still does (MS-OLEDS 2.2): a head, a class name, and the object's own bytes.

Contract: ``read`` takes what it is given as far as it goes and never raises; ``None`` says that it is no such object.
``inspect`` reports what the object would do and hands on what is in it. Its bytes may be a compound file, a packed
file, an equation, or whatever the named program keeps.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from gateway.closed_sets import Kind
from gateway.scan.documents import equation, moniker, package
from gateway.scan.documents.compound import MAGIC
from gateway.scan.documents.remote import is_remote
from gateway.scan.look import Blob, Look

_LINKED, _EMBEDDED, _STATIC = 1, 2, (3, 5)
_MAX_CLASS = 255


@dataclass(frozen=True, slots=True)
class Object:
    """``topic`` is the linked file; ``content`` what the class keeps (MS-OLEDS 2.2.4 and 2.2.5)."""

    format: int
    class_name: str
    topic: str
    content: bytes


def read(data: bytes) -> Object | None:
    """The object at the start of ``data``. The version before it is not looked at, because no reader does."""
    if len(data) < 12:
        return None
    kind = struct.unpack_from("<I", data, 4)[0]
    if kind not in {_LINKED, _EMBEDDED, *_STATIC}:
        return None
    class_name, position = _text(data, 8)
    if position < 0 or not class_name.isprintable():
        return None
    topic, position = _text(data, position) if kind not in _STATIC else ("", position)
    _, position = _text(data, position) if kind not in _STATIC and position >= 0 else ("", position)
    if position < 0:
        return None
    return Object(kind, class_name, topic, data[position + 4 :])


def _text(data: bytes, position: int) -> tuple[str, int]:
    """A counted string with its zero, and where it ends; -1 when it cannot be one."""
    if position + 4 > len(data):
        return "", -1
    length = struct.unpack_from("<I", data, position)[0]
    if length > min(_MAX_CLASS if position == 8 else 1 << 16, len(data) - position - 4):
        return "", -1
    raw = data[position + 4 : position + 4 + length]
    return raw.split(b"\0")[0].decode("cp1252", "replace"), position + 4 + length


def inspect(found: Object, blob: Blob, name: str, look: Look) -> None:
    """Look into one object of ``blob``; what is in it is called ``name``."""
    if is_remote(found.topic):
        sentence = f"Holds a linked object that is fetched from another machine: {found.topic}"
        look.find(Kind.REMOTE_TEMPLATE, blob.where, sentence, reference="MS-OLEDS 2.2.6")
    compound = found.content.find(MAGIC)
    if compound >= 0:
        look.descend(blob, found.content[compound:], name)
    elif found.class_name.casefold() in equation.CLASS_NAMES:
        equation.inspect(found.content, blob.where, look)
    elif found.class_name.casefold() == "package":
        package.unpack_package(len(found.content).to_bytes(4, "little") + found.content, blob, blob.where, look)
    elif found.format == _EMBEDDED and found.content:
        moniker.inspect(found.content, blob.where, look)
        look.descend(blob, found.content, name)
