"""Documents of Office before 2007, disarmed: nothing runs, all else is as it was, and LibreOffice shows the same."""

import io
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import olefile
import pytest

from gateway.closed_sets import Verdict
from gateway.samples import vba, word
from gateway.samples.compound import streams_of
from tests import libreoffice
from tests.clean import written
from tests.disarm import harness
from tests.e2e.tools import need
from tests.makers import office97

SOURCES = {
    "doc": ("word-picture", "word-comments", "word-tracked", "word-form", "word-everything"),
    "xls": ("excel-formulas", "excel-charts", "excel-notes", "excel-everything"),
    "ppt": ("slides-picture", "slides-chart", "slides-workbook"),
}
_PACKAGE = {"doc": "docx", "xls": "xlsx", "ppt": "pptx"}
_CHANGED = {
    "doc": {("WordDocument",), ("1Table",), ("0Table",)},
    "xls": {("Workbook",)},
    "ppt": {("PowerPoint Document",)},
}
"""Streams in which something may be changed where it stands."""
_MACRO_NAMES = {"macros", "vba", "dir", "_vba_project", "_vba_project_cur", "project", "projectwm"}
_WINDOW = 32


@cache
def packages() -> dict[str, bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own
        return dict(written.documents())


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Clean documents as LibreOffice writes them, by name."""
    need("soffice")
    folder = tmp_path_factory.mktemp("before-2007")
    jobs = []
    for kind, names in SOURCES.items():
        files = tuple(folder / f"{name}.{_PACKAGE[kind]}" for name in names)
        for file in files:
            file.write_bytes(packages()[file.name])
        jobs.append(libreoffice.Job(kind, folder / kind, files))
    libreoffice.turn(jobs)
    return {
        f"{name}.{kind}": (folder / kind / f"{name}.{kind}").read_bytes()
        for kind, names in SOURCES.items()
        for name in names
    }


@pytest.fixture(scope="module")
def armed(clean: dict[str, bytes]) -> dict[str, bytes]:
    """Each of them with each kind of macros, called ``way-name``."""
    return {
        f"{way}-{name}": office97.armed(content, name[-3:], way)
        for name, content in clean.items()
        for way in office97.WAYS[name[-3:]]
    }


@pytest.fixture(scope="module")
def results(armed: dict[str, bytes]) -> dict[str, bytes]:
    return {name: harness.disarmed(content, name).content for name, content in armed.items()}


def test_nobody_finds_a_macro_any_more(armed: dict[str, bytes], results: dict[str, bytes]) -> None:
    for name, content in results.items():
        assert harness.scanned(armed[name], name).verdict is not Verdict.CLEAN, name
        assert harness.scanned(content, name).verdict is Verdict.CLEAN, name
        if not name.endswith("ppt"):  # in a presentation olevba looks only where its directory points
            assert harness.by_olevba(armed[name], name) == (not name.startswith("xlm")), name
        assert not harness.by_olevba(content, name), name
        assert not _MACRO_NAMES & _names(content), name


def test_nothing_of_it_is_left_in_the_file(armed: dict[str, bytes], results: dict[str, bytes]) -> None:
    for name, content in results.items():
        assert not any(trace in content for trace in office97.TRACES), name
        assert vba.project(word.docm_autoopen())[512:] not in content
        for stream in _gone(armed[name], content):
            pieces = {stream[at : at + _WINDOW] for at in range(0, len(stream) - _WINDOW, _WINDOW)}
            assert not any(piece in content for piece in pieces if len(set(piece)) > 4), name


def test_all_else_keeps_its_bytes_and_its_place(armed: dict[str, bytes], results: dict[str, bytes]) -> None:
    for name, content in results.items():
        before, after = streams_of(armed[name]), streams_of(content)
        assert {path for path in after if after[path] != before[path]} <= _CHANGED[name[-3:]], name
        assert len(content) == len(armed[name]), name
        begins = _begins(armed[name])
        assert all(begins[path] == place for path, place in _begins(content).items()), name


def test_readers_see_the_same(clean: dict[str, bytes], results: dict[str, bytes], tmp_path: Path) -> None:
    seen = harness.opened({**clean, **results}, tmp_path)
    assert sorted(seen) == sorted({*clean, *results})
    for name in results:
        before, after = seen[name.partition("-")[2]], seen[name]
        assert after.sheets.pop(office97.MACRO_SHEET_NAME, ()) == (), name
        assert after == before, name
    assert any(one.pictures for one in seen.values())
    assert any(one.objects for one in seen.values())


def _names(content: bytes) -> set[str]:
    """The names in the directory, read by olefile, which finds no fault in the file."""
    with olefile.OleFileIO(io.BytesIO(content), raise_defects=olefile.DEFECT_POTENTIAL) as file:
        return {part.casefold() for path in file.listdir(storages=True) for part in path}


def _begins(content: bytes) -> dict[tuple[str, ...], int]:
    with olefile.OleFileIO(io.BytesIO(content)) as file:
        entries = {tuple(path): file.direntries[file._find(path)] for path in file.listdir()}
        return {path: entry.isectStart for path, entry in entries.items() if entry and entry.size}


def _gone(before: bytes, after: bytes) -> Iterator[bytes]:
    left = streams_of(after)
    return (stream for path, stream in streams_of(before).items() if path not in left)
