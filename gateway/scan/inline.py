"""What hides in text: uuencoded, base64 and quoted-printable blocks that a person, or a mail program, can turn back
into a file.

Contract: ``unpack`` hands on every block that decodes to something other than text, and reports encodings it cannot
undo. Plain text costs one pass of ``bytes.translate`` and a few searches. Raises ``OverLimit`` only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.closed_sets import FileType, Kind
from gateway.scan import loose, sniff
from gateway.scan.containers import openpgp
from gateway.scan.encodings import binhex, quoted_printable, uu, yenc
from gateway.scan.encodings.base64_text import simple_base64
from gateway.scan.look import Blob, Look
from gateway.scan.search import holds

TYPES = frozenset({FileType.TEXT, FileType.HTML, FileType.XML, FileType.EMAIL, FileType.SCRIPT, FileType.BINARY})
"""Binary as well: one control character makes a text binary to us and to no mail program."""

MIN_BASE64 = 512
"""Shorter base64 text does not hold a document."""
LINE = 16
"""Base64 lines are longer than most words; this many letters without a space may begin a block."""
SAMPLED = 1 << 16
"""In more bytes no block is looked for unless every 32nd byte shows a row of those that a block is made of."""
_STEP = 32
MIN_MESSAGE = 32
"""An OpenPGP message of fewer bytes is only talked about."""
QUOTED_ZEROS = b"=00=00"
"""No document is without two zero bytes together, and no text has them."""

_RUN = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}(?:[ \t]*\r?\n[ \t>]*[A-Za-z0-9+/_-]+={0,2})*")
_FOLD = re.compile(rb"\r?\n[ \t]")
"""How iCalendar and vCard divide long lines, wherever they like (RFC 5545 §3.1, RFC 6350 §3.2)."""
_ENCODED = re.compile(rb"[A-Za-z0-9+/]+")
_OF_A_RUN = bytes(
    0x41 if chr(c).isascii() and (chr(c).isalnum() or chr(c) in "+/-_= \t\r\n>") else 0x20 for c in range(256)
)
"""What ``_RUN`` is made of, as one letter."""
_LETTERS = bytes(0x41 if chr(c).isascii() and (chr(c).isalnum() or chr(c) in "+/-_") else 0x20 for c in range(256))
_QUIET = frozenset(
    {FileType.TEXT, FileType.BINARY, FileType.EMPTY, FileType.IMAGE, FileType.XML, FileType.EMAIL, FileType.OPENPGP}
)

_MAILS = frozenset({FileType.EMAIL, FileType.MHT})


def unpack(blob: Blob, look: Look) -> None:
    """Look for blocks in a text and hand on what they decode to."""
    text = bytes(blob.data)
    if text[:64].lstrip()[:8].upper() == b"BEGIN:VC":
        text = _FOLD.sub(b"", text)
    if holds(text, openpgp.BEGIN):
        text = _openpgp(blob, text, look)
    if holds(text, b"begin"):
        _uu(blob, text, look)
        _yenc(blob, text, look)
    if holds(text, binhex.BEGIN):
        for name, content in binhex.blocks(text, look.budget):
            look.budget.spend_bytes(len(content))
            look.descend(blob, content, name or "BinHex")
    if holds(text, QUOTED_ZEROS):
        _quoted(blob, text, look)
    for content in _base64_blocks(text, look):
        look.descend(blob, content, "base64 text")


def _quoted(blob: Blob, text: bytes, look: Look) -> None:
    """A document in quoted-printable text, which somebody encoded once more; in a mail it is one of its parts."""
    if not _MAILS.isdisjoint(sniff.candidates(text)):
        return
    content = loose.carved(quoted_printable(text))
    if content is not None:
        look.budget.spend_bytes(len(content))
        look.descend(blob, content, "quoted-printable text")


def _openpgp(blob: Blob, text: bytes, look: Look) -> bytes:
    """Hand on the messages in a text; the text as it was before somebody signed it."""
    if openpgp.SIGNED_ARMOUR in text:
        text = text.replace(b"\n- ", b"\n")  # RFC 9580 §7.1
    for content in openpgp.armoured(text):
        look.budget.spend_bytes(len(content))
        if openpgp.begins(content[: sniff.HEAD], len(content)):
            look.descend(blob, content, "OpenPGP message")
        elif len(content) >= MIN_MESSAGE:
            look.find(Kind.ENCRYPTED, blob.where, "holds an OpenPGP message that cannot be read", reference="RFC 9580")
    return text


def _uu(blob: Blob, text: bytes, look: Look) -> None:
    for name, content in uu.blocks(text):
        look.budget.spend_bytes(len(content))
        look.descend(blob, content, name or "uuencoded")


def _yenc(blob: Blob, text: bytes, look: Look) -> None:
    for name, content, several in yenc.blocks(text, look.budget):
        look.budget.spend_bytes(len(content))
        look.descend(blob, content, name or "yEnc")
        if several:
            sentence = (
                f"holds one of several yEnc parts, which only the recipient's program joins: {name or 'without a name'}"
            )
            look.find(Kind.CORRUPT, blob.where, sentence)


def _base64_blocks(text: bytes, look: Look) -> Iterator[bytes]:
    """What blocks of base64 text decode to, where that is something to look into; a few letters may stand before it."""
    if len(text) > SAMPLED and b"A" * (MIN_BASE64 // _STEP) not in text[::_STEP].translate(_OF_A_RUN):
        return
    letters = text.translate(_LETTERS)
    needle = b"A" * LINE
    position = 0
    while (position := letters.find(needle, position)) >= 0:
        look.budget.check_time()
        run = _RUN.match(text, position)
        assert run is not None  # it begins with the letters just found
        position = run.end()
        if run.end() - run.start() < MIN_BASE64:
            continue
        for offset in range(4):
            content = _worth_a_look(text[run.start() + offset : run.end()])
            if content is not None:
                look.budget.spend_bytes(len(content))
                yield content
                break


def _worth_a_look(encoded: bytes) -> bytes | None:
    content = simple_base64(encoded)
    if not _QUIET.issuperset(sniff.candidates(content)):
        return content
    # one coding in another: text that is base64 again from its first letter
    again = content[:MIN_BASE64].translate(None, b"\r\n")
    return content if len(again) > MIN_BASE64 // 2 and _ENCODED.fullmatch(again) else None
