"""Rich Text Format: embedded objects, remote templates and fields (RTF 1.9.1).

Contract: ``inspect`` goes from each control word that matters to the end of its group, wherever in the file that word
stands; nothing before it has to be sound, because Word's reader hardly asks for that. The hex digits of an object may
be written in ways that readers understand differently; every such reading is looked at. An object nobody can read is
``CORRUPT``. Walked bytes are paid for. Raises ``OverLimit`` only.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.closed_sets import FileType, Kind
from gateway.scan.budget import Budget
from gateway.scan.documents import fields, ole1
from gateway.scan.documents.compound import MAGIC
from gateway.scan.documents.remote import is_remote
from gateway.scan.look import Blob, Look

TYPES = frozenset({FileType.RTF})

_WORDS = re.compile(rb"\\(objdata|fldinst|template|nextfile|objupdate|objocx)(?![a-z])")
_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[^\\{}]+|\\", re.DOTALL
)
_NUMBER = re.compile(rb"-?\d{0,10}")
_STEPS_BETWEEN_CLOCKS = 4096
_NOT_HEX = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))
_SMALLEST = 24
"""Digits of the head every object begins with; fewer hold nothing."""
_MAX_TEXT = 1 << 16
"""Letters of one field or template; the text of a group that never ends is not needed."""
_SHOWN_GROUPS = frozenset({b"fldinst", b"field", b"fldrslt"})
"""Groups marked as ones to skip that Word knows inside a field."""

HEX, QUOTED, SKIPPED, PARAMETER, RAW = range(5)
"""Where the digits of an object come from: plain; ``\\\\'hh``; groups marked ``\\\\*``; numbers behind control words;
``\\\\bin``."""
_READINGS = (
    frozenset({HEX, SKIPPED, RAW}),
    frozenset({HEX, RAW}),
    frozenset({HEX, SKIPPED}),
    frozenset({HEX, SKIPPED, RAW, QUOTED}),
    frozenset({HEX, RAW, QUOTED}),
    frozenset({HEX, SKIPPED, RAW, PARAMETER}),
    frozenset({HEX, SKIPPED, RAW, QUOTED, PARAMETER}),
)


def inspect(blob: Blob, look: Look) -> None:
    """Report what is active in one document and hand on what is embedded in it."""
    _Inspection(blob, look).run()


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a group. ``word`` is a control word or symbol, ``depth`` the groups open inside the walked one,
    ``skipped`` whether one of these is marked as to be skipped by readers that do not know it."""

    word: bytes
    number: bytes
    text: bytes
    depth: int
    skipped: bool


def group(data: bytes, start: int, budget: Budget) -> Iterator[Token]:
    """What stands from ``start`` to the end of the group around it. ``\\bin`` comes with its raw bytes as text."""
    depth, position, steps = 0, start, 0
    marked: list[int] = []
    fresh = False
    while match := _TOKEN.match(data, position):
        position = match.end()
        steps += 1
        if not steps % _STEPS_BETWEEN_CLOCKS:
            budget.check_time()
        word, number, quoted, symbol, brace = match.groups()
        if brace == b"{":
            depth, fresh = depth + 1, True
            continue
        if brace == b"}":
            depth -= 1
            if depth < 0:
                break
            while marked and marked[-1] > depth:
                marked.pop()
            fresh = False
            continue
        if symbol == b"*" and fresh:
            following = _TOKEN.match(data, position)
            if following is None or following[1] not in _SHOWN_GROUPS:
                marked.append(depth)
            continue
        fresh = False
        text = quoted or (b"" if word or symbol else match[0])
        if word and word.lower() == b"bin":
            count = max(0, int(number or b"0"))
            text = data[position : position + count]
            position += len(text)
        yield Token(b"'" if quoted else (word or symbol or b"").lower(), number or b"", text, depth, bool(marked))
    budget.spend_bytes(position - start)


class _Inspection:
    def __init__(self, blob: Blob, look: Look) -> None:
        self.blob, self.look = blob, look
        self.data = bytes(blob.data)
        self.objects = 0

    def run(self) -> None:
        lower = self.data.lower()
        words: set[bytes] = set()
        for match in _WORDS.finditer(lower):
            word = match[1]
            words.add(word)
            if word == b"objdata":
                self._object(match.end())
            elif word == b"fldinst":
                fields.tell(fields.joined(self._text(match.end())), self.blob.where, self.look)
            elif word in {b"template", b"nextfile"}:
                self._template(match.end())
        self._tell_activation(words)

    def _tell_activation(self, words: set[bytes]) -> None:
        if self.objects and b"objupdate" in words:
            sentence = "Starts an embedded object as soon as the document is opened (\\objupdate)"
            self.look.find(Kind.OLE_PACKAGE, self.blob.where, sentence, reference="RTF 1.9.1")
        if self.objects and b"objocx" in words:
            self.look.find(Kind.ACTIVEX, self.blob.where, "Holds an ActiveX control (\\objocx)", reference="RTF 1.9.1")

    def _template(self, start: int) -> None:
        address = self._text(start).strip()
        if is_remote(address):
            sentence = f"Fetches a remote template when it is opened: {address}"
            self.look.find(Kind.REMOTE_TEMPLATE, self.blob.where, sentence, reference="MITRE ATT&CK T1221")

    def _text(self, start: int) -> str:
        """The letters of a group, as Word would read them."""
        letters: list[str] = []
        length, fallback, skip = 0, 1, 0
        for token in group(self.data, start, self.look.budget):
            if token.skipped or length > _MAX_TEXT:
                continue
            piece = ""
            if token.word == b"'":
                piece = _from_hex(token.text).decode("cp1252", "replace")
            elif token.word == b"uc":
                fallback = min(int(token.number or b"1") if not token.number.startswith(b"-") else 0, 16)
            elif token.word == b"u" and token.number:
                letters.append(chr(int(token.number) & 0xFFFF))
                skip = fallback
                continue
            elif token.word in _LETTERS:
                piece = _LETTERS[token.word]
            elif not token.word:
                piece = token.text[:_MAX_TEXT].translate(None, b"\r\n").decode("cp1252", "replace")
            kept, skip = piece[skip:], max(0, skip - len(piece))
            letters.append(kept)
            length += len(kept)
        return "".join(letters)

    def _object(self, start: int) -> None:
        pieces = list(self._digits(start))
        if sum(len(digits) for _, digits in pieces) < _SMALLEST:
            return
        self.objects += 1
        self.look.budget.spend_file()
        sources = {source for source, _ in pieces}
        seen: set[bytes] = set()
        found = False
        for reading in dict.fromkeys(reading & sources for reading in _READINGS):
            digits = b"".join(digits for source, digits in pieces if source in reading)
            for odd in (0, 1):  # a digit that a reader drops moves all others by half a byte
                content = _from_hex(digits[odd:])
                if content in seen:
                    continue
                seen.add(content)
                if self._read(content):
                    found = True
                    break
        if not found:
            why = "holds an embedded object that cannot be read"
            self.look.find(Kind.CORRUPT, self.blob.where, why, reference="MS-OLEDS 2.2")

    def _digits(self, start: int) -> Iterator[tuple[int, bytes]]:
        # a number right behind the word belongs to it, or is where the digits begin
        direct = _NUMBER.match(self.data, start)
        if direct is not None and direct[0]:
            yield PARAMETER, direct[0].translate(None, b"-")
            start = direct.end()
        for token in group(self.data, start, self.look.budget):
            if token.word == b"'":
                yield QUOTED, token.text
            elif token.word == b"bin":
                yield RAW, binascii.hexlify(token.text)
            elif token.word:
                if token.number:
                    yield PARAMETER, token.number.translate(None, b"-")
            elif digits := token.text.translate(None, _NOT_HEX):
                yield SKIPPED if token.skipped else HEX, digits

    def _read(self, content: bytes) -> bool:
        """Look into one reading of an object; whether it is one."""
        name = f"object{self.objects}.bin"
        found = ole1.read(content)
        if found is not None:
            self.look.budget.spend_bytes(len(content))
            ole1.inspect(found, self.blob, name, self.look)
            return True
        compound = content.find(MAGIC)
        if compound >= 0:
            self.look.budget.spend_bytes(len(content))
            self.look.descend(self.blob, content[compound:], name)
        return compound >= 0


_LETTERS = {b"\\": "\\", b"{": "{", b"}": "}", b"~": " ", b"tab": "\t", b"line": "\n", b"par": "\n"}
for _word, _code in (("lquote", 0x2018), ("rquote", 0x2019), ("ldblquote", 0x201C), ("rdblquote", 0x201D)):
    _LETTERS[_word.encode()] = chr(_code)


def _from_hex(digits: bytes) -> bytes:
    return binascii.unhexlify(digits[: len(digits) & ~1])
