"""Word, Excel and PowerPoint documents before 2007, and other compound files, without what runs in them.

Contract: a ``Disarmer``. The file keeps its length and its name, and every stream that is not mentioned below its bytes
and its place: macro projects are taken out of the directory and overwritten, and in the streams of the three programs
what acts by itself, or refers to what is gone, is changed where it stands. A file whose structure leaves room for doubt
cannot be disarmed, nor can an encrypted one.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.closed_sets import FileType
from gateway.scan.disarm import ole_objects, vba_storages
from gateway.scan.disarm.compound_edit import EditedFile
from gateway.scan.disarm.excel_binary import Workbook
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, Work
from gateway.scan.disarm.powerpoint_binary import Presentation
from gateway.scan.disarm.word_binary import Document, opened
from gateway.scan.documents import biff, powerpoint97
from gateway.scan.documents.compound import STREAM, Entry
from gateway.scan.look import Corrupt

TYPES = frozenset({FileType.DOC, FileType.XLS, FileType.PPT, FileType.OLE})

_MEDIA_TYPES = {
    "worddocument": "application/msword",
    "workbook": "application/vnd.ms-excel",
    "book": "application/vnd.ms-excel",
    "powerpoint document": "application/vnd.ms-powerpoint",
}
"""By the stream that only one program writes, the first that is there."""
_MACROS = "its macros"
_SIGNATURE = "its digital signature, which no longer holds"
_SIGNATURES = frozenset({"_xmlsignatures", "_signatures"})
"""Storage and stream that sign the other streams (MS-OFFCRYPTO 2.5)."""
_ENCRYPTED = frozenset({"encryptedpackage", "encryptedsummary"})


def disarm(content: bytes, name: str, work: Work) -> Disarmed:
    """The document without what runs in it. Raises ``CannotDisarm`` and ``OverLimit``."""
    return _Disarming(content, name, work).run()


class _Disarming:
    """One compound file being taken apart."""

    def __init__(self, content: bytes, name: str, work: Work) -> None:
        self._content, self._name, self._work = content, name, work
        self._file = EditedFile(content)
        self._removed: dict[str, None] = {}
        self._macros = False

    def run(self) -> Disarmed:
        kinds = {entry.key for entry in self._file.entries}
        if kinds & _ENCRYPTED:
            raise CannotDisarm("The document is encrypted")
        self._macros = vba_storages.remove(self._file)
        self._tell([_MACROS] if self._macros else [])
        handlers: dict[str, Callable[[Entry], list[str]]] = {
            "worddocument": self._word,
            "workbook": self._workbook,
            "book": self._workbook,
            "powerpoint document": self._presentation,
            "current user": self._current_user,
        }
        for entry in self._file.entries:
            self._work.budget.check_time()
            if entry.kind == STREAM and not self._file.is_gone(entry):
                self._tell(handlers.get(entry.key, self._object)(entry))
        self._tell(ole_objects.disarm_controls(self._file, self._work))
        kind = next((kind for key, kind in _MEDIA_TYPES.items() if key in kinds), "application/x-ole-storage")
        if not self._file.changed:
            return Disarmed(self._content, self._name, kind, ())
        self._signatures()
        return Disarmed(self._file.finished(), self._name, kind, tuple(self._removed))

    def _tell(self, words: list[str]) -> None:
        self._removed.update(dict.fromkeys(words))

    def _read(self, entry: Entry) -> bytes:
        content = self._file.read(entry)
        self._work.budget.spend_bytes(len(content))
        return content

    def _word(self, entry: Entry) -> list[str]:
        stream = self._read(entry)
        fib = opened(stream)
        if fib is None:
            return []
        table = next((e for e in self._file.streams(fib.table) if e.parent == entry.parent), None)
        document = Document(stream, self._read(table) if table else b"", fib, self._work.budget)
        removed = document.disarm(macros=self._macros)
        self._write(entry, stream, document.stream)
        if table and document.table is not document.stream:
            self._write(table, None, document.table)
        return removed

    def _workbook(self, entry: Entry) -> list[str]:
        stream = self._read(entry)
        try:
            found = biff.read_globals(stream, self._work.budget)
        except Corrupt as error:
            raise CannotDisarm(f"The workbook {error}") from error
        book = Workbook(stream, found, self._work.rules, self._work.budget)
        removed = book.disarm(macros=self._macros)
        self._write(entry, stream, book.stream)
        return removed

    def _presentation(self, entry: Entry) -> list[str]:
        stream = self._read(entry)
        presentation = Presentation(stream, self._work)
        removed = presentation.disarm()
        self._write(entry, stream, presentation.stream)
        return removed

    def _current_user(self, entry: Entry) -> list[str]:
        if powerpoint97.is_encrypted(self._file.read(entry, 16)):
            raise CannotDisarm("The presentation is encrypted")
        return []

    def _object(self, entry: Entry) -> list[str]:
        return ole_objects.disarm_stream(self._file, entry, self._work)

    def _write(self, entry: Entry, before: bytes | None, after: bytearray) -> None:
        if before is None or after != before:
            self._file.write(entry, after)

    def _signatures(self) -> None:
        for entry in self._file.entries:
            if entry.key in _SIGNATURES and not self._file.is_gone(entry):
                self._file.remove(entry)
                self._tell([_SIGNATURE])
