import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import MAX_INDICATORS
from gateway.scan.budget import Budget, Limits
from gateway.scan.documents.vba_constants import MAX_STRING, decoded
from gateway.scan.documents.vba_strings import indicators


def found(source: str) -> tuple[str, ...]:
    return indicators([source], Budget(Limits()))


@pytest.mark.parametrize(
    "line",
    [
        'x = "http://a.example/b"',
        'x = "ht" & "tp:/" + "/a.example/b"',
        'x = Chr(104) & ChrW$(116) & Chr(&H74) & "p://a.example/b"',
        'x = Chr(100 + 4) & Chr$(120 - 4) & "tp://a.example/b"',
        'x = StrReverse("b/elpmaxe.a//:ptth")',
        'x = Replace("hXttpX://a.exXample/b", "X", "")',
        'x = Join(Split("ht#tp:#//a.example/b", "#"), "")',
        'x = Join(Array("http:", "", "a.example", "b"), "/")',
        "x = Array(104, 116, 116, 112, 58, 47, 47, 97, 46, 101, 120, 97, 109, 112, 108, 101, 47, 98)",
        'x = "687474703a2f2f612e6578616d706c652f62"',
        f'x = "{base64.b64encode(b"http://a.example/b  ").decode()}"',
        f'x = "{base64.b64encode("http://a.example/b".encode("utf-16-le")).decode()}"',
        'a = "http://a"\nb = ".example"\nx = a & b & "/b"',
        'a = "http://a"\na = a & ".exa"\na = a & "mple/b"',
        'x = Mid("xxhttp://a.example/bxx", 3, 18)',
        'x = "http://" & _\n  "a.example/b"',
    ],
)
def test_an_address_is_found_however_it_is_written(line):
    assert found(f"Sub A()\n{line}\nEnd Sub\n")[0] == "http://a.example/b"


def test_commands_files_classes_and_calls_follow_the_addresses():
    source = (
        'CreateObject("WScript" & ".Shell").Run "powershell -w hidden"\n'
        'Open Environ("TEMP") & "\\run.dll" For Binary As #1\n'
        'x = "\\\\server\\share\\a.txt"\nx = "https://a.example/"\nShell y\n'
    )
    assert found(source) == (
        "https://a.example/",
        "\\\\server\\share\\a.txt",
        "powershell -w hidden",
        "%TEMP%\\run.dll",
        "WScript.Shell",
        "CreateObject",
        "Shell",
    )


def test_comments_and_honest_code_give_nothing():
    assert found('\' see http://a.example/\nSub A()\nRange("A1").Value = "cmd" & 1\nMsgBox "Ready."\nEnd Sub\n') == ()


def test_there_are_never_too_many():
    assert len(found("\n".join(f'x = "http://a.example/{n}.html"' for n in range(1000)))) == MAX_INDICATORS


@pytest.mark.parametrize(
    "source",
    [
        "x = " + " & ".join('"ab"' for _ in range(200_000)),
        "\n".join('x = x & "abc" & Chr(9)' for _ in range(100_000)),
        'x = "" & ' + "Chr(" * 300_000,
        'x = ""' + 'Replace("a" & ' * 100_000,
        's = "aaaa"\n' + 's = s & s & s & s & ""\n' * 100_000,
        'x = "" & ' + "(" * 1_000_000,
        "x = Array(" + "1," * 500_000,
        '"' * 1_000_000,
        '"' + "ab" * 500_000 + '"',
        '"' + "a.exe " * 200_000 + '"',
        '"' + "\\\\a" * 300_000 + '"',
    ],
)
def test_the_time_is_bounded(source):
    began = time.process_time()
    found(source)
    assert time.process_time() - began < 2


def test_no_string_grows_without_bound():
    code = 's = "aaaa"\n' + 's = s & s & s & s & ""\n' * 50
    assert max(len(text) for text in decoded(code, Budget(Limits()))) <= MAX_STRING


@given(st.text(st.sampled_from('"&+Chr(104),=xA \nArraySplit$:-/*\\mod&H'), max_size=200))
def test_any_code_is_read(code):
    list(decoded(code, Budget(Limits())))
    assert len(found(code)) <= MAX_INDICATORS


def test_a_program_alone_in_a_string_is_told_and_the_beginning_of_an_address_is_not():
    code = (
        'Sub A()\nx = "ht" & "tp://exam" & "ple.com/wp" & "/a.bin"\ny = "pow" + "ersh" + "ell"\nz = "text"\nEnd Sub\n'
    )
    assert indicators([code], Budget(Limits())) == ("http://example.com/wp/a.bin", "powershell")
