import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.documents import vba_source
from gateway.scan.documents.vba_source import declarations, line_number


def names(source: str) -> list[str]:
    return [declared.name for declared in declarations(source)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("Sub A()\nEnd Sub\nFunction B()\n", ["A", "B"]),
        ("Sub A(): End Sub: Sub B(): End Sub\n", ["A", "B"]),
        ("Property Get A()\nProperty  Let B(x)\nProperty Set C(x)\n", ["A", "B", "C"]),
        ("x = 1 ' it\"s a comment: Sub A()\nSub B()\n", ["B"]),
        ('x = "\' no comment": Sub A()\n', ["A"]),
        ("x = 1: Rem Sub A()\nSub B()\n", ["B"]),
        ("Remember: Sub A()\n", ["A"]),
        ('x = "open string\nSub A()\n', ["A"]),
        ("' continued _\nSub A()\n", ["A"]),
        ('x = "open _\nSub A()\n', ["A"]),
        ("Sub _\n  A _\n ()\n", ["A"]),
        ("10 Sub A()\n20: Sub B()\n", ["A", "B"]),
        ("Sub ＡｕｔｏＯｐｅｎ()\n", ["AutoOpen"]),
        ('Declare Sub A Lib "x" ()\nExit Sub\nEnd Sub\nSubA\n', []),
        ("Sub\x00A()\n", ["A"]),
    ],
)
def test_what_is_declared(source, found):
    assert names(source) == found


def test_a_line_is_counted_as_the_editor_counts():
    source = 'Attribute VB_Name = "x"\nAttribute VB_Base = "y"\nOption Explicit\n\nSub A()\n'
    source += 'Attribute A.VB_Description = "z"\nEnd Sub\nSub B()\n'
    assert [line_number(source, declared.start) for declared in declarations(source)] == [3, 5]


def test_an_excerpt_begins_with_the_whole_line():
    source = "x = 1\n  Private Sub A()\ny\n"
    assert vba_source.excerpt(source, next(declarations(source)).start) == "  Private Sub A()\ny\n"


@given(st.text(st.sampled_from("Sub A()Rem:'\"_\n \x00"), max_size=200))
def test_any_text_is_read(text):
    for declared in declarations(text):
        assert 0 <= declared.start < len(text)
        assert line_number(text, declared.start) >= 1
    assert vba_source.code_lines(text) >= 0


@pytest.mark.parametrize("piece", ['"', "'", ":", "rem ", " _\n", "1 ", "sub a:", "Property Get ", " ", "\x00"])
def test_the_time_is_linear(piece):
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    sum(1 for _ in declarations(text))
    vba_source.without_comments(text)
    assert time.process_time() - began < 5
