import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyopenvba.vba import compress

from gateway import samples
from gateway.closed_sets import Kind, Verdict
from gateway.samples import excel, vba, word
from gateway.samples.compound import compound_file, streams_of
from gateway.scan.documents.compound import CompoundFile
from gateway.scan.documents.vba import carve_vba, inspect_vba, is_beginning
from gateway.scan.triggers import APPLICATIONS
from tests.unit.scan.documents.recorder import Recorder, shipped_rules

WORD, EXCEL = frozenset({"word"}), frozenset({"excel"})
PROJECT = streams_of(vba.project(samples.docm_macro()))


def inspected(source: str, module: str = "Module1", applications: frozenset[str] = APPLICATIONS) -> Recorder:
    text = f'Attribute VB_Name = "{module}"\r\n{source}'
    streams = {**PROJECT, ("VBA", "Module1"): compress(text.encode("cp1252"))}
    data = compound_file(streams)
    look = Recorder()
    inspect_vba(CompoundFile(data), data, "2/sample", look, applications)
    return look


@pytest.mark.parametrize(
    "source",
    [
        "Sub AutoOpen()\r\nEnd Sub\r\n",
        "sub autoopen\r\nend sub\r\n",
        "Public Sub AutoOpen()\r\nEnd Sub",
        "Private Static Sub AutoOpen()\r\nEnd Sub",
        "\t  Friend   Sub \t AutoOpen ()\r\nEnd Sub",
        "Sub _\r\n  AutoOpen()\r\nEnd Sub",
        "Private _\r\n _\r\nSub AutoOpen()\r\nEnd Sub",
        "Sub\x01AutoOpen()\r\nEnd Sub",
        "Sub\xa0AutoOpen()\r\nEnd Sub",
        "Function AutoOpen()\r\nEnd Function",
        "Dim x: Sub AutoOpen()\rEnd Sub",
        "Sub [AutoOpen]()\nEnd Sub",
        "Sub a()\r\nEnd Sub\r\n' a comment\r\n#If VBA7 Then\r\nSub AutoOpen()\r\nEnd Sub\r\n#End If",
        "Private Sub Document_Open()\r\nEnd Sub",
        "Private Sub InkPicture1_Painted(ByVal hDC As Long)\r\nEnd Sub",
        "Private Sub Workbook_Open()\r\nEnd Sub",
    ],
)
def test_a_procedure_that_runs_by_itself_is_found(source):
    look = inspected(source)
    assert look.verdict is Verdict.AUTOEXEC
    assert look.kinds == [Kind.VBA_AUTOEXEC]


@pytest.mark.parametrize(
    "source",
    [
        "' Sub AutoOpen()\r\nSub Other()\r\nx = 1\r\nEnd Sub",
        "Rem Sub AutoOpen()\r\nSub Other()\r\nEnd Sub",
        "Rem see: Sub AutoOpen()\r\nSub Other()\r\nEnd Sub",
        'Sub Other()\r\nx = "Sub AutoOpen()"\r\nEnd Sub',
        'Sub Other()\r\nx = ": Sub AutoOpen()"\r\nEnd Sub',
        "Sub AutoOpened()\r\nEnd Sub",
        "Sub Other()\r\nCall AutoOpen\r\nEnd Sub",
        'Declare Sub AutoOpen Lib "x" ()\r\nSub Other()\r\nEnd Sub',
        "Private Sub CommandButton1_Click()\r\nx = 1\r\nEnd Sub",
    ],
)
def test_a_name_that_is_no_such_procedure_is_only_a_macro(source):
    look = inspected(source)
    assert look.verdict is Verdict.MACRO
    assert look.kinds == [Kind.VBA_MACRO]


def test_the_finding_says_what_runs_and_shows_it():
    finding = inspected("x = 0\r\nSub AutoOpen()\r\n  y = 1\r\nEnd Sub\r\n").findings[0]
    assert finding.detail == "Runs by itself when the document is opened: Sub AutoOpen in module Module1, line 2"
    assert finding.excerpt.startswith("Sub AutoOpen()\n  y = 1\nEnd Sub")
    assert finding.reference == "word-auto-open"
    assert finding.where == "2/sample"


def test_an_object_of_any_name_has_the_events_of_its_class():
    listening = "Private WithEvents wb As Excel.Workbook\r\n"
    assert inspected(f"{listening}Private Sub wb_Open()\r\nEnd Sub").verdict is Verdict.AUTOEXEC
    assert inspected("Dim wb As Workbook\r\nPrivate Sub wb_Open()\r\nEnd Sub").verdict is Verdict.MACRO


def test_the_events_of_a_form_wait_for_the_form():
    designer = {("UserForm1", "\x03VBFrame"): b"VERSION 5.00\r\n", ("UserForm1", "f"): b"x", ("UserForm1", "o"): b""}
    listing = PROJECT[("PROJECT",)]
    source = 'Attribute VB_Name = "{}"\r\nSub Frame1_Layout()\r\nEnd Sub\r\n'

    def verdict(form: bytes) -> Verdict:
        streams = {**PROJECT, **{(path[0].replace("UserForm1", "Module1"), path[1]): c for path, c in designer.items()}}
        streams[("PROJECT",)] = listing.replace(b"Module=Module1", form)
        streams[("VBA", "Module1")] = compress(source.format("Module1").encode())
        data = compound_file(streams)
        look = Recorder()
        inspect_vba(CompoundFile(data), data, "x", look, WORD)
        return look.verdict

    assert verdict(b"BaseClass=Module1") is Verdict.MACRO
    assert verdict(b"Document=Module1/&H00000000") is Verdict.AUTOEXEC
    assert verdict(b"BaseClass=Module1\r\nDocument=Module1/&H00000000") is Verdict.AUTOEXEC


def test_main_in_a_module_called_autoopen_runs():
    assert inspected("Sub Main()\r\nEnd Sub", "Other").verdict is Verdict.MACRO
    look = Recorder()
    data = vba.project(word.docm("Sub MAIN()\r\nEnd Sub\r\n", "AutoOpen"))
    inspect_vba(CompoundFile(data), data, "x", look, WORD)
    assert look.verdict is Verdict.AUTOEXEC


def test_a_trigger_of_another_application_does_not_run():
    assert inspected("Sub Workbook_Open()\r\nEnd Sub", applications=WORD).verdict is Verdict.MACRO
    assert inspected("Sub Workbook_Open()\r\nEnd Sub", applications=EXCEL).verdict is Verdict.AUTOEXEC


def test_every_shipped_trigger_is_found_in_a_document():
    for trigger in shipped_rules().triggers:
        if trigger.language == "vba":
            look = inspected(f"Sub {trigger.test}()\r\nx = 1\r\nEnd Sub", applications=trigger.applies)
            assert look.findings[0].reference == trigger.id
            assert look.verdict is (Verdict.AUTOEXEC if trigger.by_itself else Verdict.MACRO)


def test_a_project_without_a_line_of_code_is_clean_and_told():
    streams = {path: c for path, c in PROJECT.items() if path != ("VBA", "Module1")}
    streams[("VBA", "Module1")] = compress(b'Attribute VB_Name = "Module1"\r\nOption Explicit\r\n\' nothing\r\n')
    data = compound_file(streams)
    look = Recorder()
    inspect_vba(CompoundFile(data), data, "x", look, WORD)
    assert look.kinds == [Kind.VBA_MACRO]
    assert look.verdict is Verdict.CLEAN


def test_a_module_that_is_gone_is_unscannable():
    streams = {path: c for path, c in PROJECT.items() if path != ("VBA", "Module1")}
    data = compound_file(streams)
    look = Recorder()
    inspect_vba(CompoundFile(data), data, "x", look, WORD)
    assert Kind.CORRUPT in look.kinds


def test_source_in_a_heap_of_bytes_is_found():
    look = Recorder()
    source = b'Attribute VB_Name = "M"\r\nSub Document_Open()\r\nEnd Sub\r\n'
    carve_vba(b"junk" * 99 + compress(source) + b"\0" * 50, "x", look, APPLICATIONS)
    assert look.verdict is Verdict.AUTOEXEC
    nothing = Recorder()
    carve_vba(b"junk" * 99, "x", nothing, APPLICATIONS)
    assert not nothing.findings


def test_a_macro_project_of_a_workbook_and_of_a_document_look_the_same():
    for data in (vba.project(samples.xlsm_workbook_open()), samples.xls_workbook_open(), samples.doc_autoopen()):
        look = Recorder()
        inspect_vba(CompoundFile(data), data, "x", look, APPLICATIONS)
        assert look.verdict is Verdict.AUTOEXEC
    assert excel.xlsm("Sub a()\r\nEnd Sub\r\n")


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("Sub Ato()Open_\r\n :'\"RemPriv\x00\t"), max_size=300))
def test_any_source_is_judged(text):
    # no editor lets zero bytes in, so a module of them may be the rest of something damaged
    least = Verdict.CLEAN if "\0" not in text else Verdict.MACRO
    assert inspected(text).verdict in {least, Verdict.MACRO, Verdict.UNSCANNABLE, Verdict.AUTOEXEC}


@pytest.mark.parametrize(
    "line", [" " * 200_000, ":" * 200_000, "private " * 30_000, " _\r\n" * 50_000, "sub " * 50_000]
)
def test_a_line_made_to_be_slow_is_not(line):
    assert inspected(line + "\r\nSub AutoOpen()\r\nEnd Sub").verdict is Verdict.AUTOEXEC


@pytest.mark.parametrize(
    "line",
    [
        'Const A = "x": Sub AutoOpen()',
        'Const A = "it\'s: x": Sub AutoOpen()',
        'Sub A(): MsgBox "x": End Sub: Sub AutoOpen(): End Sub',
        "10 Sub AutoOpen()",
    ],
)
def test_what_stands_before_a_declaration_does_not_hide_it(line):
    assert inspected(f"{line}\r\nEnd Sub\r\n").verdict is Verdict.AUTOEXEC


def test_a_declaration_inside_a_string_is_none():
    assert inspected('Const A = "x: Sub AutoOpen()"\r\n').verdict is Verdict.MACRO


@given(st.text("ab", max_size=4), st.lists(st.text("ab", max_size=6), max_size=8))
def test_the_beginning_of_a_known_source_is_known(source, known):
    assert is_beginning(source, sorted(known)) == any(other.startswith(source) for other in known)
