"""Outlook messages and templates (.msg, .oft, MS-OXMSG): bodies and attachments, those of attached messages included.

Contract: every attachment is handed on under its long name, and every body. A message attached as a storage lies in the
same file and is walked with it. An attachment that is only a reference is told. A file that holds anything no message
has, such as an OLE object or the streams of a Word document, is looked into as a document as well, and script of a form
that travels with the message is read. Raises ``OverLimit`` and ``Corrupt``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.closed_sets import FileType, Kind
from gateway.scan.containers import rtf_compressed
from gateway.scan.documents import ole
from gateway.scan.documents.compound import STREAM, CompoundFile, Entry
from gateway.scan.documents.vba import inspect_script
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.MSG})

# MS-OXMSG §2.1.3 and MS-OXPROPS: property id and type in hex behind a fixed prefix.
_CONTENT = "__substg1.0_37010102"
_NAMED, _BINARY = "__substg1.0_8", "0102"
_PROCEDURE = re.compile(r"\b(?:sub|function)\s", re.IGNORECASE)
_OUTLOOK = frozenset({"outlook"})
_NAMES = (
    ("__substg1.0_3707001f", "utf-16-le"),
    ("__substg1.0_3704001f", "utf-16-le"),
    ("__substg1.0_3707001e", "cp1252"),
    ("__substg1.0_3704001e", "cp1252"),
)
_NAMES_OF_PROPERTIES = "__nameid_version1.0"
"""A storage whose streams are called as those of a message are, and hold numbers (MS-OXMSG §2.2.3)."""
_RTF_BODY, _HTML_BODY = "__substg1.0_10090102", "__substg1.0_10130102"
_TEXTS = {"1f": "utf-16-le", "1e": "cp1252"}
_TEXT_BODIES = ("__substg1.0_1000001f", "__substg1.0_1000001e")
_REFERENCES = ("__substg1.0_370d001f", "__substg1.0_370d001e", "__substg1.0_3708001f", "__substg1.0_3708001e")


def unpack(blob: Blob, look: Look) -> None:
    """Hand on every body and every attachment."""
    file = CompoundFile(blob.data)
    _bodies(file, blob, look)
    _references(file, blob, look)
    for entry in file.streams(_CONTENT):
        content = file.read(entry)
        look.budget.spend_bytes(len(content))
        look.descend(blob, content, _name(file, entry))
    for text in _scripts(file, look):
        inspect_script(text, blob.where, look, _OUTLOOK)
    if any(_is_foreign(entry) for entry in file.entries):
        ole.inspect(blob, look)
    if file.damaged:
        look.find(Kind.CORRUPT, blob.where, f"is a damaged Outlook message: {file.damaged}")


def _scripts(file: CompoundFile, look: Look) -> Iterator[str]:
    """Named binary properties with a procedure in them: PidLidScriptStream of a one-off form (MS-OXPROPS)."""
    for entry in file.entries:
        if entry.kind == STREAM and entry.key.startswith(_NAMED) and entry.key.endswith(_BINARY):
            content = file.read(entry)
            look.budget.spend_bytes(len(content))
            text = content.decode("utf-16-le" if b"\0" in content[:64] else "latin-1", "replace")
            if _PROCEDURE.search(text):
                yield text


def _bodies(file: CompoundFile, blob: Blob, look: Look) -> None:
    for entry in _properties(file, _RTF_BODY):
        content = rtf_compressed.decompress(file.read(entry), look.budget)
        look.descend(blob, content, "body.rtf")
    for entry in _properties(file, _HTML_BODY, *_TEXT_BODIES):
        content = file.read(entry)
        if entry.key in _TEXT_BODIES:
            content = content.decode(_TEXTS[entry.key[-2:]], "replace").encode()
        look.budget.spend_bytes(len(content))
        look.descend(blob, content, "body.html" if entry.key == _HTML_BODY else "body.txt")


def _properties(file: CompoundFile, *names: str) -> list[Entry]:
    return [entry for entry in file.streams(*names) if _NAMES_OF_PROPERTIES not in entry.path]


def _references(file: CompoundFile, blob: Blob, look: Look) -> None:
    """Attachments that stay where they are: there is a path or an address, and no content (MS-OXCMSG §2.2.2.9)."""
    with_content = {entry.parent for entry in file.streams(_CONTENT)}
    told = set()
    for entry in _properties(file, *_REFERENCES):
        if entry.parent in with_content or entry.parent in told:
            continue
        told.add(entry.parent)
        target = file.read(entry, 1024).decode(_TEXTS[entry.key[-2:]], "replace").strip("\x00 ")
        sentence = f"an attachment is only a reference to {target}"
        look.find(Kind.EMBEDDED_DOCUMENT, blob.where, sentence, indicators=(target,))


def _name(file: CompoundFile, entry: Entry) -> str:
    beside = {other.key: other for other in file.inside(entry.parent)}
    for key, encoding in _NAMES:
        if key in beside:
            return file.read(beside[key], 1024).decode(encoding, "replace").strip("\x00 ") or "attachment"
    return "attachment"


def _is_foreign(entry: Entry) -> bool:
    """A stream with a name no message uses: of an OLE object, or of the document this file is to another program."""
    return entry.kind == STREAM and not entry.name.startswith("__")
