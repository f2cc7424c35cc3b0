"""Content-Transfer-Encodings: what a body decodes to, in every reading a mail program may have.

Contract: decoders take any bytes and raise nothing but ``OverLimit``. On valid input each gives exactly what its
standard says; on invalid input as much as any known mail program would show, because stopping where the standard stops
is how a document hides (a padded chunk followed by another). Readings are made one at a time, so that each is paid for
before the next.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

from gateway.scan.budget import Budget
from gateway.scan.containers import bounded
from gateway.scan.encodings import binhex, uu, yenc
from gateway.scan.encodings.base64_text import base64_views, simple_base64
from gateway.scan.encodings.quoted_text import quoted_printable, quoted_views
from gateway.scan.look import Corrupt

__all__ = ["CODINGS", "base64_views", "decoded", "quoted_printable", "simple_base64", "uu"]

BASE64 = "base64"
QUOTED = "quoted-printable"
UUENCODE = "uuencode"
YENC = "yenc"
BINHEX = "binhex"
DEFLATE = "deflate"

CODINGS: dict[str, str] = {
    BASE64: BASE64,
    QUOTED: QUOTED,
    **dict.fromkeys(("x-uuencode", "uuencode", "x-uue", "uue", "x-uu"), UUENCODE),
    **dict.fromkeys(("x-yencode", "x-yenc", "yencode", "yenc"), YENC),
    **dict.fromkeys(
        ("binhex", "binhex40", "binhex4", "x-binhex", "x-binhex40", "mac-binhex", "mac-binhex40", "x-mac-binhex40"),
        BINHEX,
    ),
    # what is behind the base64 is a gzip file, and looked into as any other
    **dict.fromkeys(("gzip64", "x-gzip64"), BASE64),
    **dict.fromkeys(("deflate", "x-deflate"), DEFLATE),
}
"""Every word for a transfer encoding that is undone, and which one it means."""


def decoded(coding: str, data: bytes | mmap.mmap, start: int, end: int, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """Each reading of the body from ``start`` to ``end``: a name, if the coding has one for it, and the content.

    Contents are paid for. Raises ``OverLimit``.
    """
    for name, content in _readings(coding, data, start, end, budget):
        budget.spend_bytes(len(content))
        yield name, content


def _readings(
    coding: str, data: bytes | mmap.mmap, start: int, end: int, budget: Budget
) -> Iterator[tuple[str, bytes]]:
    if coding == BASE64:
        yield from (("", view) for view in base64_views(data, budget, start, end))
    elif coding == UUENCODE:
        yield from uu.body(data[start:end])
    elif coding == YENC:
        yield from yenc.body(data[start:end], budget)
    elif coding == BINHEX:
        yield from binhex.body(data[start:end], budget)
    elif coding == DEFLATE:
        yield from (("", content) for content in _inflated(data[start:end], budget))
    else:
        yield from (("", view) for view in quoted_views(data[start:end]))


def _inflated(body: bytes, budget: Budget) -> Iterator[bytes]:
    """A deflated body, with or without the header of zlib, written as base64 or as it is."""
    for packed in (*base64_views(body, budget), body):
        for window in (bounded.ZLIB, bounded.RAW_DEFLATE):
            try:
                content, _ = bounded.inflate(packed, budget, window)
            except Corrupt:
                continue
            yield content
            return
    yield body
