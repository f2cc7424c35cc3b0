"""What fuzzing starts from: the small files of the corpus, and a way to damage them that keeps them recognisable."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO

from hypothesis import strategies as st

from gateway.scan.documents.compound import MAGIC, CompoundFile
from gateway.scan.look import Corrupt
from tests.corpus.test_corpus import FOLDERS, files_of

LARGEST = 64 << 10
"""Bytes of a seed; what is larger is there for its size."""


@cache
def seeds() -> dict[str, bytes]:
    """By folder and name."""
    return {
        f"{folder.name}/{name}": content
        for folder in FOLDERS
        for name, content in files_of(folder).items()
        if 0 < len(content) <= LARGEST
    }


@cache
def pieces() -> dict[str, bytes]:
    """What lies in the seeds, as the parsers below the readers get it: the streams and the members, each once."""
    found: dict[bytes, str] = {}
    for name, content in seeds().items():
        for inner, piece in (*_streams(content), *_members(content)):
            if 0 < len(piece) <= LARGEST:
                found.setdefault(piece, f"{name}/{inner}")
    return {name: piece for piece, name in found.items()}


def _streams(content: bytes) -> Iterator[tuple[str, bytes]]:
    start = content.find(MAGIC)
    if start < 0:
        return
    with contextlib.suppress(Corrupt):
        file = CompoundFile(content[start:])
        yield from (("/".join(entry.path), file.read(entry)) for entry in file.entries)


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    # what the corpus damages on purpose makes the standard library raise anything, and is no seed for what lies in it
    with contextlib.suppress(Exception):
        archive = zipfile.ZipFile(BytesIO(content))
        for member in archive.infolist():
            if member.file_size <= LARGEST:
                data = archive.read(member)
                yield member.filename, data
                yield from _streams(data)


def _mutated(draw: st.DrawFn, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.sampled_from((1, 2, 4, 8, 64, 512)))
        match draw(st.sampled_from(("bytes", "cut", "delete", "repeat", "number", "insert", "swap"))):
            case "bytes":
                data[at : at + length] = draw(st.binary(min_size=1, max_size=length))
            case "cut":
                del data[at:]
            case "delete":
                del data[at : at + length]
            case "repeat":
                data[at:at] = data[at : at + length] * draw(st.integers(1, 20))
            case "number":
                data[at : at + 4] = draw(st.sampled_from((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\x01\0\0\0")))
            case "insert":
                data[at:at] = draw(st.binary(max_size=length))
            case "swap":
                other = draw(st.integers(0, max(0, len(data) - 1)))
                data[at : at + length], data[other : other + length] = (
                    data[other : other + length],
                    data[at : at + length],
                )
    return bytes(data)


@st.composite
def damaged(draw: st.DrawFn, only: str = "", of: Callable[[], dict[str, bytes]] = seeds) -> bytes:
    """One of the seeds, damaged; ``only`` is in the names of those to take."""
    names = sorted(name for name in of() if only in name)
    return _mutated(draw, of()[draw(st.sampled_from(names))])
