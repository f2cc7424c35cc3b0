import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Kind, Verdict
from gateway.scan import Limits, examine
from gateway.scan.documents import sylk
from tests.unit.scan.documents.recorder import looked_into, shipped_rules

HEAD = b"ID;P\r\nO;E\r\n"
NAME = b"NN;NAuto_open;ER2C1\r\n"
CELLS = b'C;X1;Y1;ERETURN()\r\nC;Y2;EEXEC("calc.exe")\r\nE\r\n'
ARMED = HEAD + NAME + CELLS


def test_the_entry_point_the_calls_and_the_strings_are_told():
    (finding,) = looked_into(sylk.inspect, ARMED).findings
    assert finding.kind is Kind.XLM_AUTOEXEC
    assert "EXEC" in finding.detail
    assert finding.excerpt.startswith('A2: =EXEC("calc.exe")')
    assert finding.indicators == ("calc.exe",)
    assert len(finding.fingerprint) == 64


@pytest.mark.parametrize(
    "text",
    [
        ARMED.replace(b"\r\n", b"\r"),
        ARMED.replace(b"\r\n", b"\n"),
        b"\xef\xbb\xbf" + ARMED,
        ARMED.decode().encode("utf-16"),
        ARMED.replace(b"O;E", b"O;L;D;E;V0"),
        ARMED.replace(NAME, b"NN;F;ER2C1;NAUTO_OPEN_x\r\n"),
        ARMED.replace(NAME, b"NN;NAuto_close;ER2C1\r\n"),
        ARMED.replace(NAME, NAME.replace(b"Auto", b"Au\0to")),
        ARMED + b'C;X9;Y9;K"<a href>"\r\n',
        ARMED + b"\x01\x02",
    ],
)
def test_however_it_is_written(text):
    report = examine(text, rules=shipped_rules(), limits=Limits(), mail=False, name="a.txt")
    assert report.verdict is Verdict.AUTOEXEC


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (HEAD + CELLS, [Kind.XLM_MACRO]),
        (b"ID;P\r\nC;X1;Y1;K0;Ecmd|'/c calc'!A0\r\nE\r\n", [Kind.DDE]),
        (b"ID;PWXL;N;E\r\nO;L;D\r\nC;Y1;X1;K1;ESUM(R1C2:R1C3)\r\nE\r\n", []),
        (b"a text about\r\nO;E\r\n", []),
        (b"", []),
    ],
)
def test_what_is_in_it_decides(text, kinds):
    assert looked_into(sylk.inspect, text).kinds == kinds


def test_a_semicolon_that_is_meant_is_written_twice():
    (finding,) = looked_into(sylk.inspect, HEAD + NAME + b'C;X1;Y2;EEXEC("a;;b.exe")\r\n').findings
    assert finding.indicators == ("a;b.exe",)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_cell_is_still_a_macro_sheet(data):
    cells = bytearray(CELLS)
    for _ in range(data.draw(st.integers(1, 6))):
        cells[data.draw(st.integers(0, len(cells) - 1))] = data.draw(st.integers(32, 126))
    look = looked_into(sylk.inspect, HEAD + NAME + bytes(cells[: data.draw(st.integers(0, len(cells)))]))
    assert look.verdict is Verdict.AUTOEXEC


def test_a_hundred_thousand_formulas_are_a_limit():
    look = looked_into(sylk.inspect, HEAD + b"C;X1;Y1;ERETURN()\n" * 100_000)
    assert look.kinds == [Kind.XLM_MACRO, Kind.LIMIT]
