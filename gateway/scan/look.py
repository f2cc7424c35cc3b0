"""What every format module is handed: the bytes to look into, and the way to say what it saw.

Contract: a format module is a function ``(Blob, Look) -> None``. It reports by ``look.find``, hands on what is
inside by ``look.descend``, and may raise anything: ``Corrupt`` with a sentence when the content is broken,
``OverLimit`` out of the budget, or whatever a library raises. ``gateway.scan.unpack`` turns each into a finding about
the part; nothing else catches them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.scan.budget import Budget

if TYPE_CHECKING:
    from gateway.scan.passwords import Passwords
    from gateway.scan.triggers import ScanRules


class Corrupt(Exception):
    """The content cannot be what it says it is. The message is a sentence for a person, without the part's name.

    ``before`` is what was decoded before the damage; it is worth a look, because some programs show it.
    """

    def __init__(self, sentence: str, before: bytes = b"") -> None:
        super().__init__(sentence)
        self.before = before


@dataclass(frozen=True, slots=True)
class Blob:
    """Decoded bytes of one part, member or embedded object.

    ``where`` is its path (``2/invoice.zip/invoice.docm``), ``name`` the file name somebody gave it, which is a hint
    and never evidence, ``depth`` how many containers surround it.
    """

    data: bytes | memoryview
    where: str
    name: str = ""
    depth: int = 0


class Look(Protocol):
    """The scan of one message, as a format module sees it."""

    @property
    def rules(self) -> ScanRules: ...

    @property
    def budget(self) -> Budget: ...

    @property
    def passwords(self) -> Passwords: ...

    def find(
        self,
        kind: Kind,
        where: str,
        detail: str,
        *,
        reference: str = "",
        excerpt: str = "",
        fingerprint: str = "",
        indicators: Iterable[str] = (),
        verdict: Verdict | None = None,
    ) -> None:
        """Report one fact, as ``Finding.of`` takes it: ``detail`` is a sentence for a person; ``verdict`` overrides the
        usual one of ``kind``."""

    def match_rules(self, where: str, content: bytes, filetype: str) -> None:
        """Compare ``content`` with the YARA rules and report each that matches. To be called for macro source, with
        ``vba`` or ``xlm`` as its ``filetype``; parts are compared by whoever calls the readers."""

    def descend(self, parent: Blob, data: bytes | memoryview, name: str) -> FileType:
        """Examine what was found inside ``parent``: sniffed, unpacked, inspected, one level deeper. Returns what it is.

        Pays for one file; the bytes were paid for by whoever produced them (``budget.spend_bytes``). Trouble inside the
        child becomes a finding about the child and comes back here only as ``OverLimit`` of the whole message.
        """
