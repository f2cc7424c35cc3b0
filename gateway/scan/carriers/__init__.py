"""Files that need no macro to do harm: shortcuts, programs, scripts, disk images; and what is
locked up so that nobody can tell.

Contract: judged by content, but for what Windows judges by its name (``named``). What is found is a finding; what is
inside a disk image is the affair of ``containers.archive``. Never raises.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.message import FileType, Kind
from gateway.scan.carriers.installer import inspect_installer
from gateway.scan.carriers.named import ARCHIVES, TEXTS, inspect_archive, inspect_text
from gateway.scan.carriers.program import inspect_program
from gateway.scan.carriers.shortcut import inspect_shortcut
from gateway.scan.carriers.smuggling import TYPES as PAGES
from gateway.scan.carriers.smuggling import inspect_smuggling
from gateway.scan.look import Blob, Look

# Object identifiers of RFC 5652 §4 to §6 as they stand near the start of a CMS file.
_SIGNED = bytes.fromhex("06092A864886F70D010702")
_ENVELOPED = bytes.fromhex("06092A864886F70D010703")
_DATA_FOLLOWS = bytes.fromhex("06092A864886F70D010701A0")
_CMS_HEAD = 128


def _always(sentence: str) -> Callable[[Blob, Look], None]:
    def inspect(blob: Blob, look: Look) -> None:
        look.find(Kind.SCRIPT_CARRIER, blob.where, sentence)

    return inspect


def inspect_cms(blob: Blob, look: Look) -> None:
    """S/MIME: encrypted content, or a signature that carries the signed message inside it."""
    head = bytes(blob.data[:_CMS_HEAD])
    if head[:1] != b"\x30":
        return
    if _ENVELOPED in head:
        look.find(Kind.ENCRYPTED, blob.where, "is encrypted with S/MIME", reference="RFC 5652 §6")
    elif _SIGNED in head and _DATA_FOLLOWS in head:
        sentence = "is an S/MIME signature with the message inside it, which is not looked into"
        look.find(Kind.CORRUPT, blob.where, sentence, reference="RFC 5652 §5")


CARRIERS: tuple[tuple[frozenset[FileType], Callable[[Blob, Look], None]], ...] = (
    (frozenset({FileType.LNK}), inspect_shortcut),
    (frozenset({FileType.EXECUTABLE}), inspect_program),
    (frozenset({FileType.OLE}), inspect_installer),
    (TEXTS, inspect_text),
    (ARCHIVES, inspect_archive),
    (PAGES, inspect_smuggling),
    (frozenset({FileType.SCRIPT}), _always("is a script or compiled help file, which runs when it is opened")),
    (
        frozenset({FileType.DISK_IMAGE}),
        _always("is a disk image: what is in it loses the mark that it came by mail"),
    ),
    (frozenset({FileType.BINARY}), inspect_cms),
)
