"""The MIME tree of a message as spans of its bytes: what is where, in every reading that is cheap to follow.

Contract: nothing is copied or decoded; an ``Entity`` says where its header and body are and how mail programs may
decode it. Where programs disagree (two boundaries, two encodings) every reading is followed and the disagreement is a
``Doubt``; an entity may so have children by several boundaries and codings to try in turn. Spans lie inside the
message, and children inside the body of their parent. Raises ``OverLimit`` and nothing else.

Readings branch only in ``_splits`` and ``_codings``, both bounded by ``MAX_VIEWS``; everything else is one view.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.closed_sets import Verdict
from gateway.message import Span
from gateway.scan import boundaries, names
from gateway.scan.boundaries import Split
from gateway.scan.budget import Budget, OverLimit
from gateway.scan.encodings import BASE64, CODINGS, QUOTED, UUENCODE
from gateway.scan.headers import Block, Bytes, Doubt, Value, decode_words, parse_value, read_block

MAX_VIEWS = 4
"""Boundaries or codings of one entity that are followed."""

_HAS_BOUNDARY = re.compile("boundary", re.IGNORECASE).search

IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
# Words that stand where a transfer encoding should and mean none: character sets and misspellings of common mailers.
_MEANT_IDENTITY = re.compile(
    r"(?:[78][ -]?bits?|none|plain|text(?:/plain)?|utf-?8|us-ascii|iso-8859-\d+|quoted/plain)$"
)
_ODD_NAME = re.compile(r"[(\\]|;\.|\".*\".*\"", re.DOTALL)
_RAW_NAME = re.compile(r"name[ \t]{0,9}=[ \t]{0,9}([^;]{1,500}(?:;\.[^;\s]{1,20})?)", re.IGNORECASE)
_NO_TOKEN = re.compile(r"[\s,;()\"']+")

MESSAGE_TYPES = frozenset({"message/rfc822", "message/global", "message/news", "text/rfc822"})
_FRAGMENTS = {
    "message/partial": "a piece of a message that only the recipient's program puts together",
    "message/external-body": "a part that only says where its content is to be fetched from",
}


@dataclass(frozen=True, slots=True)
class Entity:
    """One node. ``number`` is the IMAP part number (RFC 3501 §6.4.5), "" for a multipart at the root.

    ``codings`` are the transfer encodings to try, at least one, in lower case; ``name`` a hint; ``loose`` the bytes
    of a multipart that belong to no part (preamble and epilogue).
    """

    number: str
    header: Span
    body: Span
    block: Block
    type: str
    codings: tuple[str, ...] = ("",)
    name: str = ""
    children: tuple[Entity, ...] = ()
    loose: tuple[Span, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    other: Entity | None = None
    """The same entity for a program that ends the header earlier (``Block.early``)."""

    @property
    def where(self) -> str:
        """The path of this entity in findings: its number, then its name; the root multipart is ``message``."""
        return "/".join(filter(None, (self.number, names.element(self.name)))) or "message"

    def walk(self) -> Iterator[Entity]:
        """This entity and everything below it, in the order of the message."""
        yield self
        for child in (*self.children, *([self.other] if self.other else ())):
            yield from child.walk()


def top(data: Bytes, budget: Budget) -> Block:
    """The header block of a whole message. Raises ``OverLimit``."""
    return read_block(data, 0, len(data), budget.limits.max_header_size)


def parse(data: Bytes, budget: Budget) -> Entity:
    """The tree of a whole message. Raises ``OverLimit`` when a header, the depth or the parts are beyond the limits."""
    return parse_below(data, top(data, budget), budget)


def parse_below(data: Bytes, block: Block, budget: Budget) -> Entity:
    """The same when the header block of the message has been read already."""
    return _Parser(data, budget).entity(block, len(data), "", "text/plain", 0, whole=True)


class _Parser:
    def __init__(self, data: Bytes, budget: Budget) -> None:
        self.data = data
        self.budget = budget
        self._entities = 0
        self._ends_early = False

    def _message(self, start: int, end: int, number: str, depth: int) -> Entity:
        """A message: its own number is that of its multipart, or of its only part (RFC 3501 §6.4.5)."""
        return self.entity(self._block(start, end), end, number, "text/plain", depth, whole=True)

    def _block(self, start: int, end: int) -> Block:
        return read_block(self.data, start, end, self.budget.limits.max_header_size)

    def entity(self, block: Block, end: int, number: str, default: str, depth: int, *, whole: bool = False) -> Entity:
        """What begins with the header ``block`` and goes up to ``end``. ``whole`` says that it is a message."""
        if block.early < 0:
            return self._reading(block, end, number, default, depth, whole=whole)
        if self._ends_early:
            return self._reading(block.ended_early(), end, number, default, depth, whole=whole)
        entity = self._reading(block, end, number, default, depth, whole=whole)
        # a program that ends one header early ends every header early, so readings do not multiply
        self._ends_early = True
        other = self._reading(block.ended_early(), end, number, default, depth, whole=whole)
        self._ends_early = False
        return replace(entity, other=other)

    def _reading(self, block: Block, end: int, number: str, default: str, depth: int, *, whole: bool) -> Entity:
        self._spend(depth)
        values = _types(block) or [Value(default)]
        name = _name(block, values)
        codings, doubts = _codings(block, text=not name and all(value.token.startswith("text/") for value in values))
        doubts += block.doubts
        doubts += _disagreements(values)
        body = Span(block.body, end)
        splits, more = self._splits(block, values, body)
        doubts += more
        divided = any(split.parts for split in splits)
        entity = Entity(
            # a message that is no multipart has one part, and that part has a number of its own
            number=number if divided or not whole else f"{number}.1" if number else "1",
            header=block.span,
            body=body,
            block=block,
            type=next((value.token for value in values if value.token), default),
            codings=codings,
            name=name,
            doubts=tuple(dict.fromkeys(doubts)),
        )
        if divided:
            return self._divided(entity, values, splits, depth)
        return self._leaf_or_message(entity, values, depth)

    def _leaf_or_message(self, entity: Entity, values: list[Value], depth: int) -> Entity:
        doubts = [Doubt(_FRAGMENTS[value.token], Verdict.UNSCANNABLE) for value in values if value.token in _FRAGMENTS]
        inside = any(value.token in MESSAGE_TYPES for value in values)
        if inside and any(coding in IDENTITY for coding in entity.codings):
            child = self._message(entity.body.start, entity.body.end, entity.number, depth + 1)
            return replace(entity, children=(child,), doubts=(*entity.doubts, *doubts))
        return replace(entity, doubts=(*entity.doubts, *doubts)) if doubts else entity

    def _splits(self, block: Block, values: list[Value], body: Span) -> tuple[list[Split], list[Doubt]]:
        """What every boundary makes of the body that a program may go by, and what is doubtful about them."""
        texts = block.all("content-type")
        if not any(value.token.startswith("multipart") for value in values) and not any(map(_HAS_BOUNDARY, texts)):
            return [], []
        named = [_bytes(boundary).rstrip() for value in values for boundary in value.all("boundary")]
        if len(values) == 1 and named and not boundaries.is_odd(texts[0]):
            splits = [self._split(body, boundary) for boundary in dict.fromkeys(filter(None, named))]
            if any(split.parts for split in splits):
                return splits, []
        return self._disputed(body, values, texts, named)

    def _disputed(
        self, body: Span, values: list[Value], texts: list[str], named: list[bytes]
    ) -> tuple[list[Split], list[Doubt]]:
        """The same when programs may read different boundaries, or none that divides the body."""
        usual = named[:1]
        named += [_bytes(reading) for text in texts for reading in boundaries.readings(text)]
        in_body = boundaries.lines(self.data, body, self.budget)
        used = boundaries.used(named, in_body)
        doubts: list[Doubt] = []
        if len(used) > MAX_VIEWS:
            doubts.append(Doubt(f"more than {MAX_VIEWS} boundaries for one multipart", Verdict.UNSCANNABLE))
        if used and (used[:1] != usual or any("boundary*" in text.lower() for text in texts)):
            doubts.append(Doubt("a boundary that programs read differently", Verdict.CLEAN))
        splits = [self._split(body, boundary) for boundary in used[:MAX_VIEWS]]
        if any(split.parts for split in splits):
            return splits, [*doubts, *([] if used[0] else [Doubt("an empty boundary")])]
        begun = boundaries.begun(named, in_body)
        if begun:
            doubts.append(Doubt("boundaries of a multipart in lines of another form"))
            return [self._split(body, begun[0], leniently=True)], doubts
        if not any(value.token.startswith("multipart") for value in values):
            return [], doubts
        guess = next((line.removesuffix(b"--") for line in in_body if line.strip(b"- ")), b"")
        if not guess:
            return [], [*doubts, Doubt("a multipart without any part")]
        return [self._split(body, guess, leniently=True)], [
            *doubts,
            Doubt("a multipart that does not name its boundary"),
        ]

    def _split(self, body: Span, boundary: bytes, *, leniently: bool = False) -> Split:
        return boundaries.split(self.data, body, boundary, self.budget, leniently=leniently)

    def _divided(self, entity: Entity, values: list[Value], splits: list[Split], depth: int) -> Entity:
        """The entity with the children of every boundary. A span that two boundaries agree on is one child."""
        doubts = list(entity.doubts)
        if not any(value.token.startswith("multipart") for value in values):
            doubts.append(Doubt("parts in something that does not call itself a multipart"))
        if sum(bool(split.parts) for split in splits) > 1:
            doubts.append(Doubt("two different boundaries for one multipart"))
        if any(coding not in IDENTITY for coding in entity.codings):
            # clean, because some mailers say so in every header; what it decodes to is looked at as well
            doubts.append(Doubt("a transfer encoding on a multipart (RFC 2045 §6.4)", Verdict.CLEAN))
        spans = dict.fromkeys(span for split in splits for span in split.parts)
        default = "message/rfc822" if entity.type == "multipart/digest" else "text/plain"
        prefix = f"{entity.number}." if entity.number else ""
        children = tuple(
            self.entity(self._block(span.start, span.end), span.end, f"{prefix}{index}", default, depth + 1)
            for index, span in enumerate(spans, 1)
        )
        doubts += [doubt for split in splits for doubt in split.doubts]
        loose = tuple(dict.fromkeys(span for split in splits for span in split.loose))
        return replace(entity, children=children, loose=loose, doubts=tuple(dict.fromkeys(doubts)))

    def _spend(self, depth: int) -> None:
        self._entities += 1
        self.budget.check_time()
        if self._entities > self.budget.limits.max_files:
            raise OverLimit(f"holds more than {self.budget.limits.max_files} parts")
        if depth > self.budget.limits.max_mime_depth:
            raise OverLimit(f"nests its parts deeper than {self.budget.limits.max_mime_depth} levels")


def _codings(block: Block, *, text: bool) -> tuple[tuple[str, ...], list[Doubt]]:
    """The transfer encodings a program may go by, known names only, and what is doubtful about them.

    ``text`` says that the part is text to everybody, so that only text can be behind a word nobody knows.
    """
    texts = block.all("content-transfer-encoding")
    if not texts:
        return ("",), []
    tokens = dict.fromkeys(token for text in texts for token in _coding_tokens(text))
    doubts = []
    if len(texts) > 1:
        doubts.append(Doubt("two Content-Transfer-Encoding fields", Verdict.CLEAN if len(tokens) <= 1 else None))
    codings: dict[str, None] = {}
    for token in tokens:
        known, certain = _coding(token)
        codings.update(dict.fromkeys(known))
        if not certain:
            sentence = f"an unknown Content-Transfer-Encoding {token[:60]!r}"
            doubts.append(Doubt(sentence, None if text else Verdict.UNSCANNABLE))
    if any(text.lower() not in tokens for text in texts):
        doubts.append(Doubt("a Content-Transfer-Encoding that is more than a word", Verdict.CLEAN))
    if len(tokens) > 1 and len(texts) == 1:
        doubts.append(Doubt("several values in Content-Transfer-Encoding"))
    if len(codings) > MAX_VIEWS:
        doubts.append(Doubt(f"more than {MAX_VIEWS} transfer encodings for one part", Verdict.UNSCANNABLE))
    return tuple(codings)[:MAX_VIEWS] or ("",), doubts


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _coding_tokens(text: str) -> list[str]:
    """The words of the value. Where a comment or a semicolon leaves none in front, those in it or behind it count."""
    word = text.lower()
    if word in IDENTITY or word in CODINGS:
        return [word]
    text = decode_words(text.replace("\0", "").partition("\r")[0] or text)
    token = parse_value(text).token
    words = _words(token) or _words(text)
    if "".join(words) in CODINGS:
        return ["".join(words)]  # a word that was folded
    if "(" in text and text.count("(") != text.count(")"):
        words += [word for word in _words(text) if word not in words]
    return words or [""]


def _words(text: str) -> list[str]:
    return [word for word in _NO_TOKEN.split(text.lower()) if word]


def _coding(token: str) -> tuple[tuple[str, ...], bool]:
    """The codings behind a word, and whether that is what it means to everybody."""
    if token in IDENTITY:
        return (token,), True
    if token in CODINGS:
        return (CODINGS[token],), True
    if _MEANT_IDENTITY.match(token):
        return ("",), True
    guesses = {"64": BASE64, "quot": QUOTED, "uu": UUENCODE}
    guess = [coding for part, coding in guesses.items() if part in token]
    return (*(guess or (BASE64, QUOTED)), ""), False


def _types(block: Block) -> list[Value]:
    """Every Content-Type, also as it is behind an encoded word, which some programs decode in any field."""
    texts = block.all("content-type")
    texts += [decode_words(text) for text in texts if text.startswith("=?")]
    return [parse_value(text.replace("\0", "")) for text in texts]


def _disagreements(values: list[Value]) -> list[Doubt]:
    doubts = []
    if len(values) > 1:
        same = len({(value.token, value.parameters) for value in values}) == 1
        doubts.append(Doubt("two Content-Type fields", Verdict.CLEAN if same else None))
    return doubts


def _says_name(*texts: list[str]) -> bool:
    return any("name" in text.lower() for one in texts for text in one)


def _name(block: Block, values: list[Value]) -> str:
    """The file name most programs would show, or one that another shows and that is worse; only ever a hint."""
    texts = block.all("content-disposition")
    parameters = [parameter for text in texts for parameter in parse_value(text).parameters]
    parameters += [parameter for value in values for parameter in value.parameters]
    types = block.all("content-type")
    # a zero byte ends a name, and where it stands is not known any more in ``values``
    parameters += [parameter for text in types if "\0" in text for parameter in parse_value(text).parameters]
    if not any("name" in key for key, _ in parameters) and not (parameters and _says_name(texts, types)):
        return ""
    texts += types
    whole = Value("", tuple(parameters))
    found = [*whole.all("filename"), *whole.all("name")]
    found += [raw.strip("\"' ") for text in texts if _ODD_NAME.search(text) for raw in _RAW_NAME.findall(text)]
    readings = dict.fromkeys(decode_words(name).strip() for name in found)
    return names.worst([reading for reading in readings if reading])
