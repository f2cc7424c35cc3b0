"""Boundaries of a multipart: how programs read one out of a Content-Type, and how it divides a body (RFC 2046 §5.1.1).

Contract: takes any bytes, changes and copies nothing. Where the standard leaves no doubt there is one reading, found
without looking at the body. Else every reading that lines of the body bear out is followed; their number is bounded by
the caller. Raises ``OverLimit`` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gateway.closed_sets import Verdict
from gateway.message import Span
from gateway.scan.budget import Budget, OverLimit
from gateway.scan.headers import Bytes, Doubt, decode_words, without_comments
from gateway.scan.search import find

MAX_READINGS = 100
"""Of the boundary in one header field."""
MAX_LINES = 64
"""Different lines of a body that may hold a boundary."""
MAX_SEARCHED = 50_000
"""Lines of dashes looked at."""
MAX_LINE = 1000
_MAX_BOUNDARY = 250

_ODD = re.compile(r"[\\(),*'\x00-\x08\n-\x1f]|=\?|boundary.*boundary", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r"boundary[\s\\()\0]*=", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BLANKS = b" \t\r\v\f"


@dataclass(frozen=True, slots=True)
class Split:
    """What one boundary makes of a body: its parts, what belongs to none, and what is doubtful about it."""

    parts: tuple[Span, ...]
    loose: tuple[Span, ...]
    doubts: tuple[Doubt, ...]


def is_odd(text: str) -> bool:
    """Whether programs may read different boundaries out of this value of Content-Type."""
    return _ODD.search(text) is not None


_READINGS: tuple[Callable[[str], Iterable[str]], ...] = (
    lambda text: (text.strip(), text.strip("\"'"), text.rstrip(";")),
    lambda text: (text.partition(";")[0], text.partition(",")[0], *text.split(",")),
    lambda text: text.split('"'),
    lambda text: (text[1:].partition(text[:1])[0],) if text[:1] in ('"', "'") else (),
    lambda text: (_ESCAPE.sub(r"\1", text), text.partition("\\")[0], text.partition("=")[0], text.rpartition("=")[2]),
    lambda text: (without_comments(text), text.partition("(")[0]) if "(" in text else (),
    lambda text: ("".join(text.split()), *text.split(None, 1)[:1]),
    lambda text: (decode_words(text),) if "=?" in text else (),
)
"""Each way in which some program goes on with what stands behind ``boundary=``."""


def readings(text: str) -> list[str]:
    """Every boundary some program may read out of this value of Content-Type; most of them nobody uses."""
    behind = (text[found.end() : found.end() + _MAX_BOUNDARY] for found in _PARAMETER.finditer(text[:20_000]))
    found = dict.fromkeys(start for start, _ in zip(behind, range(8), strict=False))
    for reading in list(found):
        found.pop(reading)
        found |= _closure(reading)
    return list(found)


def _closure(text: str) -> dict[str, None]:
    """What one or more readings, one after the other, make of ``text``."""
    found = {text: None}
    waiting = [text]
    while waiting and len(found) < MAX_READINGS:
        text = waiting.pop(0)
        new = [one for read in _READINGS for one in read(text) if one not in found]
        found |= dict.fromkeys(new)
        waiting += new
    return found


def lines(data: Bytes, body: Span, budget: Budget) -> list[bytes]:
    """What stands behind the dashes of each different line that begins with two, blanks before them included."""
    found: dict[bytes, None] = {}
    position = body.start
    for _ in range(MAX_SEARCHED):
        position = find(data, b"--", position, body.end)
        if position < 0 or len(found) >= MAX_LINES:
            break
        budget.check_time()
        end = line_end(data, position, body.end)
        if _begins_line(data, position, body.start):
            found[data[position + 2 : end].rstrip(_BLANKS)] = None
        position = end
    return list(found)


def _begins_line(data: Bytes, position: int, start: int) -> bool:
    """Whether nothing but a few blanks stands before ``position`` in its line."""
    before = data[max(start, position - 8) : position].rstrip(b" \t\v\f")
    return before.endswith((b"\r", b"\n")) or (not before and position - start < 8)


def line_end(data: Bytes, start: int, end: int) -> int:
    """Where the line that ``start`` is in ends, at a bare carriage return as well; lines are cut at ``MAX_LINE``."""
    stop = min(start + MAX_LINE, end)
    ends = [at for mark in (b"\n", b"\r") if (at := data.find(mark, start, stop)) >= 0]
    return min(ends, default=stop)


def used(named: Iterable[bytes], in_body: list[bytes]) -> list[bytes]:
    """The boundaries that are the whole of some line; the empty one if no other is."""
    whole = {line.removesuffix(b"--") for line in in_body} | set(in_body)
    found = [boundary for boundary in dict.fromkeys(named) if boundary.rstrip(_BLANKS) in whole]
    return list(filter(None, found)) or found


def begun(named: Iterable[bytes], in_body: list[bytes]) -> list[bytes]:
    """Those that some line begins with, the longest first."""
    found = [boundary for boundary in named if boundary and any(line.startswith(boundary) for line in in_body)]
    return sorted(dict.fromkeys(found), key=len, reverse=True)


def split(data: Bytes, body: Span, boundary: bytes, budget: Budget, *, leniently: bool = False) -> Split:
    """Divide at every delimiter line, those behind the close delimiter included."""
    parts, loose, doubts = [], [], []
    began, closed = body.start, True  # at first, and behind a close delimiter, no part is open
    ended = False
    odd: set[bytes] = set()
    for number, (line, after, closes) in enumerate(_delimiters(data, body, boundary, budget, odd, leniently=leniently)):
        span = Span(began, max(began, _before_line_end(data, began, line)))
        if not closed:
            parts.append(span)
        elif span.end > span.start:
            loose.append(span)
        if ended and not closes:
            doubts.append(Doubt("parts behind the end of a multipart"))
        began, closed, ended = after, closes, ended or closes
        if number > budget.limits.max_files:
            raise OverLimit(f"holds more than {budget.limits.max_files} parts")
    if parts or not closed:
        rest = Span(began, body.end)
        (loose if closed else parts).append(rest)
        if not ended:
            doubts.append(Doubt("a multipart without its end", Verdict.CLEAN))
    if any(not _is_declared(data, body, line, budget) for line in odd):
        doubts.append(Doubt("lines that only some programs take for boundaries", Verdict.CLEAN))
    return Split(tuple(parts), tuple(span for span in loose if span.end > span.start), tuple(doubts))


def _delimiters(
    data: Bytes, body: Span, boundary: bytes, budget: Budget, odd: set[bytes], *, leniently: bool
) -> Iterator[tuple[int, int, bool]]:
    """Each delimiter line: where it begins, where the next line begins, whether it closes.

    Lines that are none but begin like one are added to ``odd``; ``leniently`` takes them for delimiters.
    """
    needle = b"--" + boundary
    position = body.start
    while (position := find(data, needle, position, body.end)) >= 0:
        after = position + len(needle)
        budget.check_time()
        at_start = position == body.start or data[position - 1] in b"\r\n"
        end = data.find(b"\n", after, min(after + MAX_LINE, body.end))
        stop = end if end >= 0 else min(after + MAX_LINE, body.end)
        rest = data[after:stop].strip(b" \t\r")
        if at_start and (not rest or rest.startswith(b"--")):
            following = end + 1 if end >= 0 else stop
            if data[position - 1 : position] == b"\r":
                odd.add(b"")
            yield position, following, rest.startswith(b"--")
            position = following
        elif leniently and (at_start or data[position - 1] in _BLANKS):
            end = line_end(data, after, body.end)
            following = min(end + (2 if data[end : end + 2] == b"\r\n" else 1), body.end)
            yield position, following, data[after : after + 2] == b"--"
            position = following
        else:
            if len(odd) < MAX_LINES:
                odd.add(boundary + data[after:stop].rstrip(_BLANKS) if at_start else b"")
            position = after


def _is_declared(data: Bytes, body: Span, line: bytes, budget: Budget) -> bool:
    """Whether a line that is longer than a boundary is one of a multipart inside."""
    budget.check_time()
    longer = line.removesuffix(b"--")
    return bool(longer) and any(data.find(mark + longer, body.start, body.end) >= 0 for mark in (b'="', b"=", b"= "))


def _before_line_end(data: Bytes, start: int, line: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    if line > start and data[line - 1] == 0x0A:
        line -= 1
    return line - 1 if line > start and data[line - 1] == 0x0D else line
