"""Base64 (RFC 2045 §6.8, RFC 4648), as written and as bent.

Contract: ``base64_views`` gives the usual reading first and never fails to give one. Further readings follow only where
mail programs are known to disagree: about padding inside the text, about characters that are no base64, about lines
that hold no whole groups, about what stands before the content. Raises ``OverLimit`` only. Text in lines of one
length, with nothing odd in it, is decoded at the speed of pybase64 and not copied before.
"""

from __future__ import annotations

import binascii
import mmap
import re
from collections.abc import Callable, Iterator

import pybase64

from gateway.scan.budget import Budget
from gateway.scan.search import find

MAX_SEGMENTS = 8
"""Padded segments that are looked at one by one besides their concatenation."""

_MAX_TAIL = 4096
"""Padding and blank lines at the end of a body."""
_FRONT = 512
"""How far in the beginning of a document is looked for when something else stands before it."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_JUNK = bytes(set(range(256)) - set(_ALPHABET + b"-_="))
_JUNK_IN_LINE = bytes(set(_JUNK) - set(b"\n"))
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_RUN = re.compile(rb"[^=]+")
_BEHIND_JUNK = re.compile(rb"[^A-Za-z0-9+/=\s][^\n]*")

BEGINNINGS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rt", b"%PDF")
"""How the files begin that an odd reading is worth following for."""
_ENCODED_BEGINNINGS = (b"UEsDB", b"0M8R4KGx", b"e1xyd", b"JVBER")


def base64_views(data: bytes | mmap.mmap, budget: Budget, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """What the text from ``start`` to ``end`` decodes to: at least one reading, all of them different."""
    stop = len(data) if end is None else end
    plain = _plain(data, start, stop)
    if plain is not None:
        yield plain
        return
    seen = set()
    for view in _readings(data[start:stop], budget):
        budget.check_time()
        if (mark := hash(view)) not in seen:
            seen.add(mark)
            yield view


def simple_base64(encoded: bytes) -> bytes:
    """The usual reading of a short text, without any other."""
    return b"".join(_segment(run.group()) for run in _RUN.finditer(_chars(encoded)))


def _chars(encoded: bytes) -> bytes:
    """Letters of the usual alphabet and padding. ``-`` and ``_`` are letters where ``+`` and ``/`` are not used."""
    marked = encoded.translate(None, _JUNK)
    if b"-" not in marked and b"_" not in marked:
        return marked
    if b"+" in marked or b"/" in marked:
        return marked.translate(None, b"-_")
    return marked.translate(_URL_SAFE)


def promising(content: bytes) -> bool:
    """Whether a document begins here, or a zip file somewhere further on."""
    return content.startswith(BEGINNINGS) or BEGINNINGS[0] in content


def _plain(data: bytes | mmap.mmap, start: int, stop: int) -> bytes | None:
    """The one reading of text that nobody disagrees about; None when there may be others."""
    tail = data[max(start, stop - _MAX_TAIL) : stop]
    last = stop - (len(tail) - len(tail.rstrip(b"= \t\r\n")))
    padding = tail.count(b"=", last - stop + len(tail))
    if padding > 2 or find(data, b"=", start, last) >= 0 or _begins_late(data, start, last):
        return None
    with memoryview(data) as whole, whole[start:last] as lines, whole[start:stop] as encoded:
        letters = _letters_in_lines(lines)
        if letters < 0 or (letters + padding) % 4:
            return None
        try:
            content = pybase64.b64decode(encoded)
        except (binascii.Error, ValueError):
            return None
    # what is no base64 is passed over in silence: then fewer bytes come out than letters went in
    return content if len(content) == letters * 3 // 4 else None


def _begins_late(data: bytes | mmap.mmap, start: int, stop: int) -> bool:
    """Whether something stands before what looks like the beginning of a document."""
    return bool(_late_beginnings(data[start : min(stop, start + _FRONT)]))


def _late_beginnings(front: bytes) -> list[int]:
    """Where lines begin as documents do, below a line of another length. In even lines it is one file in another."""
    found = []
    for text in _ENCODED_BEGINNINGS:
        if (at := front.find(b"\n" + text)) >= 0:
            before, line = front[:at].rpartition(b"\n")[2].strip(), front[at + 1 :].partition(b"\n")[0].strip()
            if len(before) != len(line):
                found.append(at + 1)
    return found


def _letters_in_lines(lines: memoryview) -> int:
    """How many letters there are if all lines but the last have the same length of whole groups; -1 if not."""
    first = bytes(lines[:_MAX_TAIL]).find(b"\n")
    if first < 0:
        return len(lines) if len(lines) <= _MAX_TAIL else _letters_in_long_lines(lines)
    return _letters_in_regular(lines, first)


def _letters_in_long_lines(lines: memoryview) -> int:
    first = bytes(lines).find(b"\n")
    return len(lines) if first < 0 else _letters_in_regular(lines, first)


def _letters_in_regular(lines: memoryview, first: int) -> int:
    step = first + 1
    ending = 2 if first and lines[first - 1] == 0x0D else 1
    count = len(lines) // step
    if (step - ending) % 4 or lines[first::step] != b"\n" * count:
        return -1
    if ending == 2 and lines[first - 1 :: step][:count] != b"\r" * count:
        return -1
    return len(lines) - count * ending


def _readings(encoded: bytes, budget: Budget) -> Iterator[bytes]:
    """The usual reading first; then those that bring a document to light."""
    chars = _chars(encoded)
    yield from _joined(chars)
    yield from _from_beginnings(encoded)
    for reading in _ODD_READINGS:
        budget.check_time()
        content = reading(encoded, chars, budget)
        if promising(content):
            yield content


def _from_beginnings(encoded: bytes) -> Iterator[bytes]:
    """Without what stands before the letters that a document begins with."""
    for at in _late_beginnings(encoded[:_FRONT]):
        yield simple_base64(encoded[at:])


def _joined(chars: bytes) -> Iterator[bytes]:
    """Padding ends a segment: all of them joined, then each one."""
    joined = bytearray()
    segments: list[bytes] = []
    for run in _RUN.finditer(chars):
        segment = _segment(run.group())
        joined += segment
        if segment and len(segments) <= MAX_SEGMENTS:
            segments.append(segment)
    yield bytes(joined)
    if 1 < len(segments) <= MAX_SEGMENTS:
        yield from segments


def _segment(letters: bytes) -> bytes:
    """One run without padding. A single letter left over carries no whole byte and is dropped."""
    over = len(letters) % 4
    if over == 1:
        letters = letters[:-1]
    return pybase64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)


def _without_padding(_encoded: bytes, chars: bytes, _budget: Budget) -> bytes:
    """Padding is passed over as any other character that is no base64."""
    return _segment(chars.replace(b"=", b"")) if b"=" in chars else b""


def _padding_as_zero(_encoded: bytes, chars: bytes, _budget: Budget) -> bytes:
    """Padding inside the text stands for six zero bits, as ``A`` does."""
    return _segment(chars.rstrip(b"=").replace(b"=", b"A")) if b"=" in chars else b""


def _groups_without_padding(_encoded: bytes, chars: bytes, budget: Budget) -> bytes:
    """Each group of four is decoded for itself, out of those of its characters that are letters."""
    return _in_groups(chars, budget, lambda group: _segment(group.replace(b"=", b"")))


def _groups_with_zeros(_encoded: bytes, chars: bytes, budget: Budget) -> bytes:
    """Each group for itself: padding stands for zero bits, and as many bytes are cut off its end."""
    return _in_groups(chars, budget, lambda group: _segment(group.replace(b"=", b"A"))[: max(0, 3 - group.count(b"="))])


def _in_groups(chars: bytes, budget: Budget, decode: Callable[[bytes], bytes]) -> bytes:
    content = bytearray()
    done = 0
    while (at := chars.find(b"=", done)) >= 0:
        budget.check_time()
        group = at - (at - done) % 4
        content += _segment(chars[done:group]) + decode(chars[group : group + 4])
        done = group + 4
    return bytes(content + _segment(chars[done:])) if done else b""


def _dashes_as_junk(encoded: bytes, _letters: bytes, _budget: Budget) -> bytes:
    """``-`` and ``_`` are no letters, even where they may be taken for those of the other alphabet."""
    marked = encoded.translate(None, _JUNK)
    return simple_base64(marked.translate(None, b"-_")) if b"-" in marked or b"_" in marked else b""


def _each_line(encoded: bytes, _letters: bytes, budget: Budget) -> bytes:
    """Each line for itself: what does not fill a group at its end is dropped."""
    lines = encoded.translate(None, _JUNK_IN_LINE).translate(None, b"-_").rstrip(b"\n").split(b"\n")
    if not any(len(line) % 4 for line in lines[:-1]):
        return b""
    budget.check_time()
    return simple_base64(b"".join(line[: len(line) // 4 * 4] for line in lines))


def _up_to_junk(encoded: bytes, _letters: bytes, _budget: Budget) -> bytes:
    """A character that is no base64 ends its line."""
    kept = _BEHIND_JUNK.sub(b"", encoded)
    return b"" if kept == encoded else simple_base64(kept)


_ODD_READINGS = (
    _without_padding,
    _groups_without_padding,
    _groups_with_zeros,
    _padding_as_zero,
    _dashes_as_junk,
    _each_line,
    _up_to_junk,
)
