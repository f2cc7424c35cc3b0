"""What a person reads of a message who must not open it.

Contract: frozen, and nothing here imports anything of ours or does anything. The texts are the attackers', bounded by
whoever makes them; who shows them escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click or a look would lead. ``text`` is what a person sees of it, "" for a picture; ``target`` the
    address itself, not defanged; ``kind`` one of ``link``, ``form``, ``picture``, ``frame``, ``refresh``, ``base``."""

    text: str
    target: str
    kind: str = "link"


@dataclass(frozen=True, slots=True)
class Passage:
    """The readable text of one part: of plain text itself, of HTML what it shows, with ``[n]`` behind the n-th of
    ``links``. ``where`` as in ``Finding``; ``cut`` says that there is more of it."""

    where: str
    type: str
    text: str
    links: tuple[Link, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A message for a person to read who must not open it: printable and bounded, control characters made visible.

    ``header`` is the header as it came, lines folded as they were; ``trouble`` why the rest could not be read.
    """

    header: str = ""
    header_cut: bool = False
    passages: tuple[Passage, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Code of one part. ``language``: ``vba``, ``xlm``, ``script``."""

    where: str
    language: str
    text: str
    cut: bool = False
