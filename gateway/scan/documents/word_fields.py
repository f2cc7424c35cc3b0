"""DDE fields in Word text, put together from the pieces they are written in (ECMA-376 part 1 §17.16, MS-DOC 2.8.25).

Contract: ``dde_in_xml`` and ``dde_in_text`` give the instruction of the first DDE field, or "". A field may be cut into
any number of runs, hold other fields, and spell its letters as numbers for QUOTE; all of that is joined first. A cheap
search in the bytes decides whether a part is parsed at all.
"""

from __future__ import annotations

import re

from gateway.scan.documents.opc import parse

_PIECES = re.compile(
    rb"<(?:\w{1,40}:)?(?:instrText|delInstrText)\b[^<>]*>([^<]*)|\binstr\s{0,9}=\s{0,9}[\"']([^\"'<]*)"
)
_QUOTED_NUMBERS = re.compile(r"\bQUOTE\s+((?:\d{2,3}\s*)+)", re.IGNORECASE)
_DDE = re.compile(r"\bDDE(?:AUTO)?\b[^\x13\x15]{0,300}", re.IGNORECASE)
_BINARY_FIELD = re.compile(rb"\x13(?:\x00)?[ \x00\x13]{0,40}D\x00?D\x00?E\x00?", re.IGNORECASE)
_OPEN, _CLOSE = "\x13", "\x15"
_MAX_INSTRUCTION = 1 << 16


def dde_in_xml(content: bytes) -> str:
    """The first DDE instruction of a WordprocessingML part. Raises ``Corrupt`` if it has to be parsed and cannot be."""
    narrow = content.replace(b"\0", b"") if b"\0" in content[:200] else content
    if b"nstr" not in narrow:
        return ""  # the expression takes a millisecond for half a megabyte; the names it looks for cannot be escaped
    pieces = b"".join(a or b for a, b in _PIECES.findall(narrow)).upper()
    if not (b"&" in pieces or b"QUOTE" in pieces or b"DDE" in pieces.translate(None, b" \t\r\n\"'\\")):
        return ""
    return _first(_instructions(content))


def dde_in_text(stream: bytes) -> str:
    """The first DDE instruction in the main stream of a binary Word document, in 8-bit or UTF-16 text."""
    match = _BINARY_FIELD.search(stream)
    if match is None:
        return ""
    raw = stream[match.start() : match.start() + 600]
    text = raw.decode("utf-16-le" if raw[1:2] == b"\0" else "cp1252", "replace")
    return _first(re.split("[\x14\x15]", text)[0])


def _instructions(content: bytes) -> str:
    """All field instructions of a part, with the marks of Word's binary text where a field begins and ends."""
    pieces: list[str] = []
    inside = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        local = name.rpartition(" ")[2]
        values = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        if local == "fldSimple":
            pieces.append(_OPEN + values.get("instr", "") + _CLOSE)
        elif local == "fldChar" and values.get("fldCharType") in {"begin", "end"}:
            pieces.append(_OPEN if values["fldCharType"] == "begin" else _CLOSE)
        inside = local in {"instrText", "delInstrText"}

    def text(data: str) -> None:
        if inside:
            pieces.append(data)

    def end(_name: str) -> None:
        nonlocal inside
        inside = False

    parse(content, start, text=text, end=end)
    return "".join(pieces)


def _first(instructions: str) -> str:
    for text in (instructions[:_MAX_INSTRUCTION], _QUOTED_NUMBERS.sub(_spelled, instructions[:_MAX_INSTRUCTION])):
        # nested fields leave their marks inside the word they help to spell
        for joined in (text, text.replace(_OPEN, "").replace(_CLOSE, "")):
            if match := _DDE.search(joined):
                return match[0].strip()
    return ""


def _spelled(match: re.Match[str]) -> str:
    return "".join(chr(int(number)) for number in match[1].split())
