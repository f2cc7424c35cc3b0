"""Another name, type and transfer encoding for a part, in its own header fields.

Contract: ``edited`` gives the bytes of each header field of a part, only those changed that say what the part is: the
type, the file name where there was one (RFC 2045, RFC 2183), in the form the sender chose (quoted, RFC 2231 or
RFC 2047), the transfer encoding, and a size or a description that would be wrong now. Other parameters stay as they
were written. A field that cannot be taken apart without doubt is written anew. No name can break out of its field: what
does not print is replaced before.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from gateway.scan.headers import Block, Bytes, decode_words

GENERIC = "application/octet-stream"
"""A type that is right for every file."""

LONGEST_NAME = 255
"""Characters; no file system takes a longer name."""

_PIECE = 60
"""Bytes of a parameter on one line, so that no line is longer than 78 (RFC 5322 §2.1.1)."""

_NAMES = frozenset({b"name", b"filename"})
_STALE = frozenset({b"size"})
# Each token is found in one go, or is a single sign that closes nothing.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|\((?:[^()\\]|\\.)*\)|[^;"()]+|.', re.DOTALL)
_PLAIN_TYPE = re.compile(rb"(\s*)[^\s;()\"=?]+(\s*)")


@dataclass(frozen=True, slots=True)
class Description:
    """What a part is from now on. ``old_name`` is the name it had, "" when it had none; then it gets none."""

    old_name: str
    new_name: str
    media_type: str
    base64: bool
    """Whether its body is base64 from now on, whatever it was."""


def edited(data: Bytes, block: Block, described: Description, eol: bytes) -> Iterator[tuple[str, bytes]]:
    """Each field of the header, name in lower case and all of its bytes; fields that were missing come last."""
    seen = set()
    for field in block.fields:
        raw = data[field.span.start : field.span.end]
        if not raw.endswith(b"\n"):
            raw += eol
        seen.add(field.name)
        yield field.name, _field(field.name, raw, described, eol)
    if "content-type" not in seen:
        yield "content-type", _new_type(described, eol)
    if "content-transfer-encoding" not in seen and described.base64:
        yield "content-transfer-encoding", b"Content-Transfer-Encoding: base64" + eol


def _field(name: str, raw: bytes, described: Description, eol: bytes) -> bytes:
    match name:
        case "content-type":
            return _parameters(raw, described, eol, described.media_type) or _new_type(described, eol)
        case "content-disposition":
            return _parameters(raw, described, eol) or _new_disposition(described, eol)
        case "content-transfer-encoding" if described.base64:
            return b"Content-Transfer-Encoding: base64" + eol
        case "content-description" if described.old_name and _says(raw, described.old_name):
            return b"Content-Description: " + b" ".join(_words(_clean(described.new_name))) + eol
    return raw


def _says(raw: bytes, text: str) -> bool:
    value = raw.partition(b":")[2].replace(b"\r\n", b"").replace(b"\n", b"")
    return decode_words(value.decode("utf-8", "surrogateescape")).strip() == text


def _parameters(raw: bytes, described: Description, eol: bytes, media_type: str = "") -> bytes | None:
    """The field with other parameters, and with another type if it needs one. None when it cannot be taken apart."""
    label, _, value = raw.partition(b":")
    pieces = _pieces(value.rstrip(b"\r\n"))
    if pieces is None or b"=?" in pieces[0]:
        return None
    first, rest = pieces[0], pieces[1:]
    if media_type and first.strip().lower() not in (media_type.lower().encode(), GENERIC.encode()):
        found = _PLAIN_TYPE.fullmatch(first)
        if found is None:
            return None
        first = found[1] + media_type.encode("ascii", "replace") + found[2]
    kept = [piece for piece in rest if piece.strip() and _key(piece) not in _NAMES | _STALE]
    dropped = [piece for piece in rest if _key(piece) in _NAMES]
    if not dropped or (_clean(described.new_name) == described.old_name and _single(dropped)):
        kept = [piece for piece in rest if _key(piece) not in _STALE]
        return label + b":" + b";".join((first, *kept)) + eol
    named = _named(_key(dropped[0]), described.new_name, dropped, eol)
    return label + b":" + b";".join((first, *kept)).rstrip() + b";" + eol + b" " + named + eol


def _single(pieces: list[bytes]) -> bool:
    """Whether there is one reading of the name, which every program shows."""
    return len(pieces) == 1 and b"*" not in pieces[0].partition(b"=")[0] and b"\\" not in pieces[0]


def _pieces(value: bytes) -> list[bytes] | None:
    """The value divided at the semicolons outside of quotes and comments; None when one of those does not end."""
    pieces = [b""]
    for found in _TOKEN.finditer(value):
        token = found.group()
        if token in (b'"', b"(", b")"):
            return None
        if token == b";":
            pieces.append(b"")
        else:
            pieces[-1] += token
    return pieces


def _key(piece: bytes) -> bytes:
    """The name of a parameter without the marks of RFC 2231."""
    return piece.partition(b"=")[0].strip().lower().partition(b"*")[0].strip()


def _new_type(described: Description, eol: bytes) -> bytes:
    field = b"Content-Type: " + described.media_type.encode("ascii", "replace")
    if described.old_name:
        field += b";" + eol + b" " + _named(b"name", described.new_name, [], eol)
    return field + eol


def _new_disposition(described: Description, eol: bytes) -> bytes:
    field = b"Content-Disposition: attachment"
    if described.old_name:
        field += b";" + eol + b" " + _named(b"filename", described.new_name, [], eol)
    return field + eol


def _named(key: bytes, name: str, before: list[bytes], eol: bytes) -> bytes:
    """The parameter ``key`` with the value ``name``, in the form of ``before`` if that is not plain."""
    name = _clean(name)
    if name.isascii() and len(name) <= 2 * _PIECE:
        return key + b'="' + re.sub(r'(["\\])', r"\\\1", name).encode() + b'"'
    if key == b"name" and not any(b"*" in piece.partition(b"=")[0] for piece in before):
        return key + b'="' + (eol + b" ").join(_words(name)) + b'"'
    return _extended(key, name, eol)


def _extended(key: bytes, name: str, eol: bytes) -> bytes:
    """RFC 2231 §4: percent-encoded UTF-8, and in numbered pieces (§3) where one line would be too long."""
    pieces = [""]
    for letter in (quote(character, safe="") for character in name):
        if len(pieces[-1]) + len(letter) > _PIECE:
            pieces.append("")
        pieces[-1] += letter
    pieces[0] = f"UTF-8''{pieces[0]}"
    if len(pieces) == 1:
        return key + b"*=" + pieces[0].encode()
    numbered = (key + f"*{number}*={piece}".encode() for number, piece in enumerate(pieces))
    return (b";" + eol + b" ").join(numbered)


def _words(text: str) -> list[bytes]:
    """Encoded words (RFC 2047 §2) of whole characters, or the plain text where it is short and ASCII."""
    if text.isascii() and len(text) <= 2 * _PIECE:
        return [text.encode()]
    words = [b""]
    for character in text:
        letter = character.encode("utf-8", "replace")
        if len(words[-1]) + len(letter) > _PIECE * 3 // 4:
            words.append(b"")
        words[-1] += letter
    return [b"=?utf-8?B?" + base64.b64encode(word) + b"?=" for word in words]


def _clean(name: str) -> str:
    """A name without signs that do not print, its end kept when it is too long: there stands what kind of file it
    is."""
    shown = "".join(character if character.isprintable() else "_" for character in name)
    stem, dot, ending = shown.rpartition(".")
    if len(shown) <= LONGEST_NAME:
        return shown
    if not dot or len(ending) > 20:
        return shown[:LONGEST_NAME]
    return stem[: LONGEST_NAME - len(ending) - 1] + dot + ending
