"""Word documents before 2007: what the head, the text and the attached template tell (MS-DOC).

Contract: ``read_fib`` raises ``Corrupt`` for a stream that does not begin as a Word document. The ``inspect_``
functions report what they see in the bytes they are given, as far as these go, and raise nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.closed_sets import Kind, Verdict
from gateway.scan.documents import fields, word_fields
from gateway.scan.documents.remote import is_remote
from gateway.scan.look import Corrupt, Look

_IDENTS = frozenset({0xA5EC, 0xA5DC, 0xA59B, 0xA697, 0xA698, 0xA699})
"""FibBase.wIdent (MS-DOC 2.5.2) of Word 97, 95, 2 and the far-eastern editions of Word 6."""
_WORD_97 = 0x00C1
_ENCRYPTED = 0x0100
_SECOND_TABLE = 0x0200
_ASSOCIATED = 0x019A
"""Where the FIB says where SttbfAssoc is: pair 32 of FibRgFcLcb97 (MS-DOC 2.5.6)."""
_TEMPLATE = 1
_PIECES = 0x01A2
"""Where the FIB says where the piece table is: pair 33."""
_NARROW = 1 << 30
"""MS-DOC 2.9.73 FcCompressed: letters of one byte, at half the place."""
FIB_SIZE = _PIECES + 8
_COMMANDS = 0x0118
"""Where the FIB of Word 6 and 95 says where its commands are; pair 24 like in Word 97, behind a shorter head."""
_NO_COMMANDS = (b"", b"\x40")
_BASE_SIZE = 32


@dataclass(frozen=True, slots=True)
class Fib:
    """The head of a Word document: whether it is encrypted, its table stream, and where SttbfAssoc is in that."""

    encrypted: bool
    table: str
    associated: tuple[int, int]
    commands: tuple[int, int] = (0, 0)
    """Of Word 6 and 95, whose macros are among them; a later Word makes VBA of these when it opens the document."""
    pieces: tuple[int, int] = (0, 0)


def read_fib(head: bytes) -> Fib:
    """The FIB from the first ``FIB_SIZE`` bytes of ``WordDocument``."""
    if len(head) < _BASE_SIZE or struct.unpack_from("<H", head)[0] not in _IDENTS:
        raise Corrupt("holds a WordDocument stream that does not begin as one")
    version, flags = struct.unpack_from("<H6xH", head, 2)
    new = version >= _WORD_97 and len(head) >= FIB_SIZE
    associated = struct.unpack_from("<II", head, _ASSOCIATED) if new else (0, 0)
    pieces = struct.unpack_from("<II", head, _PIECES) if new else (0, 0)
    old = version < _WORD_97 and len(head) >= _COMMANDS + 8
    commands = struct.unpack_from("<II", head, _COMMANDS) if old else (0, 0)
    return Fib(bool(flags & _ENCRYPTED), "1Table" if flags & _SECOND_TABLE else "0Table", associated, commands, pieces)


def inspect_text(stream: bytes, table: bytes, fib: Fib, where: str, look: Look) -> None:
    """Report the fields of the text; headers, notes, comments and text boxes are parts of it (MS-DOC 2.3)."""
    if b"\x13" not in stream:
        return
    text = "".join(piece.of(stream) for piece in pieces(stream, table, fib))
    if not text:
        text = stream.decode("cp1252", "replace") + "\x15" + stream[: len(stream) & ~1].decode("utf-16-le", "replace")
    fields.tell(word_fields.in_text(text), where, look, reference="MS-DOC 2.8.25")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of the text: its first character position, where it is in the stream, how many characters it has, and
    whether these are of two bytes."""

    first: int
    at: int
    letters: int
    wide: bool

    def of(self, stream: bytes) -> str:
        """The text of this piece, as far as the stream goes."""
        raw = stream[self.at : self.at + self.letters * (1 + self.wide)]
        return raw.decode("utf-16-le" if self.wide else "cp1252", "replace")


def pieces(stream: bytes, table: bytes, fib: Fib) -> Iterator[Piece]:
    """Where the text is, from the piece table (MS-DOC 2.9.38 Clx, 2.8.35 PlcPcd); never more than the stream holds."""
    start, size = fib.pieces
    clx = table[start : start + size]
    position = 0
    while clx[position : position + 1] == b"\x01" and position + 3 <= len(clx):
        position += 3 + struct.unpack_from("<H", clx, position + 1)[0]
    if clx[position : position + 1] != b"\x02" or position + 5 > len(clx):
        return
    length = struct.unpack_from("<I", clx, position + 1)[0]
    places = clx[position + 5 : position + 5 + length]
    count = max(0, (len(places) - 4) // 12)
    bounds = struct.unpack_from(f"<{count + 1}I", places) if count else ()
    room = len(stream)
    for number in range(count):
        place = struct.unpack_from("<I", places, 4 * (count + 1) + 8 * number + 2)[0]
        letters = min(max(0, bounds[number + 1] - bounds[number]), room)
        room -= letters
        narrow = bool(place & _NARROW)
        yield Piece(bounds[number], (place & ~_NARROW) // 2 if narrow else place, letters, not narrow)


def inspect_commands(stream: bytes, fib: Fib, where: str, look: Look) -> None:
    """Report the commands of a Word 6 or 95 document: an unknown byte, then items that begin with their kind."""
    start, size = fib.commands
    if stream[start : start + size][1:2] not in _NO_COMMANDS:
        sentence = "Holds WordBasic macros or other commands of Word 6, which are not read"
        look.find(Kind.VBA_MACRO, where, sentence, verdict=Verdict.UNSCANNABLE)


def inspect_template(table: bytes, fib: Fib, where: str, look: Look) -> None:
    """Report an attached template that lies on another machine (MS-DOC 2.9.272 SttbfAssoc, a table of strings)."""
    start, size = fib.associated
    strings = table[start : start + size]
    position = 6
    for number in range(_TEMPLATE + 1):
        if position + 2 > len(strings) or strings[:2] != b"\xff\xff":
            return
        length = struct.unpack_from("<H", strings, position)[0]
        text = strings[position + 2 : position + 2 + 2 * length].decode("utf-16-le", "replace")
        position += 2 + 2 * length
        if number == _TEMPLATE and is_remote(text):
            sentence = f"Fetches a remote template when it is opened: {text}"
            look.find(Kind.REMOTE_TEMPLATE, where, sentence, reference="MITRE ATT&CK T1221")
