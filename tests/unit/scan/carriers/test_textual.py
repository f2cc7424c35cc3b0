"""Texts that some Windows program obeys. The corpus has one of each kind; here are the borders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Kind
from gateway.scan.carriers.named import inspect_archive, inspect_text
from tests.makers.looks import look

URL = b"[InternetShortcut]\r\nURL="


@pytest.mark.parametrize(
    ("data", "name", "told"),
    [
        (URL + b"https://www.example.com/a/page.html?x=run.exe", "a.url", False),
        (URL + b"https://www.example.com/", "a.url", False),
        (URL + b"https://www.example.com/setup.exe", "a.url", True),
        (URL + b"https://user@www.example.com/", "a.url", True),
        (URL + b"\\\\server\\share\\a.js", "a.txt", True),
        (URL + b"javascript:x", "a.url", True),
        (b"Put this into it:\r\n" + URL + b"file://x/y", "a.txt", False),
        (b"Put this into it:\r\n" + URL + b"file://x/y", "a.url", True),
        (b"REGEDIT4\r\n[HKEY_CURRENT_USER\\x]", "a.reg", True),
        (b"REGEDIT4 is the first line of such a file", "a.txt", False),
        (b"; comment\r\n; another\r\n[Theme]\r\n[Boot]", "a.txt", True),
        (b"[Theme]\r\ncolour=blue", "a.ini", False),
        (b"<note>a</note>", "a.xml", False),
        (b"", "a.txt", False),
    ],
)
def test_by_content(data: bytes, name: str, told: bool) -> None:
    assert (look(inspect_text, data, name=name).kinds == {Kind.SCRIPT_CARRIER}) is told


def test_one_finding_where_name_and_content_agree() -> None:
    assert len(look(inspect_text, b'<jnlp spec="1.0+"/>', name="a.jnlp").found) == 1


def test_archives_that_run() -> None:
    assert look(inspect_archive, b"PK", name="a.jar").kinds == {Kind.SCRIPT_CARRIER}
    assert look(inspect_archive, b"PK", name="a.zip").kinds == set()
    assert look(inspect_archive, b"PK", name="a.js").kinds == set()


@given(st.binary(), st.sampled_from(["a.url", "a.reg", "a.xml", ""]))
def test_any_bytes(data: bytes, name: str) -> None:
    look(inspect_text, data, name=name)
    look(inspect_text, URL + data, name=name)
