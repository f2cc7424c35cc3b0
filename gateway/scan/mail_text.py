"""What a person reads in a mail besides its attachments: subject, bodies, names of files, addresses.

Contract: nothing is decoded before it is asked for, and of no body more than ``MAX_BODY`` bytes. Never raises for any
content. Character sets are taken at their word where Python knows them; where none is named, every likely one is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from gateway.scan import encodings, headers, mime
from gateway.scan.headers import Bytes
from gateway.scan.mime import Entity
from gateway.scan.password_words import readable

MAX_BODY = 1 << 16
MAX_BODIES = 40

SUBJECT = "a word of the subject"
BODY = "a word of the message body"

_GUESSES = ("cp932", "gb18030", "euc_kr", "koi8_r", "cp1251", "cp1252")
_MAX_GUESSES = 3
_ADDRESSES = ("from", "reply-to", "to")


def texts(data: Bytes, tree: Entity) -> Iterator[tuple[str, str]]:
    """Each readable text of the mail and, as words for people, where it stands."""
    for entity in tree.walk():
        for subject in entity.block.all("subject"):
            yield headers.decode_words(subject), SUBJECT
    bodies = (entity for entity in tree.walk() if entity.type.startswith("text/") and not entity.children)
    for entity in islice(bodies, MAX_BODIES):
        for coding in entity.codings:
            content = decoded(data, entity, coding)
            for text in decode(content, charsets_of(entity)):
                yield from ((reading, BODY) for reading in plain(text))


def names(tree: Entity) -> Iterator[str]:
    """The file names of all parts."""
    return (entity.name for entity in tree.walk() if entity.name)


def addresses(tree: Entity) -> Iterator[str]:
    """What identifies the people: the address fields word by word, without the signs around."""
    for name in _ADDRESSES:
        for field in tree.block.all(name)[:4]:
            yield from (word.strip("<>\"',;()") for word in headers.decode_words(field[:1000]).split())


def plain(text: str) -> Iterator[str]:
    """The readings of a text: of markup what it shows, of anything else itself."""
    if "<" in text and ">" in text:
        yield from readable(text)
    yield text


def decode(content: bytes, charsets: tuple[str, ...] = ()) -> Iterator[str]:
    """``content`` in its character set or, where that is not known or does not fit, in every likely one."""
    named = [text for charset in charsets if (text := _strictly(content, charset)) is not None]
    if named:
        yield from dict.fromkeys(named)
        return
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield content.decode("utf-16", "replace")
        return
    certain = ("iso2022_jp_2", "utf-8") if b"\x1b$" in content else ("utf-8",)
    for charset in certain:
        if (text := _strictly(content, charset)) is not None:
            yield text
            return
    guessed = (text for charset in _GUESSES if (text := _strictly(content, charset)) is not None)
    yield from islice(guessed, _MAX_GUESSES)
    yield content.decode("latin-1")


def _strictly(content: bytes, charset: str) -> str | None:
    """The text, or None when the bytes are not in that character set. A character cut off at the end does not count."""
    if not headers.is_charset(charset):
        return None
    for cut in range(4):
        try:
            return content[: len(content) - cut].decode(charset)
        except (LookupError, ValueError, OSError):  # OSError: a codec is a file, which a jail may not let us read
            if len(content) < MAX_BODY - 4:
                return None
    return None


def charsets_of(entity: Entity) -> tuple[str, ...]:
    """The character sets the part names."""
    values = [headers.parse_value(text) for text in entity.block.all("content-type")]
    return tuple(dict.fromkeys(charset.strip() for value in values for charset in value.all("charset")))[:3]


def decoded(data: Bytes, entity: Entity, coding: str) -> bytes:
    """The first ``MAX_BODY`` bytes of its body."""
    start, end = entity.body.start, min(entity.body.end, entity.body.start + 3 * MAX_BODY)
    if coding in mime.IDENTITY:
        return data[start:end][:MAX_BODY]
    if coding == encodings.BASE64:
        return encodings.simple_base64(data[start:end])[:MAX_BODY]
    if coding == encodings.UUENCODE:
        return b"".join(content for _, content in islice(encodings.uu.body(data[start:end]), 4))[:MAX_BODY]
    return encodings.quoted_printable(data[start:end])[:MAX_BODY]
