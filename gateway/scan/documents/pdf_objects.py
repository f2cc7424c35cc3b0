"""The objects of a PDF file and the filters of its streams (ISO 32000-1 §7).

Contract: ``read`` finds every object by the word ``obj``, wherever it stands and whatever the cross-reference table
says, those in object streams included, and keeps all versions of each. Names are given with their ``#`` escapes undone.
``Objects.decoded`` undoes a chain of filters, as far as the data are sound, and pays for what it makes. Raises
``OverLimit`` out of the budget, and ``Corrupt`` for a filter that is not read.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.scan.budget import Budget, OverLimit
from gateway.scan.look import Corrupt

MAX_OBJECTS = 300_000
_STEPS_BETWEEN_CLOCKS = 1024
_MAX_DICTIONARY = 1 << 20
_MAX_UNSURE = 1 << 14
_BEFORE = re.compile(rb"(\d{1,10})[\s\0]{1,20}\d{1,10}[\s\0]{0,20}\Z")
_STREAM = re.compile(rb"stream(?:\r\n|\n|\r)")
_LENGTH = re.compile(rb"/Length[\s\0]{1,20}(\d{1,10})(?![\s\0]{1,20}\d{1,10}[\s\0]{1,20}R)")
_FILTER = re.compile(rb"/Filter[\s\0]{0,20}(\[[^\]]{0,500}\]|/[\w#]{1,40}|\d{1,10}[\s\0]{1,20}\d{1,10}[\s\0]{1,20}R)")
_NAME = re.compile(rb"/([\w#]{1,40})")
_NUMBER = re.compile(rb"\d{1,10}")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_PREDICTOR = re.compile(rb"/Predictor[\s\0]{1,20}(?!1\b)(\d{1,2})")
_COLUMNS = re.compile(rb"/Columns[\s\0]{1,20}(\d{1,6})")
_OF_PIXELS = re.compile(rb"/(?:Colors|BitsPerComponent)[\s\0]{1,20}(?!8\b)(?!1\b)\d")
_COUNT, _FIRST = re.compile(rb"/N[\s\0]{1,20}(\d{1,7})"), re.compile(rb"/First[\s\0]{1,20}(\d{1,9})")
_PIECE = 1 << 20
_PNG = 10


@dataclass(frozen=True, slots=True)
class Object:
    """``text`` is the object up to its stream, ``start`` and ``end`` where that stream lies in the file, or both 0."""

    number: int
    text: bytes
    start: int = 0
    end: int = 0


@dataclass(slots=True)
class Objects:
    """All objects of one file. ``damaged`` are object streams that could not be read."""

    data: bytes
    budget: Budget
    listed: list[Object] = field(default_factory=list)
    by_number: dict[int, list[Object]] = field(default_factory=dict)
    damaged: list[int] = field(default_factory=list)

    def add(self, found: Object) -> None:
        if len(self.listed) >= MAX_OBJECTS:
            raise OverLimit(f"is a PDF file with more than {MAX_OBJECTS} objects", local=True)
        if not len(self.listed) % _STEPS_BETWEEN_CLOCKS:
            self.budget.check_time()
        self.listed.append(found)
        self.by_number.setdefault(found.number, []).append(found)

    def decoded(self, found: Object) -> bytes:
        """The stream of an object without its filters."""
        content = self.data[found.start : found.end]
        for name in self._filters(found.text):
            decoder = _DECODERS.get(name)
            if decoder is None:
                raise Corrupt(f"is packed with the filter {name.decode('latin-1')}, which is not read")
            content = decoder(content, self.budget)
        predictor = _PREDICTOR.search(found.text)
        return _unpredicted(content, found.text, int(predictor[1]), self.budget) if predictor else content

    def _filters(self, text: bytes) -> list[bytes]:
        match = _FILTER.search(text)
        if match is None:
            return []
        value = match[1]
        if value[:1].isdigit():
            number = int(value.split()[0])
            value = b" ".join(other.text for other in self.by_number.get(number, [])[-1:])
        return [name for name in _NAME.findall(value)[:8] if name != b"Crypt"]


def read(data: bytes, budget: Budget) -> Objects:
    """Every object of a file. Those of encrypted object streams come out as nothing and are ``damaged``."""
    objects = Objects(data, budget)
    position = -1
    while (position := data.find(b"obj", position + 1)) >= 0:
        before = _BEFORE.search(data[max(0, position - 44) : position])
        if before is not None:
            objects.add(_object(data, int(before[1]), position + 3))
    for packed in [found for found in objects.listed if b"/ObjStm" in found.text and found.end]:
        try:
            content = objects.decoded(packed)
        except Corrupt:
            objects.damaged.append(packed.number)
            continue
        inner = list(_inside(content, packed.text))
        if not inner:
            objects.damaged.append(packed.number)
        for found in inner:
            objects.add(found)
    return objects


def _object(data: bytes, number: int, start: int) -> Object:
    end = data.find(b"endobj", start, start + _MAX_DICTIONARY)
    if end < 0 or data.find(b" obj", start, end) >= 0:
        # it does not end, or what looks like another object is in it; not for as long, because these overlap
        end = min(len(data), start + _MAX_UNSURE)
    stream = _STREAM.search(data, start, end)
    if stream is None:
        return Object(number, plain(data[start:end]))
    text = plain(data[start : stream.start()])
    length = _LENGTH.search(text)
    finish = stream.end() + int(length[1]) if length else 0
    if not length or data[finish : finish + 20].lstrip()[:9] != b"endstream":
        finish = data.find(b"endstream", stream.end())
        finish = finish if finish >= 0 else len(data)
    return Object(number, text, stream.end(), finish)


def plain(text: bytes) -> bytes:
    """With ``#`` escapes in names undone (§7.3.5); those in strings do not matter."""
    return _ESCAPE.sub(lambda match: binascii.unhexlify(match[1]), text) if b"#" in text else text


def _inside(content: bytes, text: bytes) -> Iterator[Object]:
    """The objects in an object stream (§7.5.7): pairs of number and place, then the objects."""
    count, first = _COUNT.search(text), _FIRST.search(text)
    if count is None or first is None:
        return
    begin = int(first[1])
    numbers = [int(word) for word in _NUMBER.findall(content[:begin])[: 2 * int(count[1])]]
    places = [*numbers[1::2], len(content)]
    for index, number in enumerate(numbers[0 : len(numbers) & ~1 : 2]):
        end = places[index + 1] if places[index + 1] > places[index] else len(content)
        yield Object(number, plain(content[begin + places[index] : begin + min(end, places[index] + _MAX_DICTIONARY)]))


def _inflate(data: bytes, budget: Budget) -> bytes:
    """Readers show what comes before the damage, and many writers leave out the checksum."""
    for window in (15, -15):
        decoder, pieces = zlib.decompressobj(window), list[bytes]()
        feed = data if window > 0 else data[2:]
        try:
            while feed and not decoder.eof:
                piece = decoder.decompress(feed, min(_PIECE, budget.room + 1))
                budget.spend_bytes(len(piece))
                budget.check_time()
                pieces.append(piece)
                feed = decoder.unconsumed_tail
        except zlib.error:
            pass
        if any(pieces) or decoder.eof:
            return b"".join(pieces)
    raise Corrupt("is packed with Flate and damaged")


def _unpredicted(content: bytes, text: bytes, predictor: int, budget: Budget) -> bytes:
    """The rows of a PNG predictor (§7.4.4.4); the first byte of each says how it is to be understood."""
    if predictor < _PNG or _OF_PIXELS.search(text):
        raise Corrupt("is packed with a predictor for pictures, which is not read")
    columns = _COLUMNS.search(text)
    width = int(columns[1]) if columns else 1
    before, rows = bytes(width), []
    for start in range(0, len(content), width + 1):
        budget.check_time()
        before = _row(content[start], content[start + 1 : start + 1 + width], before)
        rows.append(before)
    return b"".join(rows)


def _row(kind: int, row: bytes, before: bytes) -> bytes:
    done = bytearray(len(row))
    left = corner = 0
    for at, byte in enumerate(row):
        above = before[at]
        done[at] = left = byte + _predicted(kind, left, above, corner) & 255
        corner = above
    return bytes(done)


def _predicted(kind: int, left: int, above: int, corner: int) -> int:
    if kind == 4:
        estimate = left + above - corner
        return min((left, above, corner), key=lambda value: abs(estimate - value))
    return {1: left, 2: above, 3: (left + above) // 2}.get(kind, 0)


def _hexadecimal(data: bytes, budget: Budget) -> bytes:
    digits = data.partition(b">")[0].translate(None, b" \t\r\n\f\0")
    try:
        content = binascii.unhexlify(digits + b"0" * (len(digits) % 2))
    except binascii.Error as error:
        raise Corrupt("is written in hexadecimal and damaged") from error
    budget.spend_bytes(len(content))
    return content


def _ascii85(data: bytes, budget: Budget) -> bytes:
    letters = data.translate(None, b" \t\r\n\f\0").removeprefix(b"<~").partition(b"~")[0]
    try:
        content = base64.a85decode(letters)
    except ValueError as error:
        raise Corrupt("is written in ASCII85 and damaged") from error
    budget.spend_bytes(len(content))
    return content


def _run_length(data: bytes, budget: Budget) -> bytes:
    pieces: list[bytes] = []
    position = 0
    while position < len(data) and (length := data[position]) != 128:
        taken = length + 1 if length < 128 else 1
        piece = data[position + 1 : position + 1 + taken] * (1 if length < 128 else 257 - length)
        budget.spend_bytes(len(piece))
        pieces.append(piece)
        position += 1 + taken
    return b"".join(pieces)


def _lzw(data: bytes, budget: Budget) -> bytes:
    """§7.4.4 with the usual early change."""
    table = [bytes([number]) for number in range(256)] + [b"", b""]
    pieces: list[bytes] = []
    width, bits, held, last = 9, 0, 0, b""
    for byte in data:
        held, bits = (held << 8 | byte) & 0xFFFFFF, bits + 8
        if bits < width:
            continue
        bits -= width
        code = held >> bits & ((1 << width) - 1)
        if code == 257:
            break
        if code == 256:
            del table[258:]
            width, last = 9, b""
            continue
        if code > len(table) or (code == len(table) and not last):
            raise Corrupt("is packed with LZW and damaged")
        entry = table[code] if code < len(table) else last + last[:1]
        budget.spend_bytes(len(entry))
        pieces.append(entry)
        if last and len(table) < 4096:
            table.append(last + entry[:1])
        last = entry
        width = next((w for w in (9, 10, 11) if len(table) + 1 < 1 << w), 12)
    return b"".join(pieces)


_DECODERS: dict[bytes, Callable[[bytes, Budget], bytes]] = {
    b"FlateDecode": _inflate,
    b"Fl": _inflate,
    b"ASCIIHexDecode": _hexadecimal,
    b"AHx": _hexadecimal,
    b"ASCII85Decode": _ascii85,
    b"A85": _ascii85,
    b"RunLengthDecode": _run_length,
    b"RL": _run_length,
    b"LZWDecode": _lzw,
    b"LZW": _lzw,
}
