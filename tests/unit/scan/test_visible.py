from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import clip
from gateway.scan.visible import exactly, readably


@pytest.mark.parametrize(
    ("text", "exact", "readable"),
    [
        ("a\r\nb\tc", "a\nb\tc", "a\nb\tc"),
        ("a\rb", "a\u240db", "a\nb"),
        ("zero\0", "zero\u2400", "zero\u2400"),
        ("\x1b[31m\x7f", "\u241b[31m\u2421", "\u241b[31m\u2421"),
        ("\u202egnp.exe", "<U+202E>gnp.exe", "<U+202E>gnp.exe"),
        ("pass\u200bword\u00ad", "pass<U+200B>word<U+00AD>", "password"),
        ("a\u00a0b", "a b", "a b"),
        ("\udcff", "\\xff", "\\xff"),
        ("\ud800", "<U+D800>", "<U+D800>"),
        ("日本 é 💩", "日本 é 💩", "日本 é 💩"),
    ],
)
def test_what_does_not_print_is_shown(text: str, exact: str, readable: str) -> None:
    assert exactly(text) == exact
    assert readably(text) == readable


@given(st.text(st.characters(codec=None), max_size=300))
def test_whatever_the_text_the_front_takes_it(text: str) -> None:
    for shown in (exactly(text), readably(text)):
        assert clip(shown, len(shown) + 1, "\n\t") == shown
