"""Word, Excel and PowerPoint documents before 2007, and every other compound file: what in it can act by itself.

Contract: the directory decides what is read. Storages inside the file (embedded objects) are looked at with the same
eyes and in the same pass. An encrypted document is opened with the passwords Office tries by itself and those of the
message, and what comes out is looked into; else it is ``ENCRYPTED``. Raises ``Corrupt`` when there is no directory,
after looking for macro source in the bytes, and ``OverLimit``.
"""

from __future__ import annotations

from gateway.closed_sets import FileType, Kind
from gateway.scan.documents import (
    activex,
    biff,
    encryption,
    equation,
    moniker,
    package,
    powerpoint97,
    word97,
)
from gateway.scan.documents.compound import CARRIERS, STREAM, CompoundFile, Entry
from gateway.scan.documents.vba import carve_vba, inspect_vba
from gateway.scan.look import Blob, Corrupt, Look
from gateway.scan.triggers import APPLICATIONS

TYPES = frozenset({FileType.DOC, FileType.XLS, FileType.PPT, FileType.OLE, FileType.VBA_PROJECT})

_HOSTS = {
    "worddocument": "word",
    "workbook": "excel",
    "book": "excel",
    "powerpoint document": "powerpoint",
    "visiodocument": "visio",
    "quill": "publisher",
}
"""Streams and storages that only one application reads."""
WHOLE_FILES = frozenset({"package", "contents"})
"""Streams in which an embedded object keeps its whole file, text and XML included (MS-OLEDS)."""
_MAX_LINK = 1 << 16
"""Bytes of a stream that names where a linked object is."""


def inspect(blob: Blob, look: Look) -> None:
    """Report what is active in one compound file and hand on what is embedded in it."""
    try:
        file = CompoundFile(blob.data)
    except Corrupt:
        carve_vba(bytes(blob.data), blob.where, look, APPLICATIONS)
        raise
    _Inspection(blob, look, file).run()


class _Inspection:
    """One compound file being looked at."""

    def __init__(self, blob: Blob, look: Look, file: CompoundFile) -> None:
        self.blob, self.look, self.file = blob, look, file
        self.where = blob.where
        self.encrypted = False

    def run(self) -> None:
        handlers = {
            "encryptedpackage": self._package,
            "encryptedsummary": self._summary,
            "current user": self._current_user,
            "worddocument": self._word,
            "workbook": self._workbook,
            "book": self._workbook,
            "powerpoint document": self._presentation,
            package.STREAM_NAME.casefold(): self._packed_file,
            equation.STREAM_NAME.casefold(): self._equation,
            moniker.STREAM_NAME.casefold(): self._link,
        }
        streams = [entry for entry in self.file.entries if entry.kind == STREAM]
        for entry in streams:
            self.look.budget.check_time()
            handlers.get(entry.key, self._other)(entry)
        for entry in self.file.entries:
            activex.tell(entry.clsid, self.where, self.look)
        hosts = frozenset(_HOSTS[entry.key] for entry in self.file.entries if entry.key in _HOSTS)
        inspect_vba(self.file, self.blob.data, self.where, self.look, hosts or APPLICATIONS)
        if self.file.damaged:
            self.look.find(Kind.CORRUPT, self.where, f"Is a damaged compound file: {self.file.damaged}")
        if self.encrypted:
            self._decrypt()

    def _read(self, entry: Entry, limit: int | None = None) -> bytes:
        # several entries may name the same sectors, so what is read is paid for although nothing was unpacked
        content = self.file.read(entry, limit)
        self.look.budget.spend_bytes(len(content))
        return content

    def _package(self, _entry: Entry) -> None:
        """MS-OFFCRYPTO 2.3.4.4: the whole document is in this stream, encrypted."""
        self.encrypted = True

    def _summary(self, _entry: Entry) -> None:
        """Of an encrypted presentation. It stays when that is decrypted; where there is a user stream, that decides."""
        self.encrypted = self.encrypted or not self.file.streams("Current User")

    def _current_user(self, entry: Entry) -> None:
        self.encrypted = self.encrypted or powerpoint97.is_encrypted(self._read(entry, 16))

    def _word(self, entry: Entry) -> None:
        try:
            fib = word97.read_fib(self._read(entry, word97.FIB_SIZE))
        except Corrupt as error:
            # LibreOffice puts an empty stream of this name beside the encrypted package.
            if not self.file.streams("EncryptedPackage"):
                self.look.find(Kind.CORRUPT, self.where, f"The document {error}")
            return
        if fib.encrypted:
            self.encrypted = True
            return
        text = self._read(entry)
        word97.inspect_commands(text, fib, self.where, self.look)
        tables = [self._read(t) for t in self.file.streams(fib.table) if t.parent == entry.parent]
        for table in tables or [b""]:
            word97.inspect_text(text, table, fib, self.where, self.look)
            word97.inspect_template(table, fib, self.where, self.look)

    def _workbook(self, entry: Entry) -> None:
        try:
            found = biff.read_globals(self._read(entry), self.look.budget)
        except Corrupt as error:
            self.look.find(Kind.CORRUPT, self.where, f"The workbook {error}")
            return
        self.encrypted = self.encrypted or found.encrypted
        biff.tell(found, self.where, self.look)

    def _presentation(self, entry: Entry) -> None:
        def damaged(why: str) -> None:
            self.look.find(Kind.CORRUPT, self.where, f"An embedded object of the presentation: {why}")

        stream = self._read(entry)
        kinds = {
            self.look.descend(self.blob, content, f"object{number}.bin")
            for number, content in enumerate(powerpoint97.objects(stream, self.look, damaged), 1)
        }
        started = set(powerpoint97.actions(stream, self.look))
        if (powerpoint97.MACRO, True) in started and FileType.VBA_PROJECT in kinds:
            sentence = "Runs by itself when the mouse is over a shape"
            self.look.find(Kind.VBA_AUTOEXEC, self.where, sentence, reference="MS-PPT InteractiveInfoAtom")
        if any(action == powerpoint97.PROGRAM for action, _ in started):
            sentence = "Starts a program by a click on a shape or the mouse over it"
            self.look.find(Kind.SCRIPT_CARRIER, self.where, sentence, reference="MS-PPT InteractiveInfoAtom")

    def _equation(self, entry: Entry) -> None:
        equation.inspect(self._read(entry), self.where, self.look)

    def _link(self, entry: Entry) -> None:
        moniker.inspect(self._read(entry, _MAX_LINK), self.where, self.look)

    def _packed_file(self, entry: Entry) -> None:
        content = self._read(entry)
        if class_of(self.file, entry.parent) == equation.EDITOR and equation.inspect(
            content[4:], self.where, self.look
        ):
            return  # early versions of the Equation Editor kept their records here, behind their size
        package.unpack_package(content, self.blob, self.where, self.look)

    def _other(self, entry: Entry) -> None:
        """Any other stream is a document of its own if it begins as one, or if that is what such a stream is for."""
        if self.file.read(entry, 8).startswith(CARRIERS) or (entry.key in WHOLE_FILES and entry.size):
            self.look.descend(self.blob, self._read(entry), "/".join(entry.path))

    def _decrypt(self) -> None:
        if not self.file.is_finite():
            self.look.find(Kind.ENCRYPTED, self.where, "Is encrypted, and too damaged to be opened")
            return
        info = b"".join(self._read(entry, 1 << 16) for entry in self.file.streams("EncryptionInfo"))
        found = encryption.decrypt(self.blob.data, info, self.where, self.look.passwords, self.look.budget)
        if found is None:
            self.look.find(Kind.ENCRYPTED, self.where, "Is encrypted, and no password is known")
            return
        plain, source = found
        self.look.find(Kind.DECRYPTED, self.where, f"Is encrypted; {source} opens it, and it was looked into")
        self.look.descend(self.blob, plain, "decrypted")


def class_of(file: CompoundFile, storage: tuple[str, ...]) -> bytes:
    """The CLSID of a storage."""
    return next((entry.clsid for entry in file.entries if entry.path == storage), file.root_clsid)
