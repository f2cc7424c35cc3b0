"""Programs, and what they export."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import FileType
from gateway.scan import sniff
from gateway.scan.carriers.program import exports, inspect_program
from tests.makers.carriers import EICAR, library
from tests.makers.looks import look


@pytest.mark.parametrize("wide", [False, True])
def test_exports(wide: bool) -> None:
    assert exports(library("xlAutoClose", "xlAutoOpen", wide=wide)) == ["xlAutoClose", "xlAutoOpen"]
    assert exports(library(wide=wide)) == []


def test_no_cut_and_no_change_of_a_byte_raises() -> None:
    whole = library("xlAutoOpen")
    for at in range(len(whole)):
        exports(whole[:at])
        exports(whole[:at] + b"\xff" + whole[at + 1 :])


@given(st.binary())
def test_any_bytes_behind_the_header(data: bytes) -> None:
    exports(library("a")[:64] + data)


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (library("xlAutoOpen"), "figures.xls", "is an Excel add-in (.xll)"),
        (library(), "a.scr", "is a screen saver"),
        (library(), "invoice.pdf.exe", "is a program under a name that pretends to be a pdf"),
        (library(), "a.bin", "is a program"),
        (EICAR, "a.txt", "is EICAR's test file"),
    ],
)
def test_what_is_told(data: bytes, name: str, words: str) -> None:
    ((_, _, sentence),) = look(inspect_program, data, name=name).found
    assert sentence.startswith(words)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (EICAR, FileType.EXECUTABLE),
        (EICAR + b"\r\n \x1a", FileType.EXECUTABLE),
        (EICAR + b"x", FileType.TEXT),
        (b"The test file is " + EICAR, FileType.TEXT),
        (EICAR + b" " * 100, FileType.TEXT),
        (EICAR[:60], FileType.TEXT),
    ],
)
def test_the_test_file_is_a_program(data: bytes, kind: FileType) -> None:
    assert sniff.sniff(data) is kind
