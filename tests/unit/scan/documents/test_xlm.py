import pytest

from gateway.closed_sets import Kind
from gateway.scan.documents.xlm import Workbook, plain_name, tell
from tests.unit.scan.documents.recorder import Recorder


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("\x01", "Auto_Open"),
        ("\x02", "Auto_Close"),
        ("_xlnm.Auto_Open", "Auto_Open"),
        ("_XLNM.Auto_Open", "Auto_Open"),
        ("Auto\x00_\x07Open", "Auto_Open"),
        ("Au\u200bto_Op\u00aden", "Auto_Open"),
        ("\uff21uto_\uff2fpen", "Auto_Open"),
        ("Total", "Total"),
        ("", ""),
    ],
)
def test_what_only_hides_a_name_is_taken_off(raw, plain):
    assert plain_name(raw) == plain


@pytest.mark.parametrize(
    ("sheets", "names", "kinds"),
    [
        ([], ["Auto_Open"], []),
        ([("M", "hidden")], [], [Kind.XLM_MACRO]),
        ([("M", "hidden")], ["Total"], [Kind.XLM_MACRO]),
        ([("M", "hidden")], ["Total", "auto_open_x"], [Kind.XLM_AUTOEXEC]),
        ([("M", "hidden")], ["Auto_Open", "Auto_Open2", "Auto_Close"], [Kind.XLM_AUTOEXEC] * 2),
    ],
)
def test_a_macro_sheet_and_an_automatic_name_make_auto_exec(sheets, names, kinds):
    look = Recorder()
    tell(Workbook(sheets, names), "x", look)
    assert look.kinds == kinds


def test_the_sentence_names_both():
    look = Recorder()
    tell(Workbook([("Macro1", "very hidden")], ["_xlnm.Auto_Open"]), "x", look)
    expected = "Runs by itself when the workbook is opened: the name Auto_Open and the very hidden macro sheet 'Macro1'"
    assert look.findings[0].detail == expected


@pytest.mark.parametrize("raw", ["\x01", "\x01abc", "\x01\x02"])
def test_a_built_in_name_with_a_tail(raw):
    assert plain_name(raw).startswith("Auto_Open")
