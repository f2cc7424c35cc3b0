"""Tag lists: ``v=1; a=rsa-sha256; d=example.com`` (RFC 6376 §3.2).

Contract: pure; takes any bytes; raises ``BadTags`` with a sentence and nothing else. dkimpy reads the list; what it
leaves to its callers is checked here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from dkim.util import InvalidTagValueList, parse_tag_value

Tags = Mapping[str, bytes]

_BLANKS = b" \t\r\n"
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class BadTags(ValueError):
    """The list, or a value in it, is not what the standard allows."""


def parse(value: bytes) -> Tags:
    """The tags of a list and their values, white space around them removed."""
    try:
        found = parse_tag_value(value.strip(_BLANKS))
    except InvalidTagValueList:
        raise BadTags("it is no list of tags, or names one twice") from None
    return {key.decode("ascii", "replace"): bytes(text) for key, text in found.items()}


def required(tags: Tags, *names: str) -> None:
    """Raises ``BadTags`` for the first that is missing."""
    for name in names:
        if name not in tags:
            raise BadTags(f"{name}= is missing")


def word(tags: Tags, name: str, default: str = "") -> str:
    """A value as text, without white space inside."""
    if name not in tags:
        return default
    try:
        return tags[name].translate(None, _BLANKS).decode("ascii")
    except UnicodeDecodeError:
        raise BadTags(f"{name}= is not ASCII") from None


def words(tags: Tags, name: str, default: str = "") -> list[str]:
    """A colon-separated value, in lower case."""
    return [item.lower() for item in word(tags, name, default).split(":") if item]


def number(tags: Tags, name: str) -> int | None:
    """A decimal value, None if there is none."""
    if name not in tags:
        return None
    text = word(tags, name)
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise BadTags(f"{name}= is not a number")
    return int(text)


def data(tags: Tags, name: str) -> bytes:
    """A base64 value."""
    try:
        return base64.b64decode(word(tags, name), validate=True)
    except (binascii.Error, ValueError):
        raise BadTags(f"{name}= is not base64") from None


def domain(tags: Tags, name: str) -> str:
    """A domain name or a part of one, in lower case, that can be asked for in DNS."""
    text = word(tags, name)
    if not is_name(text):
        raise BadTags(f"{name}= is no domain name")
    return text.lower()


def is_name(text: str) -> bool:
    """Whether DNS can be asked for it: letters, digits, hyphens, underscores (RFC 5321 §4.1.2, RFC 6376 §3.1)."""
    return len(text) <= 253 and _NAME.fullmatch(text) is not None


def without_signature(value: bytes) -> bytes:
    """A signature field with the value of ``b=`` emptied, all other bytes kept (RFC 6376 §3.5)."""
    pieces = value.split(b";")
    for index, piece in enumerate(pieces):
        key, equals, signature = piece.partition(b"=")
        if equals and key.strip(_BLANKS) == b"b":
            end = b"\r\n" if index == len(pieces) - 1 and signature.endswith(b"\r\n") else b""
            pieces[index] = key + equals + end
            break
    return b";".join(pieces)
