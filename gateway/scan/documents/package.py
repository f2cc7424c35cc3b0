"""Files packed into a document by drag and drop: the ``\\x01Ole10Native`` stream of the Packager (MS-OLEDS 2.3.6).

Contract: ``unpack_package`` reports the packed file and hands it on to be looked into. A double click on its icon runs
it, so a kind of file that is a program is suspicious; any other is judged by what it is. A record that ends before its
file does is corrupt; what is there of the file is looked into. Never raises for any content.
"""

from __future__ import annotations

import struct
from pathlib import PureWindowsPath

from gateway.closed_sets import Kind, Verdict
from gateway.scan.documents.compound import CARRIERS
from gateway.scan.look import Blob, Look

STREAM_NAME = "\x01Ole10Native"

RUNNABLE = frozenset(
    {
        *("appref-ms", "application", "bat", "chm", "cmd", "com", "cpl", "dll", "exe", "gadget", "hta", "inf", "jar"),
        *("jnlp", "js", "jse", "lnk", "mht", "mhtml", "msc", "msi", "msp", "mst", "pif", "ps1", "psc1", "reg", "scf"),
        *("scr", "sct", "settingcontent-ms", "url", "vb", "vbe", "vbs", "vbscript", "wsc", "wsf", "wsh", "xll"),
    }
)
"""Extensions that Windows runs rather than shows."""

_PACKAGED = 2
_LINKED = 1
"""The file stays where it is, and only its names are here."""


def unpack_package(stream: bytes, blob: Blob, where: str, look: Look) -> None:
    """Look into one Ole10Native stream of ``blob``."""
    names, content, whole = _read(stream)
    if not names:
        # the native data of another program; a document in it is one whatever stands before it
        found = [at for magic in CARRIERS if (at := stream.find(magic)) >= 0]
        if found:
            look.descend(blob, stream[min(found) :], "native data")
        return
    shown = next((name for name in names if name), "unnamed")
    extensions = {PureWindowsPath(name.strip()).suffix.lower().lstrip(".") for name in names}
    runnable = bool(extensions & RUNNABLE)
    look.find(
        Kind.OLE_PACKAGE,
        where,
        f"A double click runs the packed file {shown}" if runnable else f"Holds the packed file {shown}",
        reference="MS-OLEDS 2.3.6",
        verdict=None if runnable else Verdict.CLEAN,
    )
    if not whole:
        look.find(Kind.CORRUPT, where, f"The packed file {shown} breaks off", reference="MS-OLEDS 2.3.6")
    if content:
        look.descend(blob, content, PureWindowsPath(shown).name or "package")


def _read(stream: bytes) -> tuple[list[str], bytes, bool]:
    """The names (label, file, temporary path), the content, and whether all of it is here; no name when it is no
    packed file."""
    if len(stream) < 8 or struct.unpack_from("<H", stream, 4)[0] != _PACKAGED:
        return [], b"", True
    label, position = _ascii(stream, 6)
    file, position = _ascii(stream, position)
    # a reserved field, then how the file is held, then the counted temporary path
    linked = stream[position + 2 : position + 4] == _LINKED.to_bytes(2, "little")
    position += 4
    if linked or position + 4 > len(stream):
        return [label, file], b"", linked
    length = struct.unpack_from("<I", stream, position)[0]
    temporary = stream[position + 4 : position + 4 + min(length, 1024)].split(b"\0")[0].decode("cp1252", "replace")
    names = [label, file, temporary]
    position += 4 + length
    if position + 4 > len(stream):
        return names, b"", False
    size = struct.unpack_from("<I", stream, position)[0]
    content = stream[position + 4 : position + 4 + size]
    return names, content, len(content) == size


def _ascii(stream: bytes, start: int) -> tuple[str, int]:
    end = stream.find(b"\0", start, start + 1024)
    if end < 0:
        return "", len(stream)
    return stream[start:end].decode("cp1252", "replace"), end + 1
