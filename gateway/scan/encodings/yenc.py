"""yEnc (version 1.3 of its draft): bytes shifted by 42, written as they are.

Contract: decoders take any bytes. A block goes from ``=ybegin`` to ``=yend`` or the end of the text; sizes and
checksums are not relied on. Contents are paid for by whoever takes them, and never larger than the text. Raises
``OverLimit`` only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.scan.budget import Budget

BEGIN = b"=ybegin "
_BLOCK = re.compile(rb"^=ybegin [^\r\n]{0,1000}\r?\n", re.MULTILINE)
_PART = re.compile(rb"=ypart [^\r\n]{0,1000}\r?\n")
_TOTAL = re.compile(rb" (?:part|total)=(\d{1,9})")
_END = re.compile(rb"^=yend(?=[ \r\n])", re.MULTILINE)
_SHIFT = bytes((byte - 42) % 256 for byte in range(256))
_DOUBLED_DOT = re.compile(rb"(?<=\n)\.\.")


def blocks(text: bytes, budget: Budget) -> Iterator[tuple[str, bytes, bool]]:
    """Every block: its name, its content, and whether it is only a part of a file."""
    position = 0
    while found := _BLOCK.search(text, position):
        budget.check_time()
        start = part.end() if (part := _PART.match(text, found.end())) else found.end()
        end = _END.search(text, start)
        position = end.start() if end else len(text)
        name = found.group().partition(b" name=")[2].strip().decode("utf-8", "replace")
        several = any(int(number) > 1 for number in _TOTAL.findall(found.group()))
        yield name, shifted(text[start:position], budget), several


def body(encoded: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """A body whose transfer encoding is yEnc: its blocks or, without any, all of it."""
    found = False
    for name, content, _ in blocks(encoded, budget):
        found = True
        yield name, content
    if not found:
        yield "", shifted(encoded, budget)


def shifted(lines: bytes, budget: Budget) -> bytes:
    """The content of a block's lines. A dot that news transport doubled is taken for one."""
    first, *escaped = _DOUBLED_DOT.sub(b".", b"\n" + lines).translate(None, b"\r\n").split(b"=")
    pieces = [first.translate(_SHIFT)]
    for number, piece in enumerate(escaped):
        if not number % 4096:
            budget.check_time()
        pieces.append(bytes((byte - 106) % 256 for byte in piece[:1]) + piece[1:].translate(_SHIFT))
    return b"".join(pieces)
