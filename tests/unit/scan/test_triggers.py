import dataclasses
from pathlib import Path

import pytest

from gateway.scan.triggers import APPLICATIONS, ScanRules

SHIPPED = (Path(__file__).resolve().parents[3] / "rules" / "triggers.toml").read_text("utf-8")

GOOD = """
[[trigger]]
id = "word-auto-open"
title = "Runs by itself when the document is opened"
why = "Word calls it."
applies = ["word"]
names = ["AutoOpen"]
test = "AutoOpen"
"""


def test_the_shipped_file_is_sound():
    rules = ScanRules.parse(SHIPPED)
    assert len(rules.triggers) > 30
    assert all(trigger.references for trigger in rules.triggers)


@pytest.mark.parametrize(
    "name",
    [
        "AutoOpen",
        "autoexec",
        "AUTOCLOSE",
        "Document_Open",
        "Document_Close",
        "Document_New",
        "Auto_Open",
        "Auto_Close",
        "Workbook_Open",
        "Workbook_Activate",
        "Workbook_BeforeClose",
        "Worksheet_Activate",
        "Worksheet_Calculate",
        "Document_ContentControlOnEnter",
        "InkPicture1_Painted",
        "Frame1_Layout",
        "TextBox1_GotFocus",
        "WebBrowser1_DocumentComplete",
        "anything_DocumentOpen",
        "X_WorkbookOpen",
        "Worksheet_Change",
        "Workbook_SheetSelectionChange",
        "cbo_Change",
        "my_object_DocumentComplete",
        "App_PresentationOpen",
        "Document_DocumentOpened",
        "Project_Open",
        "Application_Startup",
        "Item_Open",
        "RdpClient_OnConnecting",
    ],
)
def test_a_name_that_runs_by_itself(name):
    trigger = ScanRules.parse(SHIPPED).match(name, language="vba")
    assert trigger is not None
    assert trigger.by_itself


@pytest.mark.parametrize(
    "name",
    [
        "CommandButton1_Click",
        "Worksheet_FollowHyperlink",
        "cbo_KeyDown",
        "t_AfterUpdate",
        "UserForm_Initialize",
        "EditPaste",
    ],
)
def test_a_name_that_waits_for_the_reader_is_told_and_no_more(name):
    trigger = ScanRules.parse(SHIPPED).match(name, language="vba")
    assert trigger is not None
    assert not trigger.by_itself


@pytest.mark.parametrize(
    "name",
    [
        "AutoOpened",
        "MyAutoOpen",
        "Document_Opening",
        "OpenDocument",
        "Main",
        "Auto_Open1",
        "",
        "_Painted",
        "Painted",
        "x_",
    ],
)
def test_a_name_nothing_starts(name):
    assert ScanRules.parse(SHIPPED).match(name, language="vba") is None


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Auto_Open", "xlm-auto-open"),
        ("auto_open_17", "xlm-auto-open"),
        ("Auto_Closed", "xlm-auto-close"),
        ("Auto", None),
    ],
)
def test_excel_compares_the_beginning_of_a_defined_name(name, found):
    trigger = ScanRules.parse(SHIPPED).match(name, language="xlm")
    assert (trigger and trigger.id) == found


def test_a_trigger_of_one_application_is_none_in_another():
    rules = ScanRules.parse(SHIPPED)
    assert rules.match("Workbook_Open", language="vba", applications=frozenset({"word"})) is None
    assert rules.match("Workbook_Open", language="vba", applications=frozenset({"word", "excel"})) is not None
    assert rules.match("Workbook_Open", language="vba", applications=APPLICATIONS) is not None


def test_every_trigger_passes_its_own_test_and_is_the_one_that_answers():
    rules = ScanRules.parse(SHIPPED)
    for trigger in rules.triggers:
        answer = rules.match(trigger.test, language=trigger.language, applications=trigger.applies)
        assert answer is not None
        assert answer.id == trigger.id


def test_the_version_is_that_of_the_text():
    assert ScanRules.parse(GOOD).version != ScanRules.parse(GOOD + "# a comment\n").version
    assert len(ScanRules.parse(GOOD).version) == 64


def test_rules_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ScanRules.parse(GOOD).version = ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = ", "is not TOML"),
        ("", "no [[trigger]] entry"),
        ("trigger = 3", "no [[trigger]] entry"),
        ("trigger = [3]", "is not a table"),
        ("surprise = 1\n" + GOOD, "Unknown key 'surprise'"),
        (GOOD + 'colour = "red"\n', "unknown key 'colour'"),
        (GOOD.replace('why = "Word calls it."', ""), "needs a text for 'why'"),
        (GOOD.replace('"word-auto-open"', '"Word Auto"'), "an id is made of"),
        (GOOD.replace('["word"]', '["wordpad"]'), "'applies' is a list of"),
        (GOOD.replace('["word"]', '"word"'), "'applies' is a list of"),
        (GOOD.replace('["AutoOpen"]', '["Auto Open"]'), "is not a name a macro can have"),
        (GOOD.replace('["AutoOpen"]', "[]"), "needs 'names', 'prefixes', 'events' or a 'pattern'"),
        (GOOD.replace('test = "AutoOpen"', 'test = "AutoClose"'), "does not match its own test"),
        (GOOD + 'language = "basic"\n', "'language' is"),
        (GOOD + 'runs = "sometimes"\n', "'runs' is"),
        (GOOD + "module = 1\n", "'module' is true or false"),
        (GOOD + "pattern = '(a+)+'\n", "repeats a group"),
        (GOOD + "pattern = '(a'\n", "no regular expression"),
        (GOOD + "pattern = 7\n", "in quotes"),
        (GOOD + GOOD, "is there twice"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(text, sentence):
    with pytest.raises(ValueError, match=r"."):
        ScanRules.parse(text)
    try:
        ScanRules.parse(text)
    except ValueError as error:
        assert sentence in str(error)  # noqa: PT017 - the sentence holds characters that mean something in a pattern


def test_every_mistake_is_told_at_once():
    with pytest.raises(ValueError, match=r"(?s)'applies'.*'runs'"):
        ScanRules.parse(GOOD.replace('["word"]', '["x"]') + 'runs = "x"\n')
