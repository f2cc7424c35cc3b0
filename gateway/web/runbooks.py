"""What to do when something is not well: the pages of ``docs/runbooks``, for who reads them in a browser at night.

Contract: reads our own files and nothing else; gives texts, never markup. Of Markdown it knows what those files use,
which a test holds them to: headings, paragraphs, numbered lists, ``code``, **bold** and links.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.web.desk import NotHeld
from gateway.web.pages import HERE

NAME = re.compile(r"[a-z-]{1,40}")
_PIECE = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<bold>[^*]+)\*\*|\[(?P<link>[^]]+)\]\((?P<target>[^)]+)\)")
_STEP = re.compile(r"\d+\. ")
_BLOCKS = (("# ", "title"), ("## ", "heading"))


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; ``kind`` is ``text``, ``code``, ``bold`` or ``link``, ``target`` the name of a runbook."""

    text: str
    kind: str = "text"
    target: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """``kind`` is ``title``, ``heading``, ``paragraph`` or ``step``."""

    kind: str
    pieces: tuple[Piece, ...]


def folder() -> Path:
    """Where they lie: in the installed package, or beside it in a checkout."""
    installed = HERE.parent / "runbooks"
    return installed if installed.is_dir() else HERE.parents[1] / "docs" / "runbooks"


def read(name: str) -> list[Block]:
    """The runbook of that name. Raises ``NotHeld``; blocks, belongs into a thread."""
    path = folder() / f"{name}.md"
    if not NAME.fullmatch(name) or not path.is_file():
        raise NotHeld("There is no such page of what to do.")
    return list(blocks(path.read_text(encoding="utf-8")))


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page, in order."""
    for chunk in re.split(r"\n(?:[ \t]*\n)+|\n(?=\d+\. )", text.strip()):
        line = " ".join(chunk.split())
        kind, rest = "paragraph", line
        for mark, named in _BLOCKS:
            if line.startswith(mark):
                kind, rest = named, line.removeprefix(mark)
        if step := _STEP.match(line):
            kind, rest = "step", line[step.end() :]
        yield Block(kind, tuple(_pieces(rest)))


def _pieces(text: str) -> Iterator[Piece]:
    at = 0
    for found in _PIECE.finditer(text):
        if found.start() > at:
            yield Piece(text[at : found.start()])
        at = found.end()
        if found["link"]:
            target = found["target"].removesuffix(".md")
            known = NAME.fullmatch(target)
            yield Piece(found["link"], "link", target) if known else Piece(f"{found['link']} ({found['target']})")
        else:
            kind = "code" if found["code"] else "bold"
            yield Piece(found[kind], kind)
    if at < len(text):
        yield Piece(text[at:])
