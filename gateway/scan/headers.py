"""Header blocks and the values in them, read as tolerantly as mail programs do (RFC 5322 §2.2, RFC 2045 §5, RFC 2231).

Contract: takes any bytes. What a strict reader would refuse is read as far as possible and told as a ``Doubt``; nothing
is changed, every field knows its bytes. Raises ``OverLimit`` for a block longer than the limit and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from gateway.closed_sets import Verdict
from gateway.message import Span
from gateway.scan.budget import OverLimit

Bytes = bytes | mmap.mmap

# A line with its continuations: the name of a field, the blanks behind it and its value, or something else.
_LINE = re.compile(rb"(?:([!-9;-~]++)([ \t]*+):([^\n]*+(?:\n[ \t][^\n]*+)*+)|[^\n]++(?:\n[ \t][^\n]*+)*+)\n?")
_BLANK_LINE = re.compile(rb"\n[ \t]+\r?\n")
_CONTENT = "content-"
_DECIDES = frozenset({"content-type", "content-transfer-encoding"})
_USUAL = _DECIDES | {"content-disposition", "content-id", "content-language", "content-description", "content-location"}
_DECIDES_SQUASHED = frozenset(name.replace("-", "") for name in _DECIDES)
_NO_LETTER = re.compile(r"[^a-z]")
# A field in the continuation of another. Signatures list the names of fields there, never with such values.
_CONTINUED = re.compile(
    rb"\n[ \t]+content-(?:type|transfer-encoding)[ \t]*:[ \t]*[^\s:;,]*(?:/|64|quoted|uu)", re.IGNORECASE
)
_INDENTED = re.compile(rb"\n[ \t]+(content-(?:type|transfer-encoding)[ \t]*:)", re.IGNORECASE)
_ENDS_LINE = bytes.maketrans(b"\r\v", b"\n\n")
_REPEATED = re.compile(r"[\s:]*(?:content-(?:type|transfer-encoding)\s*)?:[\s:]*", re.IGNORECASE)
_BRACKET = re.compile(r"\\.|[()]", re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PARAMETER = re.compile(r';\s*([^=;\s"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
# Character sets of mail. Python has codecs besides that are slow, or no character sets at all.
_CHARSET = re.compile(
    r"(?:utf|us-ascii|ascii|iso|windows|cp|koi8|big5|gb|hz|euc|shift|sjis|ks|tis|mac|latin)", re.IGNORECASE
)
_WIDE = re.compile(r"(?:utf-?16|ucs-?2|unicode)\Z", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something mail programs disagree about. ``verdict`` is None when it depends on what is behind it."""

    sentence: str
    verdict: Verdict | None = None


ZERO = Doubt("a zero byte in the header")
RETURN = Doubt("a bare carriage return in the header")
CONTINUED = Doubt("a content field in the continuation of another field")
PLAINLY = frozenset({ZERO, RETURN, CONTINUED})
"""Doubts about what a line is: ``made_plain`` gives the other reading."""


def made_plain(data: Bytes) -> bytes:
    """A message as a program reads it for which a carriage return ends a line, a zero byte is nothing, and a content
    field is one however far it is indented. Its lines end in line feeds."""
    text = bytes(data).translate(None, b"\0").replace(b"\r\n", b"\n").translate(_ENDS_LINE)
    return _INDENTED.sub(rb"\n\1", text)


class Field(NamedTuple):
    """One header field: its name in lower case, its unfolded value, and where it stands, line ends included."""

    name: str
    value: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """All of its bytes."""
        return Span(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Block:
    """A header block. ``body`` is where the body begins, behind the empty line if there is one.

    ``early`` is where it begins for a program that takes the first line that is no field for the end of the header;
    -1 when there is no such line.
    """

    span: Span
    body: int
    fields: tuple[Field, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    early: int = -1

    def ended_early(self) -> Block:
        """The same header in the eyes of such a program."""
        fields = tuple(found for found in self.fields if found.start < self.early)
        return Block(Span(self.span.start, self.early), self.early, fields, self.doubts)

    def all(self, name: str) -> list[str]:
        """The values of every field of that name, in order."""
        return [found.value for found in self.fields if found.name == name]


@dataclass(frozen=True, slots=True)
class Value:
    """A structured value: the token in front in lower case, without comments, then its parameters in order."""

    token: str
    parameters: tuple[tuple[str, str], ...] = field(default=())

    def all(self, name: str) -> list[str]:
        """Every different reading of one parameter: extended, joined from its pieces (RFC 2231 §3, §4), plain."""
        plain = [value for key, value in self.parameters if key == name]
        starred = [(key[len(name) + 1 :], value) for key, value in self.parameters if key.startswith(f"{name}*")]
        if not starred:
            return list(dict.fromkeys(plain))
        extended = [_extended(value) for key, value in starred if not key]
        pieces = [(int(key.rstrip("*")[:9]), key, value) for key, value in starred if key.rstrip("*").isdecimal()]
        joined = [_joined(order) for order in _orders(pieces)]
        # some undo the percent signs of pieces that do not say they have any
        undone = [_extended(f"''{text}") for text in joined if "%" in text]
        return list(dict.fromkeys((*extended, *joined, *plain, *undone)))


def _orders(pieces: list[tuple[int, str, str]]) -> Iterator[list[tuple[str, str]]]:
    """The pieces in the order of their numbers, the first or the last of a number counting, and as they stand."""
    if not pieces:
        return
    last = {number: (key, value) for number, key, value in pieces}
    first = {number: (key, value) for number, key, value in reversed(pieces)}
    for chosen in (first, last):
        yield [chosen[number] for number in sorted(chosen)]
    yield [(key, value) for _, key, value in pieces]


def read_block(data: Bytes, start: int, end: int, limit: int) -> Block:
    """The header block that begins at ``start`` of an entity that ends at ``end``.

    Without any line that looks like a field there is no header, and all of it is body. Raises ``OverLimit`` when the
    block is longer than ``limit`` bytes.
    """
    first = data[start : min(start + 2, end)]  # a line end at ``end`` belongs to the boundary behind an empty entity
    if first == b"\r\n" or first[:1] == b"\n":
        return Block(Span(start, start), start + (2 if first == b"\r\n" else 1))
    stop = min(end, start + limit)
    header_end, body = _empty_line(data, start, stop)
    if header_end < 0:
        if stop < end:
            raise OverLimit(f"has a header longer than {limit} bytes")
        header_end = body = end
    fields, doubts, early = _fields(data[start:header_end], start)
    if not fields and header_end == end:
        return Block(Span(start, start), start)
    return Block(Span(start, header_end), body, fields, tuple(dict.fromkeys(doubts)), early)


def _empty_line(data: Bytes, start: int, stop: int) -> tuple[int, int]:
    """Where the header ends and the body begins; -1 twice when there is no empty line."""
    usual = data.find(b"\n\r\n", start, stop)
    bare = data.find(b"\n\n", start, usual if usual >= 0 else stop)
    if bare >= 0:
        return bare + 1, bare + 2
    return (usual + 1, usual + 3) if usual >= 0 else (-1, -1)


def _fields(block: bytes, offset: int) -> tuple[tuple[Field, ...], list[Doubt], int]:
    """The fields of a block that stands at ``offset``, what is doubtful, and ``Block.early``."""
    doubts = []
    if b"\x00" in block:
        doubts.append(ZERO)
    if block.count(b"\r") != block.count(b"\r\n"):
        # a line end to some programs; the SMTP listener lets none through
        doubts.append(RETURN)
    folded = b"\n " in block or b"\n\t" in block
    ends = [blank.end()] if folded and (blank := _BLANK_LINE.search(block)) else []
    continued = folded and _CONTINUED.search(block) is not None
    found: list[Field] = []
    for match in _LINE.finditer(block):
        called, blanks, text = match.groups()
        start = match.start()
        if called:
            name = called.decode("ascii").lower()
            value = _unfolded(text)
            if name.startswith(_CONTENT) and (blanks or name not in _USUAL or ":" in value[:30]):
                doubts += _content_doubts(name, value, spaced=bool(blanks))
                if name in _DECIDES and (repeated := _REPEATED.match(value)):
                    value = value[repeated.end() :]
            if continued and _CONTINUED.search(match.group()):
                doubts.append(CONTINUED)
            found.append(Field(name, value, offset + start, offset + match.end()))
        elif start or not block.startswith((b"From ", b">From ")):
            # clean, because the header is also read as one that ends here
            doubts.append(Doubt("a line in the header that is no field", Verdict.CLEAN))
            ends.append(start)
    # without a field before it the body would be the same bytes once more
    first = found[0].start if found else offset + len(block)
    return tuple(found), doubts, next((offset + end for end in sorted(ends) if offset + end > first), -1)


def _content_doubts(name: str, value: str, *, spaced: bool) -> Iterator[Doubt]:
    if spaced:
        yield Doubt("a space before the colon of a content field")
    if name in _DECIDES:
        if value.startswith(":") or _REPEATED.match(value):
            yield Doubt("a content field that says its name or its colon twice")
    elif _NO_LETTER.sub("", name) in _DECIDES_SQUASHED:
        yield Doubt(f"a content field with a damaged name {name[:60]!r}")


def _unfolded(value: bytes) -> str:
    text = value.strip()
    if b"\n" in text:
        text = text.replace(b"\r\n", b"").replace(b"\n", b"")
    return text.decode("utf-8", "surrogateescape")


def first_word(text: str) -> str:
    """The first word of a structured value in lower case, without the comments and quotes it may be dressed in."""
    words = without_comments(text).partition(";")[0].split()
    return words[0].strip('"').rstrip(".").lower() if words else ""


def parse_value(text: str) -> Value:
    """``type/subtype; name=value ...`` or any other token with parameters."""
    return _parsed_once(text) if len(text) <= _REPEATED_OFTEN else _parsed(text)


def _parsed(text: str) -> Value:
    if "(" in text:
        text = without_comments(text)
    token, _, _ = text.partition(";")
    found = []
    for match in _PARAMETER.finditer(text, len(token)):
        found += [(match.group(1).lower(), value) for value in _readings(match.group(2), match.group(3))]
    return Value(token.strip().strip('"').lower(), tuple(found))


_parsed_once = lru_cache(maxsize=256)(_parsed)
_REPEATED_OFTEN = 100
"""Characters of a value that is likely to come again, as ``text/plain; charset=utf-8`` does."""


def _readings(quoted: str | None, bare: str | None) -> Iterator[str]:
    """One parameter value as programs read it: with every or only the usual escapes undone, with or without a blank."""
    if quoted is not None:
        yield (every := _ESCAPE.sub(r"\1", quoted))
        if (usual := quoted.replace("\\\\", "\\").replace('\\"', '"')) != every:
            yield usual
        return
    whole = (bare or "").strip()
    yield whole
    if len(words := whole.split(None, 1)) > 1:
        yield words[0]


def without_comments(text: str) -> str:
    """``text`` without RFC 5322 §3.2.2 comments, nested ones included; parentheses inside quotes are none."""
    pieces = []
    position = 0
    for quoted in _quoted(text):
        pieces += [_strip_comments(text[position : quoted.start()]), quoted.group()]
        position = quoted.end()
    return "".join((*pieces, _strip_comments(text[position:])))


def without_quoted(text: str) -> str:
    """``text`` without its quoted strings (RFC 5322 §3.2.4)."""
    pieces = []
    position = 0
    for quoted in _quoted(text):
        pieces.append(text[position : quoted.start()])
        position = quoted.end()
    return "".join((*pieces, text[position:]))


def _quoted(text: str) -> Iterator[re.Match[str]]:
    """The quoted strings. Behind a quote that is never closed there are none: each would have to close it."""
    start = text.find('"')
    while start >= 0 and (found := _QUOTED.match(text, start)):
        yield found
        start = text.find('"', found.end())


def _strip_comments(text: str) -> str:
    """One pass: a comment is a pair of brackets that is in no other pair. A backslash counts only inside one."""
    open_at: list[int] = []
    comments: list[tuple[int, int]] = []
    position = 0
    while found := _BRACKET.search(text, position):
        position = found.end()
        if found.group() == "(":
            open_at.append(found.start())
        elif found.group() == ")" and open_at:
            start = open_at.pop()
            while comments and comments[-1][0] > start:
                comments.pop()
            comments.append((start, position))
        elif found.group()[0] == "\\" and not open_at:
            position = found.start() + 1
    pieces = []
    position = 0
    for start, end in comments:
        pieces.append(text[position:start])
        position = end
    return "".join((*pieces, text[position:]))


def _extended(value: str) -> str:
    """``charset'language'percent-encoded`` (RFC 2231 §4)."""
    charset, quote, rest = value.partition("'")
    if quote:
        _, quote, encoded = rest.partition("'")
    if not quote:
        charset, encoded = "utf-8", value
    return _decoded(unquote_to_bytes(encoded.encode("utf-8", "surrogateescape")), charset)


def _joined(pieces: list[tuple[str, str]]) -> str:
    """Continuations in order; the first one carries the charset, and each says for itself whether it is encoded."""
    charset = "utf-8"
    joined = b""
    for number, (key, value) in enumerate(pieces):
        if not key.endswith("*"):
            joined += value.encode("utf-8", "surrogateescape")
            continue
        if number == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)  # noqa: PLW2901  what is left of the first piece
        joined += unquote_to_bytes(value.encode("utf-8", "surrogateescape"))
    return _decoded(joined, charset)


def decode_words(text: str) -> str:
    """``text`` with its encoded words decoded (RFC 2047), and stray 8-bit bytes shown as what they can be."""
    if not text.isascii():
        text = _decoded(text.encode("utf-8", "surrogateescape"), "utf-8")
    if "=?" not in text:
        return text
    text = _BETWEEN_WORDS.sub(r"\1", text)
    return "".join(_word_pieces(text))


def _word_pieces(text: str) -> Iterator[str]:
    """Plain text and decoded words. Neighbours in one charset are joined as bytes: some programs cut characters."""
    position = 0
    waiting, waiting_charset = b"", ""
    for match in _WORD.finditer(text):
        charset = match.group(1).partition("*")[0].lower()
        if waiting and (match.start() > position or charset != waiting_charset):
            yield _decoded(waiting, waiting_charset)
            waiting = b""
        if match.start() > position:
            yield text[position : match.start()]
        waiting += _word_bytes(match.group(2), match.group(3))
        waiting_charset = charset
        position = match.end()
    if waiting:
        yield _decoded(waiting, waiting_charset)
    yield text[position:]


def _word_bytes(coding: str, encoded: str) -> bytes:
    raw = encoded.encode("utf-8", "replace")
    if coding in "qQ":
        return binascii.a2b_qp(raw, header=True)
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return raw


def is_charset(name: str) -> bool:
    """Whether a name may be that of a character set. Whether Python knows it is another question."""
    return _CHARSET.match(name) is not None


def _decoded(raw: bytes, charset: str) -> str:
    """``raw`` in its charset. Never fails: an unknown charset or wrong bytes fall back to UTF-8, then to Latin-1."""
    if raw[:1] == b"\x00" and _WIDE.match(charset):
        charset = "utf-16-be"  # without a mark at its beginning, and no name begins with U+xx00
    for attempt in (charset, "utf-8"):
        if not is_charset(attempt):
            continue
        try:
            return raw.decode(attempt)
        except (LookupError, ValueError, OSError):  # OSError: a codec is a file, which a jail may not let us read
            continue
    return raw.decode("latin-1")
