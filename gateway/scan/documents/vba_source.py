"""VBA source as text: which procedures it declares, on which lines, and what of it is code (MS-VBAL 3).

Contract: pure functions over one module's source with LF line ends; nothing is raised, and the time is linear in the
length whatever the text. Strings and comments are blanked before anything is looked for, so a name in them is no
declaration. What follows a line that is continued in a comment or in an open string is read both ways: as its
continuation and as a line of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

SPACE = r"[\x00-\x09\x0b\x0c\x0e-\x20\x85\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]"
"""MS-VBAL 3.2.2 WSC, and control characters, which the editor drops and a file may hold."""
CONTINUATION = re.compile(rf"{SPACE}_{SPACE}*[\n\u2028\u2029]")

_MAX_NAME = 255  # MS-VBAL 3.3.5: no identifier is longer
_STRING_OR_COMMENT = re.compile(rf"\"[^\"\n]*\"?|'[^\n]*|(?:^|(?<=:)){SPACE}*rem\b[^\n]*", re.IGNORECASE | re.MULTILINE)
_DECLARATION = re.compile(
    rf"(?:^|:){SPACE}*(?:\d+{SPACE}+)?(?:(?:public|private|friend|static|global){SPACE}+)*"
    rf"(sub|function|property{SPACE}+(?:get|let|set)){SPACE}+\[?([^\W\d_]\w*)",
    re.IGNORECASE | re.MULTILINE,
)
_LISTENER = re.compile(rf"\bWithEvents{SPACE}+(\w+){SPACE}+As{SPACE}+(?:New{SPACE}+)?(?:\w+\.)?(\w+)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"^[ \t]*Attribute[ \t]+[\w.]*VB_[^\n]*(?:\n|\Z)", re.IGNORECASE | re.MULTILINE)
_NOT_CODE = re.compile(rf"{SPACE}*(?:$|attribute\b|option\b|'|rem\b|version\b)", re.IGNORECASE)
_EXCERPT_LINES = 12
_EMPTY = re.compile(r'Attribute VB_Name = "[^"\n]{1,255}"(?:\n[^\x00-\x08\x0b\x0e-\x1f\n]{0,1023})*', re.IGNORECASE)
"""The first line the editor writes, and lines no longer than it allows."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One procedure. ``keyword`` is ``sub``, ``function`` or ``property``, ``name`` as Office compares it but for case,
    ``start`` where in the source it is."""

    keyword: str
    name: str
    start: int


def declarations(source: str) -> Iterator[Declaration]:
    """Every procedure the source declares, in order of their place in each reading."""
    joined = CONTINUATION.sub(_blanks, source)
    readings = [joined] if joined == source else [joined, source]
    seen: set[tuple[int, str]] = set()
    for reading in readings:
        # of the same length, so that places in it are places in the source
        for match in _DECLARATION.finditer(_STRING_OR_COMMENT.sub(_blanks, reading)):
            key = match.start(2), match[2]
            if key not in seen:
                seen.add(key)
                yield Declaration(match[1][:8].lower().strip(), _identifier(match[2]), match.start(1))


def listeners(source: str) -> dict[str, str]:
    """The variables that are told of events, folded, and the class of the object each listens to (MS-VBAL 5.2.3.1)."""
    if "withevents" not in source.lower():
        return {}
    return {match[1].casefold(): match[2] for match in _LISTENER.finditer(CONTINUATION.sub(" ", source))}


def line_number(source: str, place: int) -> int:
    """The line of ``place`` as the editor counts: from 1, lines with hidden attributes left out."""
    before = source[:place]
    return before.count("\n") - sum(match[0].count("\n") for match in _ATTRIBUTE.finditer(before)) + 1


def compiled_lines(source: str) -> int:
    """Source lines as the compiler counts them: without attributes, a continued line once."""
    code = CONTINUATION.sub(" ", without_attributes(source))
    return code.count("\n") + (not code.endswith("\n") and code != "")


def without_attributes(source: str) -> str:
    """The source as the editor shows it."""
    return _ATTRIBUTE.sub("", source)


def without_comments(source: str) -> str:
    """The source with every comment blanked and every line whole; strings stay."""
    return _STRING_OR_COMMENT.sub(lambda match: match[0] if match[0][0] == '"' else "", CONTINUATION.sub(" ", source))


def code_lines(source: str) -> int:
    """How many lines do or declare something."""
    return sum(1 for line in source.split("\n") if not _NOT_CODE.match(line))


def is_credibly_empty(source: str) -> bool:
    """Whether a module without code is one as the editor writes it, and not the rest of something damaged."""
    return not source or _EMPTY.fullmatch(source) is not None


def first_code(source: str) -> int:
    """Where the first such line begins; 0 if there is none."""
    place = 0
    for line in source.split("\n"):
        if not _NOT_CODE.match(line):
            return place
        place += len(line) + 1
    return 0


def excerpt(source: str, place: int) -> str:
    """A few lines from the one ``place`` is in."""
    return "\n".join(source[source.rfind("\n", 0, place) + 1 :][:4096].split("\n")[:_EXCERPT_LINES])


def _identifier(name: str) -> str:
    """Wide letters count as the narrow ones the editor makes of them."""
    cut = name[:_MAX_NAME]
    return cut if cut.isascii() else unicodedata.normalize("NFKC", cut)


def _blanks(match: re.Match[str]) -> str:
    return " " * len(match[0])
