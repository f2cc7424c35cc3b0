import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Kind, Verdict
from gateway.samples.package import package, parts_of
from gateway.scan.documents.ooxml import inspect
from tests.makers import workbooks, xlm
from tests.unit.scan.documents.recorder import looked_into

EXEC = 'IF(FALSE,EXEC("in"&amp;CHAR(101)&amp;"rt.exe"))'
CALL = 'IF(FALSE,CALL("urlmon","inert","JJ","http://example.com/inert.bin"))'


def test_the_formulas_of_a_macro_sheet_are_told():
    (finding,) = looked_into(inspect, workbooks.macro_formulas(EXEC, CALL, "RETURN()")).findings
    assert finding.kind is Kind.XLM_AUTOEXEC
    assert "(Macro1!$A$1)" in finding.detail
    assert "EXEC, CALL" in finding.detail
    assert finding.excerpt.startswith('A1: =IF(FALSE,EXEC("in"&CHAR(101)&"rt.exe"))\nA2: ')
    assert finding.indicators == ("http://example.com/inert.bin", "inert.exe", "urlmon")


def test_the_same_code_has_the_same_name_in_every_format():
    package_code = looked_into(inspect, workbooks.macro_formulas(EXEC, CALL, "RETURN()")).findings[0].fingerprint
    from gateway.scan.documents import ole

    binary = xlm.xls(xlm.stream(xlm.lbl("\x01", flags=0x20), formulas=xlm.dangerous()))
    assert looked_into(ole.inspect, binary).findings[0].fingerprint == package_code


def test_the_formulas_of_a_binary_workbook_are_told():
    (finding,) = looked_into(inspect, samples.xlsb_xlm_auto_open()).findings
    assert "(Macro1!A1)" in finding.detail
    assert finding.excerpt == "A1: =RETURN()"


@pytest.mark.parametrize(
    ("state", "formula", "verdict"),
    [("hidden", EXEC, Verdict.SUSPICIOUS), ("visible", EXEC, Verdict.MACRO), ("veryHidden", "RETURN()", Verdict.MACRO)],
)
def test_without_a_name_it_matters_whether_the_sheet_is_hidden_and_what_it_calls(state, formula, verdict):
    parts = parts_of(workbooks.macro_formulas(formula))
    book = parts["xl/workbook.xml"].replace(b"_xlnm.Auto_Open", b"Total").replace(b'"hidden"', f'"{state}"'.encode())
    assert looked_into(inspect, package({**parts, "xl/workbook.xml": book})).verdict is verdict


def test_very_many_formulas_are_a_limit():
    look = looked_into(inspect, workbooks.macro_formulas(*["RETURN()"] * 60_000))
    assert look.kinds == [Kind.XLM_AUTOEXEC, Kind.LIMIT]


def test_a_megabyte_of_cells_is_searched_and_not_parsed():
    parts = parts_of(samples.xlsx())
    cells = b'<row r="1"><c r="A1"><f>SUM(A2:A9)</f><v>1</v></c></row>' * 20_000
    sheet = parts[workbooks.SHEET].replace(b"<sheetData>", b"<sheetData>" + cells) + b"<<"
    assert not looked_into(inspect, package({**parts, workbooks.SHEET: sheet})).findings


@settings(max_examples=100, deadline=None)
@given(st.data())
@pytest.mark.parametrize(
    ("make", "part"),
    [
        (samples.xlsm_xlm_auto_open, "xl/macrosheets/sheet1.xml"),
        (samples.xlsb_xlm_auto_open, "xl/macrosheets/sheet1.bin"),
    ],
)
def test_damage_in_the_sheet_hides_nothing(make, part, data):
    parts = parts_of(make())
    damaged = bytearray(parts[part])
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    assert looked_into(inspect, package({**parts, part: content})).verdict >= Verdict.UNSCANNABLE
