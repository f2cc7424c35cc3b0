"""Macro projects that are not as the editor writes them, for tests: every file is inert."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from gateway import samples
from gateway.samples import vba, word
from gateway.samples.compound import compound_file, streams_of
from gateway.samples.package import package, parts_of

PART = "word/vbaProject.bin"
Streams = dict[tuple[str, ...], bytes]
AUTOOPEN = vba.inert("AutoOpen")
NOTHING = "Option Explicit\r\n"


@cache
def _streams(source: str) -> tuple[tuple[tuple[str, ...], bytes], ...]:
    return tuple(streams_of(vba.project(word.docm(source))).items())


def project_streams(source: str = AUTOOPEN) -> Streams:
    """The streams of a project with this source in ``Module1``."""
    return dict(_streams(source))


def module(source: str, name: str = "Module1", cache: bytes = b"") -> bytes:
    """A module stream: what the compiler left, then the source."""
    from pyopenvba.vba import compress

    packed: bytes = compress(f'Attribute VB_Name = "{name}"\r\n{source}'.encode("cp1252"))
    return cache + packed


def docm(streams: Mapping[tuple[str, ...], bytes]) -> bytes:
    """A document whose project has these streams."""
    return docm_with(compound_file(streams))


def docm_with(project: bytes) -> bytes:
    """A document with these bytes for a project."""
    return package({**parts_of(samples.docm_autoopen()), PART: project})


def docm_changed(change: Callable[[dict[str, bytes]], object], source: str = AUTOOPEN) -> bytes:
    """A document with this source whose parts were changed."""
    parts = parts_of(word.docm(source))
    change(parts)
    return package(parts)


def doc(streams: Mapping[tuple[str, ...], bytes], more: Mapping[tuple[str, ...], bytes] | None = None) -> bytes:
    """A binary document whose project has these streams, and ``more`` beside."""
    project = {("Macros", *path): content for path, content in streams.items()}
    return compound_file({**streams_of(samples.doc()), **project, **(more or {})})
