"""Web archives of Word and Excel: the part with the macro project goes with what refers to it, the page stays.

Contract: ``disarm`` keeps the promise of ``parts``. An archive that programs may read in different ways is not
disarmed, nor one whose page itself acts. Parts are cut out with their delimiter line, links to them where they stand
in the page, also when that is quoted-printable (RFC 2045 §6.7).
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

from gateway.closed_sets import FileType
from gateway.scan import encodings, mime, sniff
from gateway.scan.disarm import splices
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, Work
from gateway.scan.disarm.splices import Cut
from gateway.scan.mime import IDENTITY, Entity

TYPES = frozenset({FileType.MHT})

_PAGES = frozenset({"text/html", "text/xml", "application/xml", "text/css", "text/plain", ""})
"""Declared types of what is shown, or helps to; none of these parts may go."""
_PROJECTS = frozenset({FileType.ACTIVEMIME, FileType.VBA_PROJECT})
_MOST_GONE = 20
_LINK = re.compile(rb"<(?:link|o:File)\b[^<>]{0,2000}>", re.IGNORECASE)
_DELIMITER = re.compile(rb"(?:\r?\n)?--[^\r\n]{0,200}\r?\n\Z")
_ESCAPE = re.compile(rb"=(?:[0-9A-Fa-f]{2}|[ \t]{0,100}\r?\n)")


def disarm(content: bytes, name: str, work: Work) -> Disarmed:
    """The archive without the parts that act."""
    tree = mime.parse(content, work.budget)
    if any(entity.doubts or entity.other for entity in tree.walk()):
        raise CannotDisarm("programs may read this web archive in different ways")
    removed: dict[str, None] = {}
    cuts: list[Cut] = []
    gone: list[bytes] = []
    for above, number, leaf in _leaves(tree):
        plain = _decoded(content, leaf, work)
        if work.is_clean(plain, leaf.name):
            continue
        project = sniff.sniff(plain) in _PROJECTS
        if not project and leaf.type in _PAGES:
            raise CannotDisarm("the page of the web archive acts itself")
        cuts.append(_without(content, above, number))
        gone += _last_words(leaf)
        removed["its macros" if project else "a part that could act"] = None
    if not cuts:
        raise CannotDisarm(f"{name or 'the web archive'} holds nothing that could be taken out")
    if len(gone) > _MOST_GONE:
        raise CannotDisarm("more parts would have to go than such an archive has")
    for _, _, leaf in _leaves(tree):
        if leaf.type in _PAGES:
            cuts += _links(content, leaf, gone)
    word = name.lower().endswith((".doc", ".dot"))
    media_type = "application/msword" if word else "application/x-mimearchive"
    return Disarmed(splices.spliced(content, cuts), name, media_type, tuple(removed))


def _leaves(tree: Entity) -> Iterator[tuple[Entity, int, Entity]]:
    """Every part without parts of its own, the multipart it is in, and its place there."""
    for entity in tree.walk():
        for number, child in enumerate(entity.children):
            if not child.children:
                yield entity, number, child


def _decoded(content: bytes, leaf: Entity, work: Work) -> bytes:
    coding = leaf.codings[0]
    if len(leaf.codings) > 1:
        raise CannotDisarm("programs may read this web archive in different ways")
    if coding in IDENTITY:
        return content[leaf.body.start : leaf.body.end]
    readings = list(encodings.decoded(coding, content, leaf.body.start, leaf.body.end, work.budget))
    if len(readings) != 1:
        raise CannotDisarm("programs may read this web archive in different ways")
    return readings[0][1]


def _without(content: bytes, above: Entity, number: int) -> Cut:
    """Without a part and the delimiter line before it. The first part is what the archive shows, and stays."""
    if not number or not above.type.startswith("multipart/"):
        raise CannotDisarm("the page of the web archive acts itself")
    before, part = above.children[number - 1], above.children[number]
    if _DELIMITER.fullmatch(content, before.body.end, part.header.start) is None:
        raise CannotDisarm("programs may read this web archive in different ways")
    return Cut(before.body.end, part.body.end)


def _last_words(leaf: Entity) -> list[bytes]:
    """What others call the part: the end of its address, or its name."""
    told = [*leaf.block.all("content-location"), leaf.name]
    words = (re.split(r"[/\\]", text.strip().strip('"'))[-1] for text in told)
    return [word.encode("utf-8", "replace").lower() for word in words if word]


def _links(content: bytes, leaf: Entity, gone: list[bytes]) -> Iterator[Cut]:
    """The elements of a page that lead to what is gone. Links in base64 stay, and lead nowhere."""
    body = content[leaf.body.start : leaf.body.end]
    if leaf.codings[0] == encodings.QUOTED:
        text = _Quoted(body)
    elif leaf.codings[0] in IDENTITY:
        text = _Quoted(body, quoted=False)
    else:
        return
    for link in _LINK.finditer(text.plain):
        if any(word in link[0].lower() for word in gone):
            yield Cut(leaf.body.start + text.place(link.start()), leaf.body.start + text.place(link.end()))


class _Quoted:
    """The letters of a quoted-printable text, and where each of them is written."""

    def __init__(self, body: bytes, *, quoted: bool = True) -> None:
        self._plain_starts, self._body_starts = [0], [0]
        pieces: list[bytes] = []
        position = length = 0
        for escape in _ESCAPE.finditer(body) if quoted else ():
            pieces.append(body[position : escape.start()])
            length += escape.start() - position
            if not escape[0].endswith(b"\n"):
                self._note(length, escape.start())
                pieces.append(bytes([int(escape[0][1:], 16)]))
                length += 1
            position = escape.end()
            self._note(length, position)
        self.plain = b"".join((*pieces, body[position:]))

    def _note(self, plain: int, body: int) -> None:
        self._plain_starts.append(plain)
        self._body_starts.append(body)

    def place(self, plain: int) -> int:
        """Where the letter with that number is written in the body."""
        at = bisect.bisect_right(self._plain_starts, plain) - 1
        return self._body_starts[at] + plain - self._plain_starts[at]
