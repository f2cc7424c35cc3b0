"""What Windows makes of a file name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan import names


@pytest.mark.parametrize(
    ("name", "endings"),
    [
        ("invoice.js", ("js",)),
        ("2/a.zip/Invoice.PDF.JS", ("js",)),
        ("dir\\a.vbs", ("vbs",)),
        ("a.js. . ", ("js",)),
        ('a.js"', ("js",)),
        ("a.js::$DATA", ("js",)),
        ("invoice\u202efdp.js", ("js",)),
        ("a.j\u200bs", ("js",)),
        ("a.ｊｓ", ("js",)),
        ("a.js\0.txt", ("txt", "js")),
        ("a" + " " * 300 + ".exe", ("exe",)),
        ("a.{3050F4D8-98B5-11CF-BB82-00AA00BDCE0B}", ("{3050f4d8-98b5-11cf-bb82-00aa00bdce0b}",)),
        ("1", ()),
        ("", ()),
        ("a. what a long sentence somebody wrote", ()),
    ],
)
def test_endings(name: str, endings: tuple[str, ...]) -> None:
    assert names.endings(name) == endings


def test_what_a_name_pretends_to_be() -> None:
    assert names.pretends("invoice.pdf.js") == "pdf"
    assert names.pretends("invoice.pdf      .exe") == "pdf"
    assert names.pretends("jquery.min.js") == ""
    assert names.pretends("invoice.js") == ""


@given(st.text())
def test_any_name(name: str) -> None:
    assert all(ending and "." not in ending for ending in names.endings(name))
    names.pretends(name)


@pytest.mark.parametrize(
    ("readings", "chosen"),
    [
        ([], ""),
        (["a.doc"], "a.doc"),
        (["a.txt", "b.doc"], "a.txt"),
        (["a.txt", "b.js"], "b.js"),
        (["a", "b.txt", "c.exe"], "c.exe"),
        (["a.txt", "a.d oc"], "a.txt"),
    ],
)
def test_the_worst_of_several_names_counts(readings: list[str], chosen: str) -> None:
    assert names.worst(readings) == chosen


def test_a_name_is_one_element_of_a_path() -> None:
    assert names.element("../../C:x/a.js") == ".._.._C_x_a.js"
    assert names.endings(names.element("D:a.js")) == ("js",)
    assert names.element("a.js:stream") == "a.js:stream"
