from collections.abc import Callable

from gateway import samples
from tests.makers import mail
from tests.makers.rtf import embedded, ole1, rtf
from tests.makers.wrappers import attached, attribute, properties, rtf_compressed, rtf_stored, tnef, variable

CONTENTS = {"armed": samples.doc_autoopen(), "clean": samples.doc()}
MESSAGE, ATTACHMENT = 0x00069003, 0x00069005
TITLE = "Invoice 7.doc".encode("utf-16-le") + b"\0\0"


def with_object(content: bytes) -> bytes:
    """RTF with the document as an object in it, and runs of blanks for the compression."""
    return rtf(b" " * 40 + embedded(ole1("Word.Document.8", content)))


def by_property(content: bytes) -> bytes:
    inside = properties(variable(0x102, 0x3701, content), variable(0x1F, 0x3707, TITLE))
    return tnef(attribute(0x00069002, bytes(14)), attribute(ATTACHMENT, inside))


def attached_message(content: bytes) -> bytes:
    interface = bytes.fromhex("0703020000000000C000000000000046")
    inside = properties(variable(0x0D, 0x3701, interface + tnef(attached(content))))
    return tnef(attribute(0x00069002, bytes(14)), attribute(ATTACHMENT, inside))


def body(packed: bytes) -> bytes:
    return tnef(attribute(MESSAGE, properties(variable(0x102, 0x1009, packed))))


HIDINGS: dict[str, Callable[[bytes], bytes]] = {
    "attachment": lambda content: tnef(attached(content)),
    "second-attachment": lambda content: tnef(attached(b"hello", "a.txt"), attached(content, "b.txt")),
    "property": by_property,
    "attached-message": attached_message,
    "nested": lambda content: tnef(attached(tnef(attached(content)), "winmail.dat")),
    "rtf-body": lambda content: body(rtf_compressed(with_object(content))),
    "rtf-body-stored": lambda content: body(rtf_stored(with_object(content))),
}


def letter(file: bytes, name: str = "winmail.dat", kind: str = "application/ms-tnef") -> bytes:
    return mail.message([mail.text(), mail.part(file, kind, name=name)])


FILES = {
    f"{name}-{kind}.eml": (lambda hide=hide, content=content: letter(hide(content)))
    for name, hide in HIDINGS.items()
    for kind, content in CONTENTS.items()
} | {
    "renamed-armed.eml": lambda: letter(tnef(attached(CONTENTS["armed"])), "notes.txt", "text/plain"),
    "cut-off-armed.eml": lambda: letter(tnef(attached(CONTENTS["armed"]))[:-20]),
    "cut-off-held.eml": lambda: letter(tnef(attached(b"hello" * 20, "a.txt"))[:-20]),
}
