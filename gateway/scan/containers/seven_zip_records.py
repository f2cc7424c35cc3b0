"""The headers of a 7z archive: which files it lists, and in which folder of coders each one is packed.

Contract: ``first`` and ``parse`` believe no number: counts are bounded by what can hold them and by ``MAX_COUNT``,
places by the archive. Nothing is decompressed here. Raises ``Corrupt``, also for what is valid and not read. Source:
``7zFormat.txt`` of the LZMA SDK, whose names are used.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from itertools import accumulate, pairwise

from gateway.scan.containers.seven_zip_reader import END, MAX_COUNT, Reader
from gateway.scan.look import Corrupt

SIGNATURE = b"7z\xbc\xaf\x27\x1c"
SIZE = 32
"""Of the signature header."""
AES = b"\x06\xf1\x07\x01"

MAX_CODERS = 8
"""Of one folder; usual are three at the most."""

_HEADER, _PROPERTIES, _MORE_STREAMS, _STREAMS, _FILES = range(1, 6)
_PACK, _UNPACK, _SUBSTREAMS, _SIZES, _CRCS, _FOLDERS, _CODER_SIZES, _COUNTS = range(6, 14)
_EMPTY_STREAM, _EMPTY_FILE = 14, 15
_NAMES, _ENCODED_HEADER = 17, 23


@dataclass(frozen=True, slots=True)
class Coder:
    """One step of decoding. ``size`` is what comes out of it, as the archive claims."""

    method: bytes
    properties: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Stream:
    """What one file has in its folder."""

    size: int
    crc: int | None


@dataclass(frozen=True, slots=True)
class Folder:
    """Packed bytes and the coders they go through, in this order; ``linear`` says that each feeds the next one."""

    packed: memoryview
    coders: tuple[Coder, ...]
    linear: bool
    streams: tuple[Stream, ...]

    @property
    def encrypted(self) -> bool:
        return any(coder.method == AES for coder in self.coders)


@dataclass(frozen=True, slots=True)
class Header:
    """``names`` are those of all streams, folder after folder; ``empty`` those of files without content. ``encoded``
    says that the only stream is the header itself, packed."""

    folders: tuple[Folder, ...]
    names: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    encoded: bool = False


def first(archive: memoryview) -> bytes:
    """The header that the signature header points to."""
    if archive[: len(SIGNATURE)] != SIGNATURE or len(archive) < SIZE:
        raise Corrupt("is no 7z archive")
    start, size, crc = struct.unpack_from("<QQI", archive, 12)
    header = bytes(archive[SIZE + start : SIZE + start + size])
    if len(header) < size or zlib.crc32(header) != crc:
        raise Corrupt("the header of the 7z archive is damaged or not in it")
    return header


def parse(header: bytes, archive: memoryview) -> Header:
    """What ``header`` says about ``archive``."""
    read = Reader(header)
    kind = read.byte()
    if kind == _ENCODED_HEADER:
        return Header(_streams(read, archive), encoded=True)
    if kind != _HEADER:
        raise Corrupt("the header of the 7z archive is of an unknown kind")
    folders: tuple[Folder, ...] = ()
    while (kind := read.byte()) != END:
        if kind == _PROPERTIES:
            for _ in read.properties():
                pass
        elif kind == _STREAMS:
            folders = _streams(read, archive)
        elif kind == _FILES:
            return _files(read, folders)
        else:
            raise Corrupt(f"the header of the 7z archive has a part that is not read ({kind})")
    return Header(folders)


def _files(read: Reader, folders: tuple[Folder, ...]) -> Header:
    """Files with content stand in the order of the streams; a file without content may be a folder of files."""
    count = read.count()
    names = ["member"] * count
    empty = [False] * count
    are_files: list[bool] = []
    for kind, content in read.properties():
        if kind == _NAMES:
            names = _names(content, count)
        elif kind == _EMPTY_STREAM:
            empty = content.bits(count)
        elif kind == _EMPTY_FILE:
            are_files = content.bits(sum(empty))
    packed = tuple(name for name, is_empty in zip(names, empty, strict=True) if not is_empty)
    if len(packed) != sum(len(folder.streams) for folder in folders):
        raise Corrupt("the 7z archive does not list as many files as it has")
    without = [name for name, is_empty in zip(names, empty, strict=True) if is_empty]
    return Header(folders, packed, tuple(name for name, is_file in zip(without, are_files, strict=False) if is_file))


def _names(content: Reader, count: int) -> list[str]:
    if content.byte():
        raise Corrupt("the names of the 7z archive stand elsewhere")
    text = str(content.take(content.left), "utf-16-le", "replace")
    names = text.split("\x00")
    if len(names) != count + 1 or names.pop():
        raise Corrupt("the 7z archive does not have a name for each file")
    return names


def _streams(read: Reader, archive: memoryview) -> tuple[Folder, ...]:
    packed: list[memoryview] = []
    plans: list[_Plan] = []
    streams: list[tuple[Stream, ...]] | None = None
    while (kind := read.byte()) != END:
        if kind == _PACK:
            packed = _packed(read, archive)
        elif kind == _UNPACK:
            plans = _plans(read)
        elif kind == _SUBSTREAMS:
            streams = _substreams(read, plans)
        else:
            raise Corrupt(f"the streams of the 7z archive have a part that is not read ({kind})")
    if len(packed) != sum(plan.packed for plan in plans):
        raise Corrupt("the 7z archive has not the packed streams it needs")
    streams = streams or [(Stream(plan.size, plan.crc),) for plan in plans]
    starts = accumulate((plan.packed for plan in plans), initial=0)  # a branched folder has several; it is not read
    return tuple(
        Folder(packed[at], plan.coders, plan.order is not None, own)
        for at, plan, own in zip(starts, plans, streams, strict=False)
    )


def _packed(read: Reader, archive: memoryview) -> list[memoryview]:
    start, count = SIZE + read.number(), read.count()
    sizes: list[int] = []
    while (kind := read.byte()) != END:
        if kind == _SIZES:
            sizes = [read.number() for _ in range(count)]
        elif kind == _CRCS:
            read.checksums(count)
        else:
            raise Corrupt(f"the packed streams of the 7z archive have a part that is not read ({kind})")
    places = list(accumulate(sizes, initial=start))
    if len(sizes) != count or places[-1] > len(archive):
        raise Corrupt("packed streams of the 7z archive are not in it")
    return [archive[begin:end] for begin, end in pairwise(places)]


@dataclass(slots=True)
class _Plan:
    """A folder before its sizes and packed streams are known. ``order`` are its coders as they follow each other, None
    where it branches; ``main`` is the output that no coder takes; ``packed`` counts the streams it needs."""

    methods: list[tuple[bytes, bytes]]
    order: list[int] | None
    main: int
    outputs: int
    packed: int
    coders: tuple[Coder, ...] = ()
    size: int = 0
    crc: int | None = None


def _plans(read: Reader) -> list[_Plan]:
    if read.byte() != _FOLDERS:
        raise Corrupt("the 7z archive does not say how it is packed")
    count = read.count()
    if read.byte():
        raise Corrupt("the folders of the 7z archive are described elsewhere")
    plans = [_plan(read) for _ in range(count)]
    if read.byte() != _CODER_SIZES:
        raise Corrupt("the 7z archive does not say how large its content is")
    for plan in plans:
        sizes = [read.number() for _ in range(plan.outputs)]
        plan.size = sizes[plan.main]
        plan.coders = tuple(
            Coder(*plan.methods[at], sizes[at] if plan.order else 0) for at in plan.order or range(len(plan.methods))
        )
    while (kind := read.byte()) != END:
        if kind != _CRCS:
            raise Corrupt(f"the folders of the 7z archive have a part that is not read ({kind})")
        for plan, crc in zip(plans, read.checksums(count), strict=True):
            plan.crc = crc
    return plans


def _plan(read: Reader) -> _Plan:
    methods, inputs, outputs = [], 0, 0
    count = read.count()
    if not 1 <= count <= MAX_CODERS:
        raise Corrupt(f"the 7z archive uses {count} coders for one content")
    for _ in range(count):
        flags = read.byte()
        method = bytes(read.take(flags & 0x0F))
        is_complex = flags & 0x10
        inputs += read.count() if is_complex else 1
        outputs += read.count() if is_complex else 1
        methods.append((method, bytes(read.take(read.number())) if flags & 0x20 else b""))
        if flags & 0xC0:
            raise Corrupt("a coder of the 7z archive is of an unknown form")
    if not 1 <= outputs <= inputs <= 4 * MAX_CODERS:
        raise Corrupt("the coders of the 7z archive do not fit together")
    feeds = {output: taker for taker, output in ((read.number(), read.number()) for _ in range(outputs - 1))}
    packed = inputs - (outputs - 1)
    begin = [read.number() for _ in range(packed)] if packed > 1 else set(range(inputs)).difference(feeds.values())
    main = set(range(outputs)).difference(feeds)
    if len(main) != 1:
        raise Corrupt("the coders of the 7z archive do not fit together")
    linear = inputs == outputs == count and len(begin) == 1
    order = _order(min(begin), feeds) if linear else None
    return _Plan(methods, order if order and len(order) == count else None, main.pop(), outputs, packed)


def _order(coder: int, feeds: dict[int, int]) -> list[int]:
    """The coders from the one that reads the packed stream on, each with one input and one output."""
    order = [coder]
    while (following := feeds.get(order[-1])) is not None and following not in order:
        order.append(following)
    return order


def _substreams(read: Reader, plans: list[_Plan]) -> list[tuple[Stream, ...]]:
    counts = [1] * len(plans)
    kind = read.byte()
    if kind == _COUNTS:
        counts = [read.count() for _ in plans]
        kind = read.byte()
    if sum(counts) > MAX_COUNT:
        raise Corrupt("the 7z archive lists too many files")
    sizes: list[list[int]] = []
    for plan, count in zip(plans, counts, strict=True):
        own = [read.number() if kind == _SIZES else 0 for _ in range(count - 1)]
        sizes.append([*own, plan.size - sum(own)] if count else [])
        if count and sizes[-1][-1] < 0:
            raise Corrupt("files of the 7z archive are larger than what holds them")
    if kind == _SIZES:
        kind = read.byte()
    is_known = [len(own) == 1 and plan.crc is not None for plan, own in zip(plans, sizes, strict=True)]
    asked = sum(len(own) for own, known in zip(sizes, is_known, strict=True) if not known)
    crcs: list[int | None] = [None] * asked
    while kind != END:
        if kind != _CRCS:
            raise Corrupt(f"the files of the 7z archive have a part that is not read ({kind})")
        crcs = read.checksums(asked)
        kind = read.byte()
    following = iter(crcs)
    return [
        tuple(Stream(size, plan.crc if known else next(following)) for size in own)
        for plan, own, known in zip(plans, sizes, is_known, strict=True)
    ]
