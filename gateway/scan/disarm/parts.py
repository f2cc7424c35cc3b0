"""What a disarmer is handed and what it gives back.

Contract: a disarmer is a function ``(content, name, Work) -> Disarmed``. It removes what can run from one document and
leaves all else as it was; what it cannot do without doubt raises ``CannotDisarm`` with a sentence. It need not prove
its result: ``gateway.scan.disarm`` looks into that once more. Whatever else it raises is taken for ``CannotDisarm``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.scan.budget import Budget
from gateway.scan.passwords import Passwords
from gateway.scan.triggers import ScanRules


class CannotDisarm(Exception):
    """The document cannot be had without what runs in it. The message is a sentence for a person."""


class NothingToDisarm(CannotDisarm):
    """Nothing in the document has to go: what was in doubt could be opened, and is clean."""


@dataclass(frozen=True, slots=True)
class Disarmed:
    """A document without what ran in it.

    ``name`` is the file name it should have now (``report.docm`` has become ``report.docx``), ``media_type`` what a
    Content-Type field should say, ``removed`` what was taken out, in words for the recipient and each only once:
    ``its macros``, ``a link to a template elsewhere``.
    """

    content: bytes
    name: str
    media_type: str
    removed: tuple[str, ...]


class Work(Protocol):
    """The disarming of one part, as a disarmer sees it."""

    @property
    def budget(self) -> Budget: ...

    @property
    def rules(self) -> ScanRules: ...

    @property
    def passwords(self) -> Passwords: ...

    def is_clean(self, content: bytes, name: str) -> bool:
        """Whether the scan finds nothing in a piece that can be read by itself. Raises ``OverLimit``."""

    def inner(self, content: bytes, name: str) -> Disarmed | None:
        """A document inside this one, disarmed and checked; None if there is nothing in it that would have to go.
        Raises ``CannotDisarm``."""


Disarmer = Callable[[bytes, str, Work], Disarmed]
