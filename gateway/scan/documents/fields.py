"""What the fields of a Word text would do, whatever format the text came in (ECMA-376 part 1 §17.16, MS-DOC 2.8.25).

Contract: a pure function of the instructions. In these, fields begin with ``\\x13`` and end with ``\\x15`` as in Word's
binary text, and hold other fields; letters spelled as numbers for QUOTE, and words kept by SET, are put in place first.
Only the first word of a field names what it does: ``DDE`` in the address of a link is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.closed_sets import Kind
from gateway.scan.documents.remote import is_dangerous, is_remote, is_share
from gateway.scan.look import Look

OPEN, CLOSE = "\x13", "\x15"
MAX_TEXT = 16 << 20
"""Letters of instructions that are looked at in one text; programs that manage citations keep megabytes in them."""
_MAX_FIELD = 2000
_MAX_TOLD = 10
_MARK = re.compile(r"[\x13\x15]")
_QUOTED_NUMBERS = re.compile(r"\bQUOTE\s+((?:[\"'\s]*(?:0x[0-9a-f]{1,4}|\d{1,5})(?!\w))+)", re.IGNORECASE)
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+", re.IGNORECASE)
_SET = re.compile(r"\x13\s*SET\s{1,100}\"?(\w{1,40})\"?\s{1,100}\"?([^\"\x13\x15]{1,300})", re.IGNORECASE)
_REFERENCE = re.compile(r"\x13\s*(?:REF\s{1,100})?\"?(\w{1,40})\"?\s*\x15", re.IGNORECASE)
_FIRST_WORD = re.compile(r"[\s\"']*([A-Za-z]+)")
_ARGUMENT = re.compile(r'"([^"]{1,2000})"|(\S{1,2000})')

_STARTERS = frozenset({"DDE", "DDEAUTO"})
_FETCHERS = frozenset({"INCLUDETEXT", "INCLUDE", "IMPORT", "LINK", "RD", "DATABASE"})
_PICTURES = frozenset({"INCLUDEPICTURE"})
_LINKS = frozenset({"HYPERLINK"})
_ALONE = (b"DDE", b"QUOTE", b"SET", b"MS-", b"SCRIPT:", b"X-USC:", b"SEARCH", b"MHTML:")
_WITH_ADDRESS = (b"INCLUDE", b"IMPORT", b"LINK", b"RD", b"DATABASE")


def may_act(squeezed: bytes, *, with_address: bool) -> bool:
    """Whether instructions in capitals, without blanks, quotes and backslashes, have to be looked at at all."""
    return any(word in squeezed for word in _ALONE) or (
        with_address and any(word in squeezed for word in _WITH_ADDRESS)
    )


def joined(instruction: str) -> str:
    """The instructions of a text with one field."""
    return OPEN + instruction + CLOSE


def tell(instructions: str, where: str, look: Look, *, reference: str = "ECMA-376 §17.16") -> None:
    """Report every field that acts, and a text with more of them than are looked at."""
    if len(instructions) > MAX_TEXT:
        look.find(Kind.LIMIT, where, f"holds fields with more than {MAX_TEXT} letters", reference=reference)
    for kind, sentence in told(instructions):
        look.find(kind, where, sentence, reference=reference)


def told(instructions: str) -> list[tuple[Kind, str]]:
    """The sentences about every field that acts, each once."""
    text = OPEN + instructions[:MAX_TEXT]
    found: dict[tuple[Kind, str], None] = {}
    for reading in dict.fromkeys((text, _put_together(text))):
        for field in _fields(reading):
            if len(found) < _MAX_TOLD and (sentence := _judged(field)):
                found[sentence] = None
    return list(found)


def _fields(text: str) -> Iterator[str]:
    """What each field says, with the marks of those inside it taken away."""
    flat = text.replace(OPEN, "").replace(CLOSE, "")
    begins: list[int] = []
    for marks, match in enumerate(_MARK.finditer(text)):
        place = match.start() - marks
        if match[0] == OPEN:
            begins.append(place)
        elif begins:
            begin = begins.pop()
            yield flat[begin : min(place, begin + _MAX_FIELD)]
    yield from (flat[begin : begin + _MAX_FIELD] for begin in begins)


def _judged(field: str) -> tuple[Kind, str] | None:
    first = _FIRST_WORD.match(field)
    word = first[1].upper() if first else ""
    if word in _STARTERS:
        return Kind.DDE, f"Starts another program by a field: {field.strip()[:300]}"
    if first is None or word not in _FETCHERS | _PICTURES | _LINKS:
        return None
    for match in _ARGUMENT.finditer(field, first.end()):
        written = match[1] or match[2]
        # a field writes each backslash twice, and Word does not insist
        for address in dict.fromkeys((written.replace("\\\\", "\\"), written)):
            if sentence := _leads_out(word, address):
                return Kind.REMOTE_TEMPLATE, sentence
    return None


def _leads_out(word: str, address: str) -> str:
    if word in _FETCHERS and is_remote(address):
        return f"Fetches text from another machine by a field: {word} {address}"
    if word in _PICTURES and is_share(address):
        return f"Sends the reader's credentials to another machine to show a picture: {word} {address}"
    return f"Holds a link that starts a program of Windows: {word} {address}" if is_dangerous(address) else ""


def _put_together(text: str) -> str:
    """With QUOTE and REF fields replaced by what they stand for."""
    spelled = _QUOTED_NUMBERS.sub(_spelled, text)
    kept = {name.casefold(): value for name, value in _SET.findall(spelled)}
    if kept:
        spelled = _REFERENCE.sub(lambda match: kept.get(match[1].casefold(), match[0]), spelled)
    return spelled


def _spelled(match: re.Match[str]) -> str:
    numbers = (int(number, 16 if number[:2] in {"0x", "0X"} else 10) for number in _NUMBER.findall(match[1]))
    return "".join(chr(number) for number in numbers if number < 0xD800)
