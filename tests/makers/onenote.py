"""OneNote sections, as little of them as a reader needs to find the files (MS-ONESTORE)."""

from __future__ import annotations

import struct

SECTION = bytes.fromhex("E4525C7B8CD8A74DAEB15378D02996D3")
NOTEBOOK = bytes.fromhex("A12FFF43D9EF764C9EE210EA5722765F")
_HEADER = bytes.fromhex("E716E3BD65261145A4C48D4D0B7A9EAC")
_FOOTER = bytes.fromhex("22A7FB71790F0B4ABB13899256426B24")
_FORMAT = bytes.fromhex("3FDD9A101B91F549A5D01791EDC8AED8")

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(40)


def section(*files: bytes, kind: bytes = SECTION, form: bytes = _FORMAT, tail: bytes = b"") -> bytes:
    """A section with these files in it."""
    stored = b"".join(
        _HEADER + struct.pack("<QIQ", len(file), 0, 0) + file + bytes(-len(file) % 8) + _FOOTER for file in files
    )
    return kind + bytes(32) + form + bytes(960) + stored + tail
