"""Files that need no macro to do harm: shortcuts, programs, scripts, disk images.

Contract: judged by content, but for what Windows judges by its name (``named``). What is found is a finding; what is
inside a disk image is the affair of ``containers.archive``. Never raises.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.closed_sets import FileType, Kind
from gateway.scan.carriers.installer import inspect_installer
from gateway.scan.carriers.named import ARCHIVES, TEXTS, inspect_archive, inspect_text
from gateway.scan.carriers.program import inspect_program
from gateway.scan.carriers.shortcut import inspect_shortcut
from gateway.scan.carriers.smuggling import TYPES as PAGES
from gateway.scan.carriers.smuggling import inspect_smuggling
from gateway.scan.look import Blob, Look


def _always(sentence: str) -> Callable[[Blob, Look], None]:
    def inspect(blob: Blob, look: Look) -> None:
        look.find(Kind.SCRIPT_CARRIER, blob.where, sentence)

    return inspect


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
)
