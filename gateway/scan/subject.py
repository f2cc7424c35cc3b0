"""A prefix before the subject of a message, as splices.

Contract: every Subject field gets it, once; a message without one gets a Subject of its own. Never raises.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from gateway.message import Span, Splice, clip
from gateway.scan.headers import Bytes, decode_words
from gateway.scan.mime import Entity


def prefixed(data: Bytes, tree: Entity, prefix: str) -> Iterator[Splice]:
    """The prefix behind the name of every Subject field, or a Subject of its own."""
    shown = clip(prefix.strip(), 60)
    word = _encoded(shown)
    subjects = [field for field in tree.block.fields if field.name == "subject"]
    if not subjects:
        yield Splice(Span(0, 0), b"Subject: " + word + b"\r\n")
    for field in subjects:
        if decode_words(field.value).startswith(shown):
            continue
        at = data.find(b":", field.span.start, field.span.end) + 1
        following = data[at : at + 1]
        if following in (b" ", b"\t"):
            yield Splice(Span(at + 1, at + 1), word + b" ")
        else:
            yield Splice(Span(at, at), b" " + word + (b"" if following in (b"\r", b"\n", b"") else b" "))


def _encoded(text: str) -> bytes:
    """Plain, or as an encoded word (RFC 2047 §2). A blank inside keeps it apart from an encoded word that follows."""
    if text.isascii():
        return text.encode("ascii")
    return b"=?utf-8?B?" + base64.b64encode(f"{text[:14]} ".encode()) + b"?="
