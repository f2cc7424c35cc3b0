"""Programs: that one is there, and what kind of program as far as its name or its exports tell.

Contract: everything sniffed as a program is a carrier. The export table of a PE file (Microsoft PE format, ``.edata``)
is read within fixed bounds, because an Excel add-in is told from any other library only by what it exports. Never
raises for any content.
"""

from __future__ import annotations

import struct

from gateway.closed_sets import Kind
from gateway.scan import names, sniff
from gateway.scan.look import Blob, Look

MAX_EXPORTS = 500
MAX_SECTIONS = 96

_BY_EXPORT = {
    "xlAutoOpen": "an Excel add-in (.xll), whose code Excel runs when it is opened",
    "CPlApplet": "a control panel item (.cpl), whose code runs when it is opened",
}
_BY_ENDING = {
    "xll": "an Excel add-in (.xll)",
    "wll": "a Word add-in (.wll)",
    "scr": "a screen saver (.scr), which is a program like any other",
    "cpl": "a control panel item (.cpl)",
    "pif": "a program under the name of a shortcut (.pif)",
    "com": "a DOS program (.com)",
    "dll": "a library (.dll)",
    "sys": "a driver (.sys)",
    "jar": "a Java program (.jar)",
    "class": "a compiled Java class",
}


def inspect_program(blob: Blob, look: Look) -> None:
    """Report the program."""
    if sniff.is_test_file(blob.data):
        look.find(Kind.SCRIPT_CARRIER, blob.where, "is EICAR's test file: a harmless program every scanner stops")
        return
    kind = next((_BY_EXPORT[name] for name in exports(bytes(blob.data)) if name in _BY_EXPORT), "")
    kind = kind or next((_BY_ENDING[ending] for ending in names.endings(blob.name) if ending in _BY_ENDING), "")
    pretended = names.pretends(blob.name)
    sentence = f"is {kind or 'a program'}" + (f" under a name that pretends to be a {pretended}" if pretended else "")
    look.find(Kind.SCRIPT_CARRIER, blob.where, sentence)


def exports(data: bytes) -> list[str]:
    """The names a PE file exports, at most ``MAX_EXPORTS``; none for anything else."""
    try:
        return _exports(data)
    except (struct.error, IndexError):
        return []  # what is cut off exports nothing


def _exports(data: bytes) -> list[str]:
    header = struct.unpack_from("<I", data, 60)[0]
    if data[header : header + 4] != b"PE\0\0":
        return []
    sections, optional_size = (
        struct.unpack_from("<H", data, header + 6)[0],
        struct.unpack_from("<H", data, header + 20)[0],
    )
    optional = header + 24
    wide = struct.unpack_from("<H", data, optional)[0] == 0x20B  # PE32+
    address = struct.unpack_from("<I", data, optional + (112 if wide else 96))[0]
    table = [
        struct.unpack_from("<4I", data, optional + optional_size + 40 * number + 8)
        for number in range(min(sections, MAX_SECTIONS))
    ]
    directory = _offset(table, address)
    count, _, listed = struct.unpack_from("<3I", data, directory + 24)
    pointers = _offset(table, listed)
    found = []
    for number in range(min(count, MAX_EXPORTS)):
        at = _offset(table, struct.unpack_from("<I", data, pointers + 4 * number)[0])
        found.append(data[at : at + 64].split(b"\0")[0].decode("ascii", "replace"))
    return found


def _offset(table: list[tuple[int, ...]], address: int) -> int:
    """Where in the file the memory ``address`` lies. Raises ``IndexError`` when no section holds it."""
    for virtual_size, virtual, raw_size, raw in table:
        if address and virtual <= address < virtual + max(virtual_size, raw_size):
            return address - virtual + raw
    raise IndexError(address)
