import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.documents.cell_dde import in_formula, in_table, starts_program


@pytest.mark.parametrize(
    "line",
    [
        b"=cmd|'/c calc'!A0",
        b"  =cmd|' /C calc'!'A1'",
        b"+cmd|'/c calc'!A0",
        b"-cmd|'/c calc'!A0",
        b"@SUM(1+1)*cmd|' /C calc'!A0",
        b"=2+5+cmd|' /C calc'!A0",
        b"=-1+cmd|'/c calc'!A0",
        b"\t=cmd|'/c calc'!A0",
        b"name,\"=cmd|'/c calc'!A0\",3",
        b"name;=cmd|'/c calc'!A0;3",
        b"name\t=cmd|'/c calc'!A0",
        b"x    =MSEXCEL|'\\..\\..\\..\\Windows\\System32\\cmd.exe /c calc'!''",
        b"=AAAA+BBBB-CCCC&\"Hello\"/12345&cmd|'/c calc.exe'!A",
        b"+thespanishinquisition(cmd|'/c calc.exe'!A",
        b"=rundll321234567890abcdefghijklmnop|'URL.dll,OpenURL calc.exe'!A",
        b"=rundll32|shell!A0",
        b"=anything|'x'!A0",
        b"='cmd'|'/c calc'!A0",
        b"='C:\\Program Files\\a b'|'/c calc'!A0",
        b"=cmd |'/c echo ''quoted'''!A0",
        b"=cmd|'/c\n calc'!A0",
        b"=C\0m\0D\0|'/c calc'!A0",
        b"1,0\r\n\"=cmd|'/c calc'!A0\"\r\n",
        b'=DDE("cmd";"/C calc";"!A0")A0',
    ],
)
def test_a_field_that_starts_a_program(line):
    for text in (line, b"a,b\r\n" + line + b"\r\nc\r\n", line.decode("latin-1").encode("utf-16-le")):
        assert in_table(text)


@pytest.mark.parametrize(
    "line",
    [
        b"=SUM(A1:A9)",
        b"-12,-13.5,+49 30 123456,@macrogate",
        b"=Sheet1!A1+'My sheet'!B2",
        b"| name | what | wow! |",
        b"- a|b|c!d",
        b"=a|b!c",
        b"'a'|'b'!|'c'",
        b'=HYPERLINK("http://example.com/a|b!")',
        b"a@b.example|it's here!|'really'",
        b"cat file|'grep'! x",
        b"cmd|'/c calc'!A0",
        b"see cmd|'/c calc'!A0 for the trick",
        b"DDE is old",
        b"    operators = (r'=', r':', r'|', r'!', r'<')",
        b"split('=', s, x'|', x'!', y)",
    ],
)
def test_an_ordinary_line_is_nothing(line):
    assert in_table(line + b"\r\n") == ""


def test_a_formula_needs_no_sign():
    assert in_formula(b"cmd|'/c calc'!A0") == "cmd|/c calc"
    assert in_formula(b"SUM(A1)") == ""


@pytest.mark.parametrize(
    ("server", "known"),
    [("cmd", True), ("CMD.EXE", True), ("C:\\Windows\\system32\\cmd", True), ("powershe", True), ("name", False)],
)
def test_programs_that_are_known(server, known):
    assert starts_program(server) is known


@pytest.mark.parametrize("unit", [b"|", b"|'", b"=a|'", b"=cmd|", b"=|x!", b"'|'", b"a|b!\n", b"=cmd |"])
def test_a_megabyte_of_almost_takes_no_time(unit):
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    in_table(text)
    assert time.process_time() - started < 4


@given(st.binary(max_size=300))
def test_any_bytes_around_it_leave_a_line_of_its_own_found(junk):
    assert in_table(junk.replace(b"'", b"").replace(b"|", b"") + b"\n=cmd|'/c calc'!A0\n" + junk)
