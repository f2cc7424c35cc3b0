"""The records of an Excel workbook before 2007 (MS-XLS; BIFF2 to BIFF8).

Contract: ``read_globals`` walks the workbook's global records and says what of it can act: macro sheets, names Excel
calls by itself, DDE links, encryption. A sheet is a macro sheet if either the list of sheets or its own first record
says so. Raises ``Corrupt`` when the stream does not begin as a workbook, ``OverLimit`` when walking takes too long.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.message import Kind, Verdict
from gateway.scan.budget import Budget
from gateway.scan.documents import xlm
from gateway.scan.documents.xlm import HIDDEN, Workbook
from gateway.scan.look import Corrupt, Look

_BOF_OLD = frozenset({0x0009, 0x0209, 0x0409})
_BOF, _EOF, _FILEPASS, _BOUNDSHEET, _LBL = 0x0809, 0x000A, 0x002F, 0x0085, 0x0018
_SUPBOOK, _EXTERNSHEET, _EXTERNNAME = 0x01AE, 0x0017, 0x0023
_LINKS = frozenset({_SUPBOOK, _EXTERNSHEET, _EXTERNNAME})
_LBL_OLD = frozenset({0x0018, 0x0218})
_BIFF8 = 0x0600
_MACRO_SHEET = 0x0040
_MODULE_SHEET = 6
_LISTED_MACRO = 1
_OLE_LINK = 0x0010
_AUTO_NAME = re.compile(rb"auto_(?:open|close|activate|deactivate)\w*", re.IGNORECASE)
_STEPS_BETWEEN_CLOCKS = 4096


@dataclass(slots=True)
class Globals:
    """What the global records say."""

    workbook: Workbook = field(default_factory=Workbook)
    encrypted: bool = False
    dde: list[str] = field(default_factory=list)
    module_sheets: list[str] = field(default_factory=list)
    """VBA modules of Excel 5 and 95, which were sheets."""


def read_globals(stream: bytes, budget: Budget) -> Globals:
    """Walk the stream of a workbook up to the end of its globals."""
    if len(stream) < 8:
        raise Corrupt("is too short for a workbook")
    kind, _, version, content = struct.unpack_from("<HHHH", stream)
    found = Globals()
    if kind in _BOF_OLD:
        _read_old(stream, content, budget, found)
        return found
    if kind != _BOF:
        raise Corrupt("does not begin as a workbook")
    wide = version == _BIFF8
    links: list[tuple[int, bytes]] = []
    for record, body in _records(stream, budget):
        if record in {_EOF, _FILEPASS}:
            found.encrypted = record == _FILEPASS
            break
        if record == _BOUNDSHEET and len(body) > 7:
            _read_sheet(stream, body, wide, found)
        elif record == _LBL and len(body) > 14:
            found.workbook.names.append(_text(body[14:], body[3], wide))
        elif record in _LINKS:
            links.append((record, body))
    found.dde += _dde(links, wide)
    return found


def tell(found: Globals, where: str, look: Look) -> None:
    """Report what the globals of one workbook say."""
    xlm.tell(found.workbook, where, look)
    for source in found.dde:
        look.find(Kind.DDE, where, f"Asks another program for data by DDE: {source}")
    if found.module_sheets:
        sentence = f"Holds the macro module {found.module_sheets[0]} of Excel 5, whose code is not read"
        look.find(Kind.VBA_MACRO, where, sentence, verdict=Verdict.UNSCANNABLE)


def _records(stream: bytes, budget: Budget) -> Iterator[tuple[int, bytes]]:
    position, steps, end = 0, 0, len(stream) - 4
    while position <= end:
        record, size = struct.unpack_from("<HH", stream, position)
        yield record, stream[position + 4 : position + 4 + size]
        position += 4 + size
        steps += 1
        if not steps % _STEPS_BETWEEN_CLOCKS:
            budget.check_time()


def _read_sheet(stream: bytes, body: bytes, wide: bool, found: Globals) -> None:
    """BoundSheet8 (MS-XLS 2.4.28) and the BOF it points to (2.4.21)."""
    at, state, listed, length = struct.unpack_from("<IBBB", body)
    name = _text(body[7:], length, wide)
    actual = 0
    if at + 8 <= len(stream):
        record, _, _, actual = struct.unpack_from("<HHHH", stream, at)
        actual = actual if record == _BOF else 0
    if listed == _LISTED_MACRO or actual == _MACRO_SHEET:
        found.workbook.macro_sheets.append((name, HIDDEN[state & 3]))
    elif _MODULE_SHEET in {listed, actual}:
        found.module_sheets.append(name)


def _read_old(stream: bytes, content: int, budget: Budget, found: Globals) -> None:
    """BIFF2 to BIFF4: one sheet, or in BIFF4 several one behind the other; the type is in each BOF record."""
    if content == _MACRO_SHEET:
        found.workbook.macro_sheets.append(("", HIDDEN[0]))
    for record, body in _records(stream, budget):
        if record in _BOF_OLD and len(body) >= 4 and body[2:4] == b"\x40\x00" and not found.workbook.macro_sheets:
            found.workbook.macro_sheets.append(("", HIDDEN[0]))
        elif record == _FILEPASS:
            found.encrypted = True
        elif record in _LBL_OLD and (match := _AUTO_NAME.search(body)):
            found.workbook.names.append(match[0].decode("ascii", "replace"))


def _dde(links: list[tuple[int, bytes]], wide: bool) -> Iterator[str]:
    """The data sources with items that are no OLE links: a DDE server and its topic (MS-XLS 2.4.105)."""
    source = ""
    for record, body in links:
        if record == _EXTERNNAME:
            if source and len(body) >= 2 and not struct.unpack_from("<H", body)[0] & _OLE_LINK:
                yield source
            source = ""
        elif record == _SUPBOOK and len(body) > 5:
            source = _source(_text(body[4:], struct.unpack_from("<H", body, 2)[0], wide=True))
        elif record == _EXTERNSHEET and not wide and len(body) > 2:
            source = _source(_text(body[1:], body[0], wide=False))


def _source(path: str) -> str:
    """A DDE or OLE data source as ``server|topic``, or "" for a path, which begins with a control character
    (MS-XLS 2.5.277 VirtualPath)."""
    server, mark, topic = path.partition("\x03")
    return f"{server}|{topic}" if mark and server.isprintable() and "\x03" not in topic else ""


def _text(raw: bytes, length: int, wide: bool) -> str:
    """XLUnicodeStringNoCch (MS-XLS 2.5.296), or plain bytes before BIFF8. ``length`` in characters."""
    if not wide:
        return raw[:length].decode("cp1252", "replace")
    if raw and raw[0] & 1:
        return raw[1 : 1 + 2 * length].decode("utf-16-le", "replace")
    return raw[1 : 1 + length].decode("latin-1")
