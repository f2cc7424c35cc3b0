"""The macro projects of a compound file, to be taken out of it: each storage that holds one, whatever it is called.

Contract: ``remove`` takes out every project of the file and what belongs to it, and says whether there was any. A
project is known by its streams (MS-OVBA 2.2), so that another name, or another place, does not save it. Raises
``CannotDisarm`` for a file that is nothing else.
"""

from __future__ import annotations

from gateway.scan.disarm.compound_edit import EditedFile
from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.documents.compound import STORAGE, STREAM, Entry

_PROJECT = frozenset({"dir", "_vba_project"})
"""Streams that only the storage of the modules has."""
_AROUND = frozenset({"macros", "_vba_project_cur"})
"""What Word and Excel call the storage around it (MS-DOC, MS-XLS)."""
_BESIDE = frozenset({"project", "projectwm", "projectlk"})
"""Streams of the project beside that storage; a form has a storage there."""
_FORM = "\x03vbframe"
_DOCUMENTS = frozenset({"worddocument", "workbook", "book", "powerpoint document", "visiodocument", "quill"})


def remove(file: EditedFile) -> bool:
    """Take every macro project out; whether there was one."""
    streams = {path: {e.key for e in found if e.kind == STREAM} for path, found in _by_storage(file).items()}
    modules = {path for path, names in streams.items() if names & _PROJECT}
    modules |= {e.path for e in file.entries if e.kind == STORAGE and e.key == "vba" and streams.get(e.path)}
    if () in modules:
        raise CannotDisarm("The document is nothing but a macro project")
    whole = {
        e.path
        for e in file.entries
        if e.kind == STORAGE and e.key in _AROUND and not streams.get(e.path, set()) & _DOCUMENTS
    }
    for path in modules:
        around = path[:-1]
        names = streams.get(around, set())
        whole.add(around if around and names & _BESIDE and not names & _DOCUMENTS else path)
    gone = [entry for entry in file.entries if entry.kind == STORAGE and entry.path in whole]
    homes = {path[:-1] for path in modules}
    gone += [entry for entry in file.entries if entry.parent in homes and _is_beside(entry, streams)]
    for entry in gone:
        file.remove(entry)
    return bool(gone)


def _is_beside(entry: Entry, streams: dict[tuple[str, ...], set[str]]) -> bool:
    if entry.kind == STREAM:
        return entry.key in _BESIDE
    return _FORM in streams.get(entry.path, set())


def _by_storage(file: EditedFile) -> dict[tuple[str, ...], list[Entry]]:
    found: dict[tuple[str, ...], list[Entry]] = {}
    for entry in file.entries:
        if not file.is_gone(entry):
            found.setdefault(entry.parent, []).append(entry)
    return found
