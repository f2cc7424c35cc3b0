"""What can be seen of one held message beyond its record, and taken of it, as the pages and the API need it.

Contract: an interface and its words; ``gateway.looking`` fulfils it. Everything was read in the jail and is printable
and bounded. All methods raise ``DeskError`` with a sentence for the person who asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.message import Change, Finding
from gateway.readable import Reading, Source
from gateway.web.people import Person


@dataclass(frozen=True, slots=True)
class Outlook:
    """What today's rules say about a message that was judged when it came, and what a changed copy would be.

    ``trouble``: why there is no verdict today; ``no_copy``: why there can be no changed copy. ``worse`` says that the
    verdict is worse than it was.
    """

    verdict: str = ""
    action: str = ""
    rule: str = ""
    why: str = ""
    findings: tuple[Finding, ...] = ()
    worse: bool = False
    trouble: str = ""
    changes: tuple[Change, ...] = ()
    no_copy: str = ""


@dataclass(frozen=True, slots=True)
class Similar:
    """Another held message (with the attributes of ``HeldMessage``), and what they have in common."""

    message: Any
    common: str


@dataclass(frozen=True, slots=True)
class Download:
    """A file of ``size`` bytes on its way. ``chunks`` block, belong into a thread, and give everything back when they
    end or are dropped."""

    name: str
    size: int
    chunks: Iterator[bytes]


class Look(Protocol):
    """One message, looked into."""

    async def read(self, held_id: str) -> Reading:
        """Header and texts."""

    async def sources(self, held_id: str) -> Sequence[Source]:
        """The code of all its macros and scripts."""

    async def outlook(self, held_id: str) -> Outlook:
        """Scan it once more, with the rules of today."""

    async def similar(self, held_id: str) -> Sequence[Similar]:
        """Newest first."""

    async def download(self, held_id: str, *, by: Person, why: str, where: str = "") -> Download:
        """The message or, by its path, one part of it, in an encrypted zip (``parcel.PASSWORD``). It is noted."""
