"""A VBA project as it is stored: a storage with a ``dir`` stream and one stream a module (MS-OVBA 2.2, 2.3.4).

Contract: ``find_projects`` lists every storage that can hold one, ``read_projects`` gives all source in them that can
be read. Nothing is believed that can be checked: modules the directory does not list are searched for, where its
offsets lead nowhere the streams are searched for source, and the number of lines the compiled code was made from is
compared with the source. What could not be read is told in ``Project.unreadable`` and ``Project.stomped``, never
dropped. Raises only ``OverLimit``.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from gateway.scan.budget import Budget
from gateway.scan.documents.compound import STREAM, CompoundFile, Entry
from gateway.scan.documents.vba_compression import decompress, find_containers, guess_containers, unpack
from gateway.scan.documents.vba_source import compiled_lines
from gateway.scan.look import Corrupt

_DIR, _CACHE, _LISTING, _DESIGNER = "dir", "_vba_project", "project", "\x03vbframe"
_EXECUTED = "__srp_"
"""Streams the interpreter keeps for itself; they hold no source."""

_CODE_PAGE, _VERSION, _END_OF_PROJECT = 0x0003, 0x0009, 0x0010
_MODULE_NAME, _STREAM_NAME, _STREAM_NAME_UNICODE, _OFFSET, _END_OF_MODULE = 0x0019, 0x001A, 0x0032, 0x0031, 0x002B

_COMPILED_LINES = re.compile(rb"\xfe\xca\x01\x00(..)", re.DOTALL)
"""The head of the line table in a module's compiled code; the number of source lines follows it. It agrees with the
source, attributes left out and continued lines counted once, in all 377 modules of real documents compared."""
_LISTED_AS = re.compile(rb"^(Document|Module|Class|BaseClass)=([^\r\n/]{1,255})", re.IGNORECASE | re.MULTILINE)
"""How PROJECT lists a module (MS-OVBA 2.3.1)."""
_MAX_LISTING = 64 << 10
_MAX_MODULES = 0xFFFF
"""As many as the ``dir`` stream can count (2.3.4.2.3)."""
_RECORDS_BETWEEN_CLOCKS = 4096
_MAX_CACHE = 1 << 20
"""Identifiers stand at the end of ``_VBA_PROJECT``, which is some tens of KiB in real documents."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module's source text, with LF line ends; ``form`` if it is the code behind a form."""

    name: str
    source: str
    form: bool = False


@dataclass(slots=True)
class Project:
    """What could be read of one project. ``compiled`` are the bytes that name what the compiled code uses."""

    storage: tuple[str, ...]
    modules: list[Module] = field(default_factory=list)
    stomped: list[str] = field(default_factory=list)
    """Modules whose compiled code was made from another source, or that have no source at all."""
    unreadable: list[str] = field(default_factory=list)
    """Modules that are listed and cannot be read."""
    compiled: bytearray = field(default_factory=bytearray)
    compiled_lines: int = 0


@dataclass(slots=True)
class _Listed:
    """One module as the ``dir`` stream tells of it."""

    name: str = ""
    stream: str = ""
    offset: int = 0
    form: bool = False


class _Forms:
    """Modules that are forms: they have a designer storage (2.2), and PROJECT calls them so and nothing else.

    Both lie around the project, and are looked through once for all projects in the same place.
    """

    def __init__(self, file: CompoundFile, budget: Budget) -> None:
        self._file, self._budget = file, budget
        self._known: dict[tuple[str, ...], set[str]] = {}
        self._designed: dict[tuple[str, ...], set[str]] = {}
        for entry in file.streams(_DESIGNER):
            if entry.parent:
                self._designed.setdefault(entry.parent[:-1], set()).add(entry.parent[-1].casefold())

    def around(self, storage: tuple[str, ...]) -> set[str]:
        """The names, folded, of those that belong to the projects directly in ``storage``."""
        if storage not in self._known:
            designed = self._designed.get(storage, set())
            called = self._called(storage) if designed else {}
            self._known[storage] = {name for name in designed if called.get(name) == {b"baseclass"}}
        return self._known[storage]

    def _called(self, storage: tuple[str, ...]) -> dict[str, set[bytes]]:
        """What PROJECT calls each module."""
        called: dict[str, set[bytes]] = {}
        for entry in self._file.inside(storage):
            if entry.kind == STREAM and entry.key == _LISTING:
                for match in _LISTED_AS.finditer(_read(self._file, entry, self._budget, _MAX_LISTING)):
                    called.setdefault(match[2].decode("latin-1").casefold(), set()).add(match[1].lower())
        return called


def find_projects(file: CompoundFile) -> list[tuple[str, ...]]:
    """The storages with a ``dir`` or ``_VBA_PROJECT`` stream, or with streams that hold module source."""
    found: dict[tuple[str, ...], None] = {}
    for entry in file.streams(_DIR, _CACHE):
        found[entry.parent] = None
    current = {path[:at] for path in found for at, name in enumerate(path) if name.casefold() == "_vba_project_cur"}
    around = {path[:-1] for path in found}
    for entry in file.entries:
        # Publisher keeps a storage of this name around the project
        if entry.kind != STREAM and entry.key == "vba" and entry.path not in around:
            found[entry.path] = None
    return [s for s in found if not _superseded(s, current) and any(e.kind == STREAM for e in file.inside(s))]


def _superseded(storage: tuple[str, ...], current: set[tuple[str, ...]]) -> bool:
    """A project in the form of Excel 95, beside the one that any later Excel reads in its place."""
    return storage[-1:] == ("_VBA_PROJECT",) and storage[:-1] in current


def read_projects(file: CompoundFile, budget: Budget) -> list[Project]:
    """Every module of every project, the unlisted ones included."""
    forms = _Forms(file, budget)
    return [_read_project(file, storage, forms.around(storage[:-1]), budget) for storage in find_projects(file)]


def _read_project(file: CompoundFile, storage: tuple[str, ...], forms: set[str], budget: Budget) -> Project:
    budget.check_time()
    project = Project(storage)
    streams: dict[str, Entry] = {}
    for entry in file.inside(storage):
        if entry.kind == STREAM:
            # of two streams with one name the second counts as unlisted, so both are read
            streams[f"{entry.key}/{len(streams)}" if entry.key in streams else entry.key] = entry
    code_page, listed = _read_dir(project, file, streams.get(_DIR), budget)
    if _CACHE in streams:
        project.compiled += _read(file, streams[_CACHE], budget, _MAX_CACHE)
    unlisted = {key: entry for key, entry in streams.items() if key not in {_DIR, _CACHE}}
    for module in listed:
        found = unlisted.pop(module.stream.casefold(), None)
        if found is None:
            project.unreadable.append(module.name)
        else:
            module.form = module.name.casefold() in forms
            _read_module(project, module, _read(file, found, budget), code_page, budget)
    unlisted = {key: entry for key, entry in unlisted.items() if not key.startswith(_EXECUTED)}
    for entry in unlisted.values():
        _search(project, entry.name, _read(file, entry, budget), code_page, budget)
    if not listed and not project.modules and any(entry.size for entry in unlisted.values()):
        project.unreadable.append(_DIR)
    return project


def search_source(content: bytes, budget: Budget) -> Project:
    """Whatever module source lies in ``content``, as a project without a storage."""
    project = Project(())
    _add_sources(project, "of a damaged project", content, find_containers(content), "cp1252", budget)
    return project


def _read_module(project: Project, module: _Listed, content: bytes, code_page: str, budget: Budget) -> None:
    start = module.offset
    source, whole = _source_at(content, start, budget)
    others = [at for at in find_containers(content) if at != start]
    if not source:
        start = (others or guess_containers(content, budget)[0] or [len(content)])[0]
        source, whole = _source_at(content, start, budget)
    cache = content[: min(start, module.offset)]
    project.compiled += cache[:_MAX_CACHE]
    counted = _COMPILED_LINES.findall(cache)
    lines = struct.unpack("<H", counted[0])[0] if len(counted) == 1 else None
    project.compiled_lines += lines or 0
    if source:
        text = _text(source, code_page)
        project.modules.append(Module(module.name, text, module.form))
        if not _reads_ascii(code_page):
            # compiled code runs whatever the directory says the source is written in
            project.modules.append(Module(module.name, _text(source, "cp1252"), module.form))
        if not whole:
            project.unreadable.append(module.name)
        if lines not in {None, 0, compiled_lines(text)}:
            project.stomped.append(module.name)
        # of two sources one may be the decoy
        _add_sources(project, module.name, content, [at for at in others if at != start], code_page, budget)
    else:
        # an empty module still says Attribute VB_Name; without that, only the compiled form is left to run
        (project.stomped if cache and lines != 0 else project.unreadable).append(module.name)


def _source_at(content: bytes, start: int, budget: Budget) -> tuple[bytes, bool]:
    """The source that is compressed at ``start``, nothing when there is none or only blanks; whether it is whole."""
    try:
        found = unpack(content, budget, start)
    except Corrupt:
        return b"", False
    return found.text.strip(b"\0"), found.whole


def _search(project: Project, name: str, content: bytes, code_page: str, budget: Budget) -> None:
    """Add whatever source lies in ``content``."""
    found, all_tried = find_containers(content), True
    if not found:
        found, all_tried = guess_containers(content, budget)
    if not all_tried:
        project.unreadable.append(name)
    _add_sources(project, name, content, found, code_page, budget)


def _add_sources(
    project: Project, name: str, content: bytes, offsets: list[int], code_page: str, budget: Budget
) -> None:
    for offset in offsets:
        budget.check_time()
        try:
            found = unpack(content, budget, offset)
        except Corrupt:
            continue
        project.modules.append(Module(name, _text(found.text, code_page)))
        if not found.sound:
            project.unreadable.append(name)


def _read_dir(project: Project, file: CompoundFile, entry: Entry | None, budget: Budget) -> tuple[str, list[_Listed]]:
    """The code page and the modules of the ``dir`` stream (2.3.4.2); none when it cannot be read. One that goes on
    behind the last module it can hold is told."""
    code_page, modules = "cp1252", list[_Listed]()
    if entry is None:
        return code_page, modules
    try:
        content = decompress(_read(file, entry, budget), budget)
    except Corrupt:
        return code_page, modules
    for number, (kind, value) in enumerate(_records(content)):
        if not number % _RECORDS_BETWEEN_CLOCKS:
            budget.check_time()
        if kind == _CODE_PAGE and len(value) >= 2:
            code_page = _codec(struct.unpack_from("<H", value)[0])
        elif kind == _MODULE_NAME:
            if len(modules) == _MAX_MODULES:
                project.unreadable.append(_DIR)
                break
            modules.append(_Listed(name=value.decode(code_page, "replace")))
        elif modules and kind == _STREAM_NAME:
            modules[-1].stream = value.decode(code_page, "replace")
        elif modules and kind == _STREAM_NAME_UNICODE:
            modules[-1].stream = value.decode("utf-16-le", "replace") or modules[-1].stream
        elif modules and kind == _OFFSET and len(value) >= 4:
            modules[-1].offset = struct.unpack_from("<I", value)[0]
    return code_page, modules


def _records(content: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 6 <= len(content):
        kind, size = struct.unpack_from("<HI", content, position)
        position += 6
        if kind == _VERSION:
            size = 6  # 2.3.4.2.1.11: this record's size field is a constant, and two numbers follow it
        yield kind, content[position : position + size]
        position += size


def _read(file: CompoundFile, entry: Entry, budget: Budget, limit: int | None = None) -> bytes:
    # several entries may name the same sectors, so what is read is paid for although nothing was unpacked
    content = file.read(entry, limit)
    budget.spend_bytes(len(content))
    return content


def _text(source: bytes, code_page: str) -> str:
    return source.decode(code_page, "replace").replace("\r\n", "\n").replace("\r", "\n")


def _codec(number: int) -> str:
    try:
        return codecs.lookup(f"cp{number}").name
    except LookupError:
        return {10000: "mac_roman", 65000: "utf-7", 65001: "utf-8", 10001: "shift_jis"}.get(number, "cp1252")


@cache
def _reads_ascii(code_page: str) -> bool:
    """Whether the letters of the language mean themselves; they do not in EBCDIC and UTF-7."""
    letters = bytes(range(32, 127)) + b"+AEE-"
    return letters.decode(code_page, "replace") == letters.decode("ascii")
