"""Binary workbooks, ``.xlsb``: macro sheets, the names for them, and objects in sheets (MS-XLSB).

Contract: ``take_out`` keeps the promise of ``ooxml_sheets`` for records. Formulas know a defined name by its number,
so one that has to go keeps its place, under another name, and refers to nothing. Links by DDE are known by number, too,
and cannot be taken out. Records that stay keep their bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from gateway.scan.disarm import ooxml_book
from gateway.scan.disarm.ooxml_parts import Parts
from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.documents import xlsb
from gateway.scan.documents.xlsb import Book, Record

_NAME, _SHEET, _VIEW, _EXTERN_SHEETS = 39, 156, 158, 362
"""BrtName (2.4.711), BrtBundleSh (2.4.309), BrtBookView, BrtExternSheet."""
_SOURCES = (355, 357, 358, 667)
"""What formulas count as links: BrtSupBookSrc, BrtSupSelf, BrtSupSame, BrtSupAddin."""
_SELF = 357
_OBJECTS = {639: (638, 640), 645: (643, 644)}
"""BrtOleObject and BrtActiveX, and the records round all of them."""
_WHOLE_WORKBOOK = 0xFFFFFFFF
_NOTHING = struct.pack("<I2sII", 2, b"\x1c\x17", 0, 0xFFFFFFFF)
"""The formula ``#REF!`` (PtgErr) without extra data, and no comment."""
_HIDDEN = 1

Change = Callable[[Record], bytes | None]


def take_out(parts: Parts) -> None:
    """See the module."""
    budget = parts.work.budget
    linked = {link.relation.target for link in parts.living() if link.relation.kind == "externallink"}
    for name in linked & parts.names.keys():
        if next(xlsb.dde_sources(parts.content(name), budget), None) is not None:
            raise CannotDisarm("it asks another program for data (DDE), which cannot be taken out of .xlsb")
    book = xlsb.read_workbook(parts.content(parts.main), budget)
    gone = ooxml_book.going(parts, book.reader())
    if not gone:
        return
    ids = {link.relation.id for link in parts.living() if link.relation.target in gone}
    change = _Workbook(parts, book, [place for place, sheet in enumerate(book.sheets) if sheet.relation in ids])
    parts.put_bytes(parts.main, _rewritten(parts, parts.main, change))
    for name in gone:
        parts.drop(name)
    ooxml_book.drop_calculation_chain(parts)
    parts.tell(ooxml_book.MACRO_SHEETS)


def cut_objects(parts: Parts, source: str, ids: set[str]) -> None:
    """Take what refers to these relationships out of a binary sheet. Raises ``CannotDisarm`` if anything else does."""
    wide = [struct.pack("<I", len(one)) + one.encode("utf-16-le") for one in ids]

    def refers(record: Record) -> bool:
        return any(one in record.body for one in wide)

    kinds = {record.kind: 0 for record in _records(parts, source) if record.kind in _OBJECTS}
    for record in _records(parts, source):
        if not refers(record):
            kinds[record.kind] = kinds.get(record.kind, 0) + 1
        elif record.kind not in _OBJECTS:
            raise CannotDisarm(f"record {record.kind} in its part {source} cannot do without what has to go")
    empty = {frame for kind, frames in _OBJECTS.items() if not kinds.get(kind) for frame in frames}
    change: Change = lambda record: None if record.kind in empty or refers(record) else record.body  # noqa: E731  two uses
    parts.put_bytes(source, _rewritten(parts, source, change))


class _Workbook:
    """The records of ``workbook.bin`` without the sheets at ``places``."""

    def __init__(self, parts: Parts, book: Book, places: list[int]) -> None:
        self._parts, self._book, self._places = parts, book, places
        self._count = len(book.sheets)
        gone = set(places)
        left = [place for place in range(self._count) if place not in gone]
        if not left:
            raise CannotDisarm("it has no sheet but macro sheets")
        self._shown = left[0] if all(book.sheets[place].state for place in left) else -1
        self._refers = ooxml_book.referring([book.sheets[place].name for place in places])
        self._reader = book.reader()
        sources = [record.kind for record in _records(parts, parts.main) if record.kind in _SOURCES]
        self._self = sources.index(_SELF) if _SELF in sources else -1
        self._gone = gone
        self._sheet = -1
        self._names = 0

    def __call__(self, record: Record) -> bytes | None:
        body = record.body
        if record.kind == _SHEET and len(body) >= 12:
            self._sheet += 1
            if self._sheet in self._gone:
                return None
            return struct.pack("<I", 0) + body[4:] if self._sheet == self._shown else body
        if record.kind == _VIEW and len(body) >= 28:
            first, current = struct.unpack_from("<II", body, 20)
            return body[:20] + struct.pack("<II", self._moved(first), self._moved(current)) + body[28:]
        if record.kind == _NAME and len(body) >= 13:
            return self._name(body)
        if record.kind == _EXTERN_SHEETS and len(body) >= 4:
            return body[:4] + b"".join(self._extern(body[at : at + 12]) for at in range(4, len(body), 12))
        return body

    def _moved(self, sheet: int) -> int:
        return ooxml_book.moved(sheet, self._places, self._count)

    def _name(self, body: bytes) -> bytes:
        name, expression = self._book.names[self._names]
        self._names += 1
        local = struct.unpack_from("<I", body, 5)[0]
        text = self._reader.text(expression)
        if local in self._gone or ooxml_book.is_started(self._parts, name) or self._refers(text):
            title = f"_removed{self._names}".encode("utf-16-le")
            return struct.pack("<IBII", _HIDDEN, 0, _WHOLE_WORKBOOK, len(title) // 2) + title + _NOTHING
        return body if local == _WHOLE_WORKBOOK else body[:5] + struct.pack("<I", self._moved(local)) + body[9:]

    def _extern(self, entry: bytes) -> bytes:
        """Xti: a link, and the first and the last of its sheets; negative numbers stand for no sheet."""
        if len(entry) < 12:
            return entry
        link, first, last = struct.unpack("<Iii", entry)
        if link != self._self or first < 0 or last < 0:
            return entry
        if first in self._gone or last in self._gone:
            return struct.pack("<Iii", link, -1, -1)
        return struct.pack("<Iii", link, self._moved(first), self._moved(last))


def _records(parts: Parts, name: str) -> Iterator[Record]:
    return xlsb.records(parts.content(name), parts.work.budget)


def _rewritten(parts: Parts, name: str, change: Change) -> bytes:
    """A part with each record replaced by what ``change`` makes of it; None takes it out."""
    pieces: list[bytes] = []
    for record in _records(parts, name):
        body = change(record)
        if body is record.body:
            pieces += (record.head, body)
        elif body is not None:
            pieces += (_head(record.kind, len(body)), body)
    return b"".join(pieces)


def _head(kind: int, size: int) -> bytes:
    """Type and size of a record (2.1.4), seven bits a byte."""
    head = [kind] if kind < 1 << 7 else [kind & 0x7F | 0x80, kind >> 7]
    while size >= 1 << 7:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes((*head, size))
