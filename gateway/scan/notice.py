"""The notice a recipient finds beside an attachment that was changed, or in the place of one that was removed.

Contract: a ``Wording`` is one language's templates, checked: ``parse`` raises ``ValueError`` with the sentence that
helps for a placeholder that is unknown or missing. ``written`` makes text and HTML of one of them; every value a
stranger chose is bounded, printable and, in HTML, escaped. ``part`` makes a part of a message of that: both as base64,
so that nothing in it can pass for a boundary or a header.

A template is plain text in paragraphs with ``{name}`` where a value goes. A paragraph with ``{link}`` is left out when
there is no link. The HTML is made of the same text.
"""

from __future__ import annotations

import base64
import html
import secrets
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gateway.closed_sets import Action
from gateway.message import Change, clip
from gateway.scan.headers import Bytes

PLACES: Mapping[Action, frozenset[str]] = {
    Action.DISARM: frozenset({"name", "new_name", "removed", "why", "held_id", "contact", "link"}),
    Action.STRIP: frozenset({"name", "why", "held_id", "contact", "link"}),
}
"""The placeholders of each kind of notice."""

NEEDED: Mapping[Action, frozenset[str]] = {
    Action.DISARM: frozenset({"name", "removed", "held_id", "contact"}),
    Action.STRIP: frozenset({"name", "held_id", "contact"}),
}
"""Those a notice is of no use without."""

INSIDE = " (in a document inside it)"
"""What a disarmer says behind what it took out of a document inside the one it was given."""

MAX_REMOVED = 10
"""Kinds of things said to have been removed from one document."""

MAX_TEMPLATE = 16 << 10
"""Characters of one template."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The templates of one language, and its words for what was removed; a word that is missing stays English."""

    disarmed: str
    stripped: str
    unnamed: str
    unnamed_now: str
    """The same behind "you have it here as"."""
    quotes: tuple[str, str]
    anybody: str
    """Whom to ask when nobody is configured."""
    words: Mapping[str, str]
    inside: str
    """Behind a word for what a document inside the document has lost."""
    joint: str = ", "


@dataclass(frozen=True, slots=True)
class Facts:
    """What is the same for every notice of a message; ``link`` is "" where none is configured."""

    why: str
    held_id: str
    contact: str = ""
    link: str = ""


def parse(kind: Action, text: str) -> str:
    """The template ``text`` for a notice of that kind, checked. Raises ``ValueError``."""
    if len(text) > MAX_TEMPLATE:
        raise ValueError(f"is longer than {MAX_TEMPLATE} characters, which nobody reads")
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"has a brace without its other half ({error}); write {{{{ and }}}} for braces") from None
    used = {field for _, field, _, _ in pieces if field is not None}
    known = ", ".join(f"{{{place}}}" for place in sorted(PLACES[kind]))
    if any(spec or conversion for _, _, spec, conversion in pieces):
        raise ValueError(f"has a placeholder with a colon or an exclamation mark in it; there are only {known}")
    if wrong := sorted(used - PLACES[kind]):
        raise ValueError(f"has {{{wrong[0]}}}, which this notice does not know; there are {known}")
    if missing := sorted(NEEDED[kind] - used):
        raise ValueError(f"does not say {{{missing[0]}}}, without which the recipient cannot ask for the original")
    return text


def written(change: Change, facts: Facts, wording: Wording) -> tuple[str, str]:
    """The notice about one attachment as text and as HTML; lines end in line feeds."""
    template = wording.disarmed if change.action is Action.DISARM else wording.stripped
    values = _values(change, facts, wording)
    paragraphs = [_pieces(paragraph) for paragraph in template.strip().split("\n\n")]
    paragraphs = [found for found in paragraphs if facts.link or all(place != "link" for _, place in found)]
    text = "\n\n".join("".join(literal + values.get(place, "") for literal, place in found) for found in paragraphs)
    body = "\n".join(f"<p>{''.join(_markup(found, values))}</p>" for found in paragraphs)
    return f"{text}\n", f'<html><head><meta charset="utf-8"></head><body>\n{body}\n</body></html>\n'


def _values(change: Change, facts: Facts, wording: Wording) -> dict[str, str]:
    def quoted(name: str, otherwise: str) -> str:
        return name.join(wording.quotes) if name else otherwise

    return {
        "name": quoted(clip(change.name, 200), wording.unnamed),
        "new_name": quoted(clip(change.new_name, 200), wording.unnamed_now),
        "removed": wording.joint.join(_word(what, wording) for what in change.removed[:MAX_REMOVED]),
        "why": clip(facts.why, 300),
        "held_id": facts.held_id,
        "contact": clip(facts.contact, 300) or wording.anybody,
        "link": facts.link,
    }


def _word(what: str, wording: Wording) -> str:
    """What was removed, in the language."""
    own = what.removesuffix(INSIDE)
    return wording.words.get(own, clip(own, 200)) + (wording.inside if own != what else "")


def _pieces(paragraph: str) -> list[tuple[str, str]]:
    """Literal text and the placeholder behind it, "" where none follows."""
    return [(literal, field or "") for literal, field, _, _ in string.Formatter().parse(paragraph)]


def _markup(pieces: Iterable[tuple[str, str]], values: Mapping[str, str]) -> Iterator[str]:
    for literal, place in pieces:
        yield html.escape(literal).replace("\n", "<br>\n")
        value = html.escape(values.get(place, ""))
        yield f'<a href="{value}">{value}</a>' if place == "link" else value


def new_boundary(data: Bytes) -> bytes:
    """A boundary that is nowhere in ``data`` and in no base64, and that nobody can foresee."""
    while data.find(boundary := secrets.token_hex(16).encode() + b"=_") >= 0:
        pass
    return boundary


def part(data: Bytes, text: str, markup: str, eol: bytes) -> tuple[bytes, bytes]:
    """Header fields and body of a ``multipart/alternative`` with both forms of a notice."""
    boundary = new_boundary(data)
    mark = b"--" + boundary
    fields = b'Content-Type: multipart/alternative; boundary="' + boundary + b'"' + eol
    pieces = (mark + eol + _coded(subtype, content, eol) for subtype, content in ((b"plain", text), (b"html", markup)))
    return fields, b"".join((*pieces, mark, b"--", eol))


def _coded(subtype: bytes, content: str, eol: bytes) -> bytes:
    fields = (
        b"Content-Type: text/" + subtype + b"; charset=utf-8",
        b"Content-Transfer-Encoding: base64",
        b"Content-Disposition: inline",
        b"",
        b"",
    )
    return eol.join(fields) + lines(content.replace("\n", "\r\n").encode("utf-8", "replace"), eol)


def lines(content: bytes, eol: bytes) -> bytes:
    """Base64 in lines of 76 characters (RFC 2045 §6.8)."""
    coded = base64.encodebytes(content)
    return coded if eol == b"\n" else coded.replace(b"\n", eol)
