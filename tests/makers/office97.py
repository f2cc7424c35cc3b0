"""Documents of Office before 2007 with macros, made from clean ones of any content; all is inert.

``armed`` takes what LibreOffice wrote as .doc, .xls or .ppt and puts in what Word, Excel and PowerPoint would have.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from functools import cache

from gateway.samples.biff import MACRO_SHEET, Sheet, workbook_stream
from gateway.samples.compound import streams_of
from gateway.scan.budget import Budget, Limits
from gateway.scan.disarm.biff_edit import records
from tests.makers import xlm
from tests.makers.office import project
from tests.makers.vba import project_streams

Streams = Mapping[tuple[str, ...], bytes]
WAYS = {"doc": ("vba",), "xls": ("vba", "xlm", "both"), "ppt": ("vba",)}
"""Kinds of macros a document of each kind can have."""
MACRO_SHEET_NAME = "Macro1"
TRACES = (b"INERT-MACRO", b"urlmon")
"""Words of what is put in that must not be left anywhere in a file."""
_TABLE_FLAG, _PAIRS, _COMMANDS = 0x0200, 0x9A, 24
_BOF_END = 20


def armed(content: bytes, kind: str, way: str) -> bytes:
    """The document with macros of this ``way``."""
    return {"doc": _doc, "xls": _xls, "ppt": _ppt}[kind](content, way)


def with_streams(content: bytes, streams: Streams) -> bytes:
    """The compound file with further streams, or with others in the place of its own; classes of storages stay."""
    from pyopenvba.cfb import CFB

    file = CFB.from_bytes(content)
    made = {path[:length] for path in streams_of(content) for length in range(len(path))}
    for path, stream in streams.items():
        for length in range(1, len(path)):
            if path[:length] not in made:
                file.add_substorage_at(path[: length - 1], path[length - 1])
                made.add(path[:length])
        if path in streams_of(content):
            file.write_stream_at(path[:-1], path[-1], stream)
        else:
            file.add_stream_at(path[:-1], path[-1], stream)
    result: bytes = file.to_bytes()
    return result


@cache
def _project(around: str) -> dict[tuple[str, ...], bytes]:
    return {(around, *path): content for path, content in project_streams().items()}


def _doc(content: bytes, _way: str) -> bytes:
    """With ``Macros``, and a command bound to a macro (MS-DOC 2.9.329 Tcg)."""
    streams = streams_of(content)
    main = bytearray(streams["WordDocument",])
    table = "1Table" if struct.unpack_from("<H", main, 10)[0] & _TABLE_FLAG else "0Table"
    commands = b"\xff\x11\x01\x00\x00\x00\x08\x00" + "AutoOpen".encode("utf-16-le") + b"\0\0\x40"
    struct.pack_into("<II", main, _PAIRS + 8 * _COMMANDS, len(streams[table,]), len(commands))
    changed = {("WordDocument",): bytes(main), (table,): streams[table,] + commands}
    return with_streams(content, {**changed, **_project("Macros")})


def _xls(content: bytes, way: str) -> bytes:
    stream = streams_of(content)["Workbook",]
    more: dict[tuple[str, ...], bytes] = {}
    if way != "xlm":
        stream = _inserted(stream, _BOF_END, xlm.record(0xD3))
        more = _project("_VBA_PROJECT_CUR")
    if way != "vba":
        stream = _with_macro_sheet(stream)
    return with_streams(content, {("Workbook",): stream, **more})


def _inserted(stream: bytes, at: int, more: bytes) -> bytes:
    """With further records among the globals; where each sheet begins is told anew (MS-XLS 2.4.28)."""
    changed = bytearray(stream)
    for record in records(stream, Budget(Limits())):
        if record.kind == 0x85:
            begins = struct.unpack_from("<I", stream, record.body)[0]
            struct.pack_into("<I", changed, record.body, begins + len(more))
    return bytes(changed[:at]) + more + bytes(changed[at:])


def _with_macro_sheet(stream: bytes) -> bytes:
    """With a very hidden macro sheet behind the others, and the name that runs it."""
    sheets = [Sheet(MACRO_SHEET_NAME, MACRO_SHEET, 2, xlm.dangerous())]
    other = workbook_stream(sheets)
    found = list(records(stream, Budget(Limits())))
    end = next(record.at for record in found if record.kind == 0x0A)
    stream = _inserted(stream, end, xlm.lbl("\x01", flags=0x21))
    last = [record for record in records(stream, Budget(Limits())) if record.kind == 0x85][-1]
    listed = next(record for record in records(other, Budget(Limits())) if record.kind == 0x85)
    begins = struct.unpack_from("<I", other, listed.body)[0]
    bound = bytearray(other[listed.at : listed.end])
    stream = _inserted(stream, last.end, bytes(bound))
    struct.pack_into("<I", bound, 4, len(stream))
    return stream[: last.end] + bytes(bound) + stream[last.end + len(bound) :] + other[begins:]


def _ppt(content: bytes, _way: str) -> bytes:
    """With the project as a compressed object behind all others, and the atom that names it (MS-PPT 2.10.40)."""
    packed = struct.pack("<I", len(project())) + zlib.compress(project(), 1)
    stored = struct.pack("<HHI", 0x10, 0x1011, len(packed)) + packed
    atom = struct.pack("<HHIIII", 2, 0x0400, 12, 1, 1, 2)
    info = struct.pack("<HHI", 0x1F, 0x03FF, len(atom)) + atom
    stream = streams_of(content)["PowerPoint Document",]
    return with_streams(content, {("PowerPoint Document",): stream + info + stored})
