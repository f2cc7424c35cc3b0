"""What runs by itself in the text and the tables of a Word document before 2007 (MS-DOC), made inert where it stands.

Contract: ``disarm`` changes a ``WordDocument`` stream and its table stream without moving a byte of them. A field that
acts loses its instruction and is locked, so that the text it shows stays; the path of a template elsewhere and the
bindings of commands to macros are taken out of their tables. Returns what was removed, in words. Raises
``CannotDisarm`` and ``OverLimit``.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.scan.budget import Budget
from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.documents import fields, word97, word_fields
from gateway.scan.documents.remote import is_remote
from gateway.scan.documents.word97 import Fib, Piece
from gateway.scan.look import Corrupt

TEMPLATE = "a link to a template elsewhere"
FIELD = "a field that starts or fetches something"

_BEGIN, _SEPARATOR, _END = 0x13, 0x14, 0x15
_NARROW_MARK = re.compile(rb"[\x13-\x15]")
_WIDE_MARK = re.compile(rb"[\x13-\x15]\x00")
_BLANK = 0x20
_WORD_97 = 0x00C1
_COMPLEX = 0x0004
_COMMANDS, _ASSOCIATED = 24, 32
"""Numbers of the pairs that say where Tcg and SttbfAssoc are (2.5.6)."""
_NO_COMMANDS = b"\xff\x40"
"""Tcg (2.9.329) of a document without any."""
_STORIES = (16, 18, 17, 20, 19, 48, 57, 59)
"""Pairs of the PlcFld of main text, footnotes, headers, macros, comments, endnotes, text boxes and those in headers, in
the order in which these follow one another in the text (2.3)."""
_QUOTE, _LOCKED = 0x23, 0x10
"""flt (2.9.90) of a field that does nothing but show a text; fLocked of grffldEnd (2.9.110)."""
_MOST_MARKS = 1 << 18


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the FIB of one family of versions keeps the lengths of the stories and the pairs (offset, size), and which
    pairs are those of the stories."""

    lengths: int
    pairs: int
    stories: tuple[int, ...]


_LAYOUT_97, _LAYOUT_6 = _Layout(0x4C, 0x9A, _STORIES), _Layout(0x34, 0x58, _STORIES[:5])


@dataclass(frozen=True, slots=True)
class _Mark:
    place: int
    """Character position."""
    at: int
    """Where it is in the stream."""
    kind: int


@dataclass(frozen=True, slots=True)
class _Field:
    """A field that is in no instruction of another one. ``until`` is where its instruction ends."""

    begin: _Mark
    until: _Mark
    end: _Mark


class Document:
    """A Word document being changed. For versions before 97 the table is the stream itself."""

    def __init__(self, stream: bytes, table: bytes, fib: Fib, budget: Budget) -> None:
        self.stream = bytearray(stream)
        version, flags = struct.unpack_from("<H6xH", stream, 2)
        new = version >= _WORD_97
        self.table = bytearray(table) if new else self.stream
        self._layout = _LAYOUT_97 if new else _LAYOUT_6
        self._original, self._fib, self._budget = stream, fib, budget
        self._complex = bool(flags & _COMPLEX)
        self._new = new
        self._table = table

    def disarm(self, *, macros: bool) -> list[str]:
        """Change what acts; ``macros`` says that the macro project is gone, and bindings to it have to go."""
        removed = [TEMPLATE] if self._template() else []
        removed += [FIELD] if self._fields() else []
        if macros:
            self._commands()
        return removed

    # --- tables -------------------------------------------------------------------------------------------------------

    def _pair(self, number: int) -> tuple[int, int]:
        at = self._layout.pairs + 8 * number
        if at + 8 > len(self.stream):
            return 0, 0
        start, size = struct.unpack_from("<II", self.stream, at)
        return (start, size) if start + size <= len(self.table) else (0, 0)

    def _resize(self, number: int, size: int) -> None:
        struct.pack_into("<I", self.stream, self._layout.pairs + 8 * number + 4, size)

    def _commands(self) -> None:
        start, size = self._pair(_COMMANDS)
        if size > len(_NO_COMMANDS):
            self.table[start : start + size] = _NO_COMMANDS.ljust(size, b"\0")
            self._resize(_COMMANDS, len(_NO_COMMANDS))

    def _template(self) -> bool:
        """Take the path of the template out of SttbfAssoc (2.9.272); what follows it moves up."""
        start, size = self._pair(_ASSOCIATED) if self._new else (0, 0)
        strings = bytes(self.table[start : start + size])
        if strings[:2] != b"\xff\xff" or size < 10:
            return False
        at = 8 + 2 * struct.unpack_from("<H", strings, 6)[0]
        if at + 2 > size:
            return False
        length = 2 * struct.unpack_from("<H", strings, at)[0]
        path = strings[at + 2 : at + 2 + length].decode("utf-16-le", "replace")
        if not is_remote(path):
            return False
        shorter = strings[:at] + b"\0\0" + strings[at + 2 + length :]
        self.table[start : start + size] = shorter.ljust(size, b"\0")
        self._resize(_ASSOCIATED, len(shorter))
        return True

    # --- fields -------------------------------------------------------------------------------------------------------

    def _fields(self) -> bool:
        pieces = self._pieces()
        if not fields.told(word_fields.in_text("".join(piece.of(self._original) for piece in pieces))):
            return False
        found = list(_fields_of(self._marks(pieces)))
        acting = [field for field in found if fields.told(self._instruction(field, pieces))]
        # what one field keeps another may say (SET, QUOTE, REF): then those that keep are the ones to go
        acting = acting or [field for field in found if _keeps(self._instruction(field, pieces))]
        for field in acting:
            self._budget.check_time()
            for part in _between(pieces, field.begin.place + 1, field.until.place):
                self._blank(part)
            self._lock(field)
        return bool(acting)

    def _instruction(self, field: _Field, pieces: list[Piece]) -> str:
        self._budget.check_time()
        parts = _between(pieces, field.begin.place, field.until.place)
        return word_fields.in_text("".join(part.of(self._original) for part in parts) + fields.CLOSE)

    def _pieces(self) -> list[Piece]:
        if self._new:
            return sorted(word97.pieces(self._original, self._table, self._fib), key=lambda piece: piece.first)
        if self._complex:
            return []
        first, end = struct.unpack_from("<II", self._original, 0x18)
        return [Piece(0, first, end - first, False)] if first < end <= len(self._original) else []

    def _marks(self, pieces: list[Piece]) -> Iterator[_Mark]:
        found = 0
        for piece in pieces:
            width = 1 + piece.wide
            end = min(piece.at + piece.letters * width, len(self._original))
            for match in (_WIDE_MARK if piece.wide else _NARROW_MARK).finditer(self._original, piece.at, end):
                offset = match.start() - piece.at
                if offset % width == 0:
                    found += 1
                    if found > _MOST_MARKS:
                        raise CannotDisarm("The document holds more fields than are taken apart")
                    yield _Mark(piece.first + offset // width, match.start(), self._original[match.start()])

    def _blank(self, part: Piece) -> None:
        """What is no letter, such as the end of a paragraph, is part of how the document is built and stays."""
        end = min(part.at + part.letters * (1 + part.wide), len(self.stream))
        for at in range(part.at, end, 1 + part.wide):
            if self.stream[at] >= _BLANK or (part.wide and self.stream[at + 1 : at + 2] != b"\0"):
                self.stream[at] = _BLANK
                if part.wide:
                    self.stream[at + 1 : at + 2] = b"\0"

    def _lock(self, field: _Field) -> None:
        """Say in PlcFld (2.8.25) that the field only shows a text, and that this stays as it is."""
        base = 0
        for number, pair in enumerate(self._layout.stories):
            length = struct.unpack_from("<I", self.stream, self._layout.lengths + 4 * number)[0]
            if base <= field.begin.place < base + length:
                self._lock_in(pair, field.begin.place - base, field.end.place - base)
            base += length

    def _lock_in(self, pair: int, begin: int, end: int) -> None:
        start, size = self._pair(pair)
        count = (size - 4) // 6
        if count <= 0:
            return
        places = struct.unpack_from(f"<{count}I", self.table, start)
        kinds = start + 4 * (count + 1)
        for place in (begin, end):
            index = bisect_left(places, place)
            if index < count and places[index] == place:
                at = kinds + 2 * index
                if self.table[at] & 0x1F == _BEGIN:
                    self.table[at + 1] = _QUOTE
                elif self.table[at] & 0x1F == _END:
                    self.table[at + 1] |= _LOCKED


def _fields_of(marks: Iterable[_Mark]) -> Iterator[_Field]:
    """The fields of a text; those in an instruction are a part of it, and those that do not end are none."""
    waiting: list[tuple[_Mark, _Mark | None, bool]] = []
    for mark in marks:
        if mark.kind == _BEGIN:
            waiting.append((mark, None, all(waiting[-1][1:]) if waiting else True))
        elif waiting:
            begin, until, on_top = waiting.pop()
            if mark.kind == _SEPARATOR:
                waiting.append((begin, until or mark, on_top))
            elif on_top:
                yield _Field(begin, until or mark, mark)


def _keeps(instruction: str) -> bool:
    words = instruction.upper()
    return "SET" in words or "QUOTE" in words


def _between(pieces: list[Piece], first: int, end: int) -> Iterator[Piece]:
    """The parts of the pieces with the characters from ``first`` up to ``end``."""
    index = max(0, bisect_left(pieces, first + 1, key=lambda piece: piece.first) - 1)
    while index < len(pieces) and pieces[index].first < end:
        piece = pieces[index]
        begin, stop = max(first, piece.first), min(end, piece.first + piece.letters)
        if begin < stop:
            yield Piece(begin, piece.at + (begin - piece.first) * (1 + piece.wide), stop - begin, piece.wide)
        index += 1


def opened(stream: bytes) -> Fib | None:
    """The head of the document; None if it does not begin as one. Raises ``CannotDisarm`` for an encrypted one."""
    try:
        fib = word97.read_fib(stream[: word97.FIB_SIZE])
    except Corrupt:
        return None
    if fib.encrypted:
        raise CannotDisarm("The document is encrypted")
    return fib
