"""The fields of Word text, put together from the pieces they are written in (ECMA-376 part 1 §17.16, MS-DOC 2.8.25).

Contract: ``in_xml`` and ``in_text`` give the instructions of a text as ``gateway.scan.documents.fields`` takes them, or
"" when a cheap search shows that none of them acts. A field may be cut into any number of runs, and hold other fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.scan.documents.fields import CLOSE, MAX_TEXT, OPEN, may_act
from gateway.scan.documents.opc import is_plain, parse

_PIECES = re.compile(
    rb"<(?:\w{1,40}:)?(?:instrText|delInstrText)\b[^<>]*>([^<]*)|\binstr\s{0,9}=\s{0,9}[\"']([^\"'<]*)"
)
_BINARY_PIECE = re.compile("[\x13\x14\x15]|[^\x13\x14\x15]+")
_SEPARATOR = "\x14"


def in_xml(content: bytes, clock: Callable[[], None] | None = None) -> str:
    """The instructions of a WordprocessingML part. Raises ``Corrupt`` if it has to be parsed and cannot be.

    ``clock`` is called while it is parsed, and may raise.
    """
    if is_plain(content):
        narrow = content.replace(b"\0", b"") if b"\0" in content[:200] else content
        if b"nstr" not in narrow and b"<!ENTITY" not in narrow:
            return (
                ""  # the expression takes a millisecond for half a megabyte; the names it looks for cannot be escaped
            )
        if not any(mark in narrow for mark in (b"<!--", b"<![", b"<!ENTITY")) and b"<?" not in narrow[2:]:
            # what is no text and no element may part the letters of an instruction
            pieces = b"".join(a or b for a, b in _PIECES.findall(narrow)).upper().replace(b"HYPERLINK", b"")
            squeezed = pieces.translate(None, b" \t\r\n\"'\\")
            if b"&#" not in pieces and not may_act(squeezed, with_address=b"//" in pieces or b"\\\\" in pieces):
                return ""
    return _instructions(content, clock)


def in_text(text: str) -> str:
    """The instructions in the text of a binary Word document: ``\\x13`` instruction ``\\x14`` result ``\\x15``."""
    pieces: list[str] = []
    in_result: list[bool] = []
    for match in _BINARY_PIECE.finditer(text):
        piece = match[0]
        if piece == OPEN:
            in_result.append(False)
            pieces.append(OPEN)
        elif piece == CLOSE:
            pieces.append(CLOSE if in_result else "")
            del in_result[-1:]
        elif piece == _SEPARATOR:
            in_result[-1:] = [True] if in_result else []
        elif in_result and not in_result[-1]:
            pieces.append(piece)
    return "".join(pieces)


def _instructions(content: bytes, clock: Callable[[], None] | None) -> str:
    """All field instructions of a part, with the marks of Word's binary text where a field begins and ends."""
    pieces: list[str] = []
    inside = False
    room = MAX_TEXT + 1

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        local = name.rpartition(" ")[2]
        values = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        if local == "fldSimple":
            pieces.append(OPEN + values.get("instr", "") + CLOSE)
        elif local == "fldChar" and values.get("fldCharType") in {"begin", "end"}:
            pieces.append(OPEN if values["fldCharType"] == "begin" else CLOSE)
        inside = local in {"instrText", "delInstrText"}

    def text(data: str) -> None:
        nonlocal room
        if inside and room > 0:
            pieces.append(data)
            room -= len(data)

    def end(_name: str) -> None:
        nonlocal inside
        inside = False

    parse(content, start, text=text, end=end, clock=clock)
    return "".join(pieces)
