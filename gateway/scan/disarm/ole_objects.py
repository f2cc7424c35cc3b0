"""Objects inside a compound file: packed files, documents, links, equations and controls (MS-OLEDS).

Contract: ``disarm_stream`` judges a stream as the scan does. What is bad in itself is taken out, and the object then
shows its picture and can no longer be opened; a document in it is disarmed where it stands, and taken out where that
cannot be done. Returns what was removed, in words. Raises ``OverLimit``.
"""

from __future__ import annotations

from gateway.scan.disarm.compound_edit import EditedFile
from gateway.scan.disarm.inspection import Inspection
from gateway.scan.disarm.parts import CannotDisarm, Work
from gateway.scan.documents import activex, equation, moniker, ole, package
from gateway.scan.documents.compound import CARRIERS, STORAGE, Entry
from gateway.scan.look import Blob

OBJECT = "an object that could run something"
LINK = "a link to an object elsewhere"
CONTROL = "a control that could run something"


def disarm_stream(file: EditedFile, entry: Entry, work: Work) -> list[str]:
    """Look into one stream, and change it if need be."""
    inspection = Inspection(work)
    key = entry.key
    if key == package.STREAM_NAME.casefold():
        content = _read(file, entry, work)
        if ole.class_of(file, entry.parent) != equation.EDITOR or not equation.inspect(content[4:], "", inspection):
            inspection = Inspection(work)
            package.unpack_package(content, Blob(content, ""), "", inspection)
    elif key == equation.STREAM_NAME.casefold():
        equation.inspect(_read(file, entry, work), "", inspection)
    elif key == moniker.STREAM_NAME.casefold():
        moniker.inspect(_read(file, entry, work), "", inspection)
    elif file.read(entry, 8).startswith(CARRIERS) or (key in ole.WHOLE_FILES and entry.size):
        inspection.descend(Blob(b"", ""), _read(file, entry, work), entry.name)
    else:
        return []
    if inspection.is_bad:
        file.remove(entry)
        return [LINK if key == moniker.STREAM_NAME.casefold() else OBJECT]
    try:
        return _disarm_inside(file, entry, inspection.inside, work)
    except CannotDisarm:
        file.remove(entry)
        return [OBJECT]


def _disarm_inside(file: EditedFile, entry: Entry, inside: list[tuple[bytes, str]], work: Work) -> list[str]:
    stream = bytearray(file.read(entry)) if inside else bytearray()
    removed: list[str] = []
    for content, name in inside:
        changed = work.inner(content, name)
        if changed is None:
            continue
        at = stream.find(content)
        if at < 0 or (len(changed.content) != len(content) and at + len(content) < len(stream)):
            raise CannotDisarm("What stands behind the object counts on its length")
        stream[at : at + len(content)] = changed.content
        removed += changed.removed
    if removed:
        file.write(entry, stream)
    return removed


def disarm_controls(file: EditedFile, work: Work) -> list[str]:
    """Take out what the controls of dangerous classes keep, and their class."""
    found = False
    for entry in file.entries:
        inspection = Inspection(work)
        activex.tell(entry.clsid, "", inspection)
        if inspection.is_bad and not file.is_gone(entry):
            found = True
            file.clear_class(entry)
            for other in file.inside(entry.path) if entry.kind == STORAGE else []:
                file.remove(other)
    return [CONTROL] if found else []


def _read(file: EditedFile, entry: Entry, work: Work) -> bytes:
    content = file.read(entry)
    work.budget.spend_bytes(len(content))
    return content
