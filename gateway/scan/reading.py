"""A message for a person to read who must not open it: its header, its text, its code, one of its parts.

Contract: pure, within limits of its own below those of the scan, and made by the readers of the scan. Nothing is
rendered: text comes out as text (``visible``, ``markup``). ``read`` and ``sources`` never raise for any content;
``extract`` raises ``NoSuchPart``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.closed_sets import FileType, Kind
from gateway.message import clip
from gateway.readable import Passage, Reading, Source
from gateway.scan import examine_with, mail_text, markup, mime
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.headers import Bytes
from gateway.scan.look import Blob
from gateway.scan.mime import Entity
from gateway.scan.rewrite import Setting
from gateway.scan.unpack import Scan
from gateway.scan.visible import exactly, readably
from gateway.scan.yara import MACRO_LANGUAGES

READ_SECONDS: Final = 4.0
"""A person waits for it."""
MAX_HEADER: Final = 40_000
"""Characters. With the next two, of up to four bytes each, an answer stays below what the front takes."""
MAX_TEXT: Final = 80_000
MAX_PASSAGES: Final = 20
MAX_SOURCE: Final = 200_000
MAX_SOURCES: Final = 30


_WRITTEN = frozenset({FileType.SCRIPT, FileType.TEXT, FileType.HTML, FileType.XML})
_SCRIPTS = frozenset({Kind.SCRIPT_CARRIER, Kind.HTML_SMUGGLING})


class NoSuchPart(Exception):
    """The message has no part of that path. The message is a sentence."""


def read(data: Bytes, limits: Limits) -> Reading:
    """Header and texts of a message."""
    budget = Budget(replace(limits, seconds=min(limits.seconds, READ_SECONDS)))
    end = min(len(data), 2 * MAX_HEADER)
    passages: list[Passage] = []
    trouble = ""
    try:
        top = mime.top(data, budget)
        end = min(top.span.end, end)
        _add_passages(data, mime.parse_below(data, top, budget), budget, passages)
    except OverLimit as limit:
        trouble = clip(f"The message {limit}", 300)
    header = exactly(data[:end].decode("utf-8", "surrogateescape")).rstrip("\n")
    return Reading(header[:MAX_HEADER], len(header) > MAX_HEADER, tuple(passages), trouble)


def _add_passages(data: Bytes, tree: Entity, budget: Budget, passages: list[Passage]) -> None:
    room, links = MAX_TEXT, markup.MAX_LINKS
    for entity in tree.walk():
        if entity.children or not entity.type.startswith("text/"):
            continue
        if room <= 0 or len(passages) >= MAX_PASSAGES:
            raise OverLimit(f"has more text than the {MAX_TEXT} characters or {MAX_PASSAGES} texts that are shown")
        passage = _passage(data, entity, budget, links)
        if len(passage.text) > room:
            passage = replace(passage, text=passage.text[:room], cut=True)
        room, links = room - len(passage.text), links - len(passage.links)
        passages.append(passage)


def _passage(data: Bytes, entity: Entity, budget: Budget, links: int) -> Passage:
    """The text as most programs decode it. A piece of what is longer than they look at is told to be one."""
    content = mail_text.decoded(data, entity, entity.codings[0])
    text = next(iter(mail_text.decode(content, mail_text.charsets_of(entity))), "")
    cut = len(content) >= mail_text.MAX_BODY
    where, kind = clip(entity.where, 500), clip(entity.type, 100)
    if entity.type == "text/html" or text[:500].lstrip().lower().startswith(("<!doctype", "<html")):
        shown, found = markup.read(text, budget, links)
        return Passage(where, kind, shown, found, cut)
    return Passage(where, kind, readably(text), cut=cut)


def sources(data: Bytes, setting: Setting, *, mail: bool = True, name: str = "") -> tuple[Source, ...]:
    """The code of every macro and script of a message, in the order found."""
    gathering = _Gathering(setting.rules, setting.limits, None, setting.passwords)
    examine_with(gathering, data, name=name, mail=mail)
    return tuple(gathering.sources)


class _Gathering(Scan):
    """A scan that is not asked what it found, but what code it came by."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]  # those of the scan
        self.sources: list[Source] = []
        self._room = MAX_SOURCE

    def match_rules(self, where: str, content: bytes, filetype: str) -> None:
        """Every reader of macros gives their whole source here."""
        if filetype in MACRO_LANGUAGES:
            self._gather(where, content, filetype)

    def look_at(self, blob: Blob) -> FileType:
        """Scripts, and pages that act, are their own source."""
        before = len(self._findings)
        kind = super().look_at(blob)
        if kind in _WRITTEN and any(
            finding.where == blob.where and finding.kind in _SCRIPTS for finding in self.findings[before:]
        ):
            self._gather(blob.where, bytes(blob.data[: 4 * self._room]), "script")
        return kind

    def _gather(self, where: str, content: bytes, language: str) -> None:
        if self._room <= 0 or len(self.sources) >= MAX_SOURCES:
            return
        text = readably(content[: 4 * self._room].decode("utf-8", "replace"))
        shown = text[: self._room]
        source = Source(clip(where, 500), language, shown, cut=len(shown) < len(text))
        if source not in self.sources:
            self._room -= len(shown)
            self.sources.append(source)


def extract(data: Bytes, where: str, setting: Setting) -> bytes:
    """The decoded bytes of the part, or of what is in one, whose path is ``where``. Raises ``NoSuchPart``."""
    fetching = _Fetching(setting.rules, setting.limits, None, setting.passwords)
    fetching.wanted = where
    examine_with(fetching, data, name="", mail=True)
    if fetching.found is None:
        raise NoSuchPart(f"There is no part {clip(where, 300)} in this message")
    return fetching.found


class _Fetching(Scan):
    """A scan that ends with the part it was sent for."""

    wanted = ""
    found: bytes | None = None

    def match_rules(self, where: str, content: bytes, filetype: str) -> None:
        """Nobody asks."""

    def look_at(self, blob: Blob) -> FileType:
        """Stop at the first of that path."""
        if blob.where == self.wanted:
            self.found = bytes(blob.data)
            raise OverLimit("was found")
        return super().look_at(blob)
