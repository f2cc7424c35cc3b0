"""The reading of a message that trusts no structure: files found by what they are encoded as, wherever they stand.

Contract: however a mail program divides a message, what it shows as a file is a run of lines of it in one of few
encodings. So where header, boundaries or encodings are in doubt, every run of base64 lines is decoded from each of the
four places a quantum may begin, every section between lines of dashes as quoted-printable and as it is, and what then
looks like a file of its own is handed out. One pass over the region; the caller decides when it is worth one. Raises
``OverLimit`` only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.closed_sets import FileType
from gateway.scan import encodings, ole_directory, sniff
from gateway.scan.budget import Budget

MIN_LETTERS = 128
"""Shorter base64 text holds no document."""
MIN_ESCAPES = 16
"""Fewer equals signs do not make a file of quoted-printable text."""
MAX_PADDING = 64
"""Equals signs in one run that is decoded from each of the four places."""
NAME_DISTANCE = 2000
"""Bytes before a run in which its file name is looked for."""

QUIET = frozenset({FileType.TEXT, FileType.BINARY, FileType.EMPTY, FileType.IMAGE})
"""What a wrong decoding gives as well; no file of its own."""

# Whole lines of base64 letters; blanks, empty lines and any control character that ends lines somewhere between them.
_RUN = re.compile(rb"(?:[\r\n\v\f\0]|\A)[ \t]*+((?:[A-Za-z0-9+/=]++[ \t]*+(?:[\r\n\v\f\0][\r\n\v\f\0 \t]*+|\Z))++)")
_DASHES = re.compile(rb"(?:[\r\n\v\f]|\A)[ \t]*+--")
_BEGINNINGS = (ole_directory.MAGIC, b"PK\x03\x04", b"{\\rtf")
_BLANKS = b" \t\r\n\v\f\0"
_NAME = re.compile(rb"name\*?(?:\d\*?)?[ \t]*=[ \t]*\"?([^\"\r\n;]{1,100})", re.IGNORECASE)
# By its dash, which stands in few places, so that a search passes over all else at once.
_PART_FIELD = re.compile(rb"-t(?<=content-t)(?<![\"'].{9})", re.IGNORECASE | re.DOTALL)
# The first of eight lines is written out: most are none of base64, and a group takes longer to be refused.
_SHORT_LINE = rb"[A-Za-z0-9+/]{1,100}+={0,2}\r?\n"
_SHORT_LINES = re.compile(rb"\n%b(?:%b){7}" % (_SHORT_LINE, _SHORT_LINE))


def is_worth_it(text: bytes) -> bool:
    """Whether a text may hold a file in a way no reader of its kind looks for: the fields of a part, or base64 in
    lines too short to stand out. A name behind a quote begins no field: every other page has it in a meta element."""
    return (b"-" in text and _PART_FIELD.search(text) is not None) or _SHORT_LINES.search(text) is not None


def files(region: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    """A name, as far as one stands before it, and the content of everything in ``region`` that decodes to a file."""
    budget.spend_bytes(len(region))
    yield from _in_base64(region, budget)
    for section in _sections(region):
        budget.check_time()
        if len(section) < MIN_LETTERS:
            continue
        if (plain := carved(section)) is not None:
            yield _name_in(section[:NAME_DISTANCE]), plain
        if section.count(b"=") >= MIN_ESCAPES:
            content = encodings.quoted_printable(section)
            if (file := carved(content)) is not None:
                budget.spend_bytes(len(file))
                yield _name_in(section[:NAME_DISTANCE]), file


def _in_base64(region: bytes, budget: Budget) -> Iterator[tuple[str, bytes]]:
    for run in _RUN.finditer(region):
        if run.end(1) - run.start(1) < MIN_LETTERS:
            continue
        budget.check_time()
        letters = run[1].translate(None, _BLANKS)
        padding = letters.count(b"=")
        if padding * 8 > len(letters):
            continue  # quoted-printable text looks like this, base64 does not
        # behind padding a quantum begins anew, so that only what stands before it depends on where one began
        for offset in range(4 if padding <= MAX_PADDING else 1):
            views = encodings.base64_views(letters[offset:], budget)
            found = [file for view in views if (file := _whole_or_carved(view))]
            for file in found:
                budget.spend_bytes(len(file))
                yield _name_in(region[max(0, run.start(1) - NAME_DISTANCE) : run.start(1)]), file
            if found:
                break


def _sections(region: bytes) -> Iterator[bytes]:
    """What stands between lines that begin with dashes, as every delimiter does."""
    start = 0
    for dashes in _DASHES.finditer(region):
        yield region[start : dashes.start()]
        start = dashes.start()
    yield region[start:]


def _whole_or_carved(content: bytes) -> bytes | None:
    return content if sniff.sniff(content) not in QUIET else carved(content)


def carved(content: bytes) -> bytes | None:
    """``content`` from where a document begins in it, or None."""
    begins = [at for beginning in _BEGINNINGS if (at := content.find(beginning)) >= 0]
    if not begins:
        return None
    file = content[min(begins) :]
    return file if sniff.sniff(file) not in QUIET else None


def _name_in(fields: bytes) -> str:
    names = _NAME.findall(fields)
    return names[-1].decode("utf-8", "replace").strip() if names else ""
