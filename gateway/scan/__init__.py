"""The scan: one message, or one file, in; what is in it and how bad that is, out.

Contract: ``examine`` returns a ``Report`` for any bytes within the budget and never raises. It is pure and synchronous:
no socket, no file, no thread, no clock but the monotonic one. Nothing passes unlooked at: what is too deep, too big,
encrypted, broken or ambiguous is a finding, and a finding has a verdict.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import time

from gateway.message import Headline, Report, Span, clip
from gateway.scan import containers, headers, mime
from gateway.scan.budget import Limits, OverLimit
from gateway.scan.look import Blob, Look
from gateway.scan.triggers import ScanRules
from gateway.scan.unpack import Recall, Scan

__all__ = ["ENGINE_VERSION", "Limits", "ScanRules", "examine", "examine_with"]

ENGINE_VERSION = "3"
"""Changes when the same bytes and rules may give another verdict; part of the key of every remembered verdict."""

OWN_HEADER = "x-macrogate"
_RESULTS = "authentication-results"
_FORGEABLE = frozenset({OWN_HEADER, _RESULTS})

_COPIED = 1 << 20
"""A mapped message of fewer bytes is copied once: bytes are searched many times, and mapped memory a byte at a time."""


def examine(
    data: bytes | mmap.mmap | memoryview,
    *,
    rules: ScanRules,
    limits: Limits,
    name: str = "",
    mail: bool = True,
    recall: Recall | None = None,
    passwords: tuple[str, ...] = (),
    authserv_id: str = "",
) -> Report:
    """Look into a message (``mail``) or into one file called ``name``. Never raises.

    ``recall`` is asked for the findings of a document by its SHA-256 (hex); their ``where`` is relative to the
    document: "" is the document itself, "/x" what is inside it. ``passwords`` are tried on what is encrypted, besides
    the words of the message. ``authserv_id``: Authentication-Results of that name can only be forged (RFC 8601 §5).
    """
    began = time.monotonic()
    content = bytes(data) if isinstance(data, memoryview) or len(data) < _COPIED else data
    scan = Scan(rules, limits, recall, passwords)
    top = examine_with(scan, content, name=name, mail=mail)
    return Report(
        verdict=scan.verdict,
        findings=scan.findings,
        parts=tuple(scan.parts),
        headline=_headline(top),
        sha256=hashlib.sha256(content).hexdigest(),
        forged=tuple(field.span for field in top.fields if field.name in _FORGEABLE and _is_ours(field, authserv_id)),
        recalled=scan.recalled,
        seconds=time.monotonic() - began,
        whole=scan.whole,
    )


def examine_with(scan: Scan, data: headers.Bytes, *, name: str = "", mail: bool = True) -> headers.Block:
    """Have ``scan`` look into it; the top header block of a message. Never raises."""
    try:
        if mail:
            return _examine_mail(data, scan)
        scan.look_at(Blob(bytes(data), name or "file", name))
    except OverLimit:
        pass  # it has been reported where it happened
    return headers.Block(Span(0, 0), 0)


def _is_ours(field: headers.Field, authserv_id: str) -> bool:
    """Whether a header field claims to have been written by us."""
    if field.name == OWN_HEADER:
        return True
    return bool(authserv_id) and field.name == _RESULTS and headers.first_word(field.value) == authserv_id.lower()


def _examine_mail(data: headers.Bytes, scan: Scan) -> headers.Block:
    """Look into a message; its top header block, which is known even when something below it ends the scan."""
    message = Blob(b"", "")
    blocks: list[headers.Block] = []
    scan.guarded(lambda _, look: blocks.append(mime.top(data, look.budget)), message)
    if not blocks:
        return headers.Block(Span(0, 0), 0)
    with contextlib.suppress(OverLimit):
        scan.guarded(lambda part, look: _examine_tree(data, blocks[0], part, look), message)
    return blocks[0]


def _examine_tree(data: headers.Bytes, top: headers.Block, message: Blob, look: Look) -> None:
    containers.mail.examine_tree(data, mime.parse_below(data, top, look.budget), message, look)


def _headline(top: headers.Block) -> Headline:
    values = {field.name: field.value for field in reversed(top.fields)}  # the first field of a name counts

    def shown(name: str) -> str:
        return clip(headers.decode_words(values.get(name, "")), 300)

    return Headline(shown("subject"), shown("from"), shown("message-id"), shown("date"))
