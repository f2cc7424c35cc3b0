"""Rich Text Format and the OLE 1 objects in it (RTF 1.9.1, MS-OLEDS 2.2), written as they are asked for."""

from __future__ import annotations

import struct


def rtf(body: bytes) -> bytes:
    """A document of one paragraph with ``body`` behind it."""
    return b"{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\\f0 Text\\par " + body + b"}"


def embedded(content: bytes, *, words: bytes = b"\\objemb") -> bytes:
    """A group with an object in it; ``content`` begins with the head of OLE 1."""
    return b"{\\object" + words + b"\\objw100\\objh100{\\*\\objdata " + content.hex().encode() + b"}{\\result }}"


def ole1(class_name: str, content: bytes, *, topic: str = "", form: int = 2) -> bytes:
    """An embedded (``form`` 2) or linked (1) object."""
    head = struct.pack("<II", 0x501, form) + _text(class_name) + _text(topic) + _text("")
    return head + struct.pack("<I", len(content)) + content


def native(name: str, content: bytes) -> bytes:
    """What the Packager keeps of a file, without the size before it (MS-OLEDS 2.3.6)."""
    title = name.encode() + b"\0"
    head = struct.pack("<H", 2) + title + title + struct.pack("<HH", 0, 3) + struct.pack("<I", len(title)) + title
    return head + struct.pack("<I", len(content)) + content


def _text(text: str) -> bytes:
    return struct.pack("<I", len(text) + 1) + text.encode() + b"\0" if text else bytes(4)


PACKAGE = native("inert.js", b"// inert")


def link_stream(address: str) -> bytes:
    """The stream ``\\x01Ole`` of an object that is linked to an address by a URL moniker."""
    wide = address.encode("utf-16-le") + b"\0\0"
    moniker = bytes.fromhex("E0C9EA79F9BACE118C8200AA004BA90B") + struct.pack("<I", len(wide)) + wide
    return struct.pack("<IIII", 0x02000001, 9, 1, 0) + struct.pack("<I", len(moniker) + 4) + moniker


URL_LINK = link_stream("http://host.example/inert.hta")
