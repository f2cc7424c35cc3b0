"""PDF files: the files embedded in them, and what starts by itself (ISO 32000-1 §7.11, §12.6).

Contract: ``inspect`` hands on every embedded file, by its type or because a file specification names it, and reports
actions that start a program, a script that hands out an embedded file, and addresses that are sent the reader's
credentials. A script alone is in many honest forms and no alarm. What is in an encrypted file cannot be seen: one that
shows an embedded file is ``ENCRYPTED``, and any other is clean and told so, because banks encrypt statements as a
habit. Raises ``OverLimit`` only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.scan.documents import pdf_objects
from gateway.scan.documents.package import RUNNABLE
from gateway.scan.documents.pdf_objects import Object, Objects
from gateway.scan.documents.remote import is_remote, is_share
from gateway.scan.look import Blob, Corrupt, Look
from gateway.scan.names import endings

TYPES = frozenset({FileType.PDF})

_WORTH_A_LOOK = re.compile(
    rb"/(?:ObjStm|EmbeddedFile|EF|Launch|JS|JavaScript|Encrypt|GoTo[RE]|[A-Za-z]{0,20}#[0-9A-Fa-f]{2})"
)
_REFERENCE = re.compile(rb"(\d{1,10})[\s\0]{1,20}\d{1,10}[\s\0]{1,20}R\b")
_EMBEDDED = re.compile(rb"/EF[\s\0]{0,20}(<<[^>]{0,2000}>>|\d{1,10}[\s\0]{1,20}\d{1,10}[\s\0]{1,20}R)")
_FILE_NAME = re.compile(rb"/(?:UF|F|Unix|DOS|Mac|P)[\s\0]{0,20}(?=[(<])")
_SCRIPT = re.compile(rb"/JS[\s\0]{0,20}(?=[(<\d])")
_AUTOMATIC = re.compile(rb"/(?:OpenAction|AA)\b")
_ENCRYPT = re.compile(rb"/Encrypt[\s\0]{0,20}(?:\d|<<)")
_OPEN_ACTION = re.compile(rb"/(?:OpenAction|O|PO|PV|WC)[\s\0]{0,20}(\d{1,10})[\s\0]{1,20}\d{1,10}[\s\0]{1,20}R\b")
_SCRIPTS_OF_DOCUMENT = re.compile(rb"/(?:JavaScript[\s\0]{0,20}(?:\d|<<)|OpenAction\b)")
_ESCAPED = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|.))", re.DOTALL)
_PARENTHESIS = re.compile(rb"\\.|[()]", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\r\n": b"", b"\n": b"", b"\r": b""}
_MAX_STRING = 1 << 20
_MAX_SCRIPTS = 1 << 22
_MAX_TOLD = 20
_QUIET = frozenset({FileType.IMAGE, FileType.EMPTY, FileType.XML, FileType.TEXT})
"""Types of embedded files a script may go with: what invoices and forms carry."""


def inspect(blob: Blob, look: Look) -> None:
    """Report what is active in one file and hand on what is embedded in it."""
    data = bytes(blob.data)
    if _WORTH_A_LOOK.search(data) is not None:
        _Inspection(blob, look, pdf_objects.read(data, look.budget)).run()


class _Inspection:
    """One file being looked at."""

    def __init__(self, blob: Blob, look: Look, objects: Objects) -> None:
        self.blob, self.look, self.objects = blob, look, objects
        self.told = 0
        self.started = {
            int(number)
            for found in objects.listed
            if _AUTOMATIC.search(found.text)
            for number in _OPEN_ACTION.findall(found.text)
        }

    def run(self) -> None:
        embedded = self._embedded()
        if self._is_encrypted():
            self._tell_encrypted(embedded)
            return
        active = [self._hand_on(found, name) for found, name in embedded.items()]
        for found in self.objects.listed:
            self._actions(found)
        self._scripts(carries=any(active))
        if self.objects.damaged:
            sentence = f"The objects packed into object {self.objects.damaged[0]} cannot be read"
            self.look.find(Kind.CORRUPT, self.blob.where, sentence, reference="ISO 32000-1 §7.5.7")

    def _tell(self, kind: Kind, sentence: str, verdict: Verdict | None = None) -> None:
        self.told += 1
        if self.told <= _MAX_TOLD:
            self.look.find(kind, self.blob.where, sentence, reference="ISO 32000-1 §12.6", verdict=verdict)

    def _is_encrypted(self) -> bool:
        return _ENCRYPT.search(self.objects.data) is not None

    def _tell_encrypted(self, embedded: dict[Object, str]) -> None:
        where, reference = self.blob.where, "ISO 32000-1 §7.6"
        if embedded:
            sentence = "Is encrypted, and so are the files embedded in it"
            self.look.find(Kind.ENCRYPTED, where, sentence, reference=reference)
        else:
            sentence = "Is encrypted; no embedded file shows"
            self.look.find(Kind.ENCRYPTED, where, sentence, reference=reference, verdict=Verdict.CLEAN)

    def _embedded(self) -> dict[Object, str]:
        """The streams of embedded files and the name of each."""
        found = {one.start: one for one in self.objects.listed if one.end and b"/EmbeddedFile" in one.text}
        named: dict[int, str] = {}
        for specification in self.objects.listed:
            match = _EMBEDDED.search(specification.text)
            if match is None:
                continue
            name = next(_strings(specification.text, _FILE_NAME), "")
            for number in self._references(match[1]):
                for one in self.objects.by_number.get(number, []):
                    if one.end:
                        found[one.start] = one
                        named[one.start] = name or named.get(one.start, "")
        return {one: named.get(start, "") for start, one in found.items()}

    def _references(self, text: bytes) -> set[int]:
        """The objects that a value names, itself or one step further."""
        numbers = {int(number) for number in _REFERENCE.findall(text)}
        further = [one.text for number in numbers for one in self.objects.by_number.get(number, []) if not one.end]
        return numbers | {int(number) for text in further for number in _REFERENCE.findall(text)}

    def _hand_on(self, found: Object, name: str) -> bool:
        """Look into one embedded file; whether it is more than text and pictures."""
        shown = name or f"embedded{found.number}"
        try:
            content = self.objects.decoded(found)
        except Corrupt as error:
            self.look.find(Kind.CORRUPT, f"{self.blob.where}/{shown}", str(error), reference="ISO 32000-1 §7.4")
            return True
        return self.look.descend(self.blob, content, shown) not in _QUIET

    def _actions(self, found: Object) -> None:
        text = found.text
        automatic = found.number in self.started or _AUTOMATIC.search(text) is not None
        if b"/Launch" in text:
            targets = list(_strings(text, _FILE_NAME))
            runs = any(set(endings(target.split(" ")[0])) & RUNNABLE or is_remote(target) for target in targets)
            what = f"Starts a program or opens a file: {', '.join(targets) or 'unnamed'}"
            dangerous = automatic or runs or b"/Win" in text
            self._tell(Kind.SCRIPT_CARRIER, what, None if dangerous else Verdict.CLEAN)
        elif automatic and b"/F" in text:
            for target in _strings(text, _FILE_NAME):
                if is_share(target):
                    sentence = f"Sends the reader's credentials to another machine when it is opened: {target}"
                    self._tell(Kind.REMOTE_TEMPLATE, sentence)

    def _scripts(self, *, carries: bool) -> None:
        scripts = "".join(self._script_texts())
        if not scripts:
            return
        if "exportDataObject" in scripts:
            self._tell(Kind.SCRIPT_CARRIER, "Holds a script that saves or opens an embedded file (exportDataObject)")
        elif carries and any(_SCRIPTS_OF_DOCUMENT.search(found.text) for found in self.objects.listed):
            self._tell(Kind.SCRIPT_CARRIER, "Runs a script when it is opened, and has files embedded in it")

    def _script_texts(self) -> Iterator[str]:
        room = _MAX_SCRIPTS
        for found in self.objects.listed:
            for match in _SCRIPT.finditer(found.text):
                if room <= 0:
                    return
                for text in self._script(found.text, match.end()):
                    room -= len(text)
                    yield text

    def _script(self, text: bytes, position: int) -> Iterator[str]:
        reference = _REFERENCE.match(text, position)
        if reference is None:
            yield _string(text, position)
            return
        for found in self.objects.by_number.get(int(reference[1]), []):
            if found.end:
                try:
                    yield _decoded(self.objects.decoded(found))
                except Corrupt as error:
                    self.look.find(Kind.CORRUPT, self.blob.where, f"The script in object {found.number} {error}")
            else:
                yield _string(found.text, max(found.text.find(b"("), 0))


def _strings(text: bytes, before: re.Pattern[bytes]) -> Iterator[str]:
    for match in before.finditer(text):
        if text[match.end() : match.end() + 2] != b"<<" and (string := _string(text, match.end())):
            yield string


def _string(text: bytes, position: int) -> str:
    """The string that begins at ``position``, written in parentheses or in hexadecimal (§7.3.4)."""
    if text[position : position + 1] == b"<":
        digits = text[position + 1 : position + _MAX_STRING].partition(b">")[0].translate(None, b" \t\r\n\f\0")
        try:
            return _decoded(bytes.fromhex(digits.decode("latin-1") + "0" * (len(digits) % 2)))
        except ValueError:
            return ""
    depth = 0
    for match in _PARENTHESIS.finditer(text, position, position + _MAX_STRING):
        depth += (match[0] == b"(") - (match[0] == b")")
        if depth <= 0:
            return _decoded(_ESCAPED.sub(_unescaped, text[position + 1 : match.start()]))
    return _decoded(text[position + 1 : position + _MAX_STRING])


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes([int(match[1], 8) & 255])
    return _LETTERS.get(match[2], match[2])


def _decoded(raw: bytes) -> str:
    if raw[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return raw.decode("utf-16", "replace")
    return raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8" if raw[:3] == b"\xef\xbb\xbf" else "latin-1", "replace")
