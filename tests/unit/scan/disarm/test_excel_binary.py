import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Kind, Verdict
from gateway.samples.biff import MACRO_SHEET, WORKSHEET, Sheet, workbook_stream
from gateway.samples.compound import compound_file, streams_of
from gateway.scan.budget import Budget, Limits
from gateway.scan.disarm import CannotDisarm
from gateway.scan.disarm.biff_edit import leave_out, records
from gateway.scan.documents import biff
from tests.makers import xlm
from tests.makers.vba import project_streams
from tests.makers.xlm import record
from tests.unit.scan.disarm.armed import check, examined, run

LEFT_OUT = 0x08F0
CELL = struct.pack("<HHH", 0, 0, 15)


def book(content: bytes) -> bytes:
    return streams_of(content)[("Workbook",)]


def parts(stream: bytes) -> list[tuple[int, bytes]]:
    return [(r.kind, stream[r.body : r.end]) for r in records(stream, Budget(Limits()))]


def kinds(stream: bytes) -> list[int]:
    return [kind for kind, _ in parts(stream)]


def disarmed(stream: bytes) -> bytes:
    """The workbook stream after that."""
    before = xlm.xls(stream)
    assert examined(before).verdict > Verdict.CLEAN
    after = run(before, "book.xls").content
    check(before, after, "Workbook")
    return book(after)


@pytest.mark.parametrize("hidden", [0, 1, 2, 3])
def test_a_macro_sheet_becomes_an_empty_sheet(hidden):
    before = xlm.stream(xlm.lbl("Auto_Open"), hidden=hidden, formulas=xlm.dangerous())
    after = disarmed(before)
    found = biff.read_globals(after, Budget(Limits()))
    assert found.sheets == ["Sheet1", "Macro1"]
    assert found.workbook.macro_sheets == []
    sheets = [body for kind, body in parts(after) if kind == 0x85]
    assert [body[4] for body in sheets] == [0, hidden]  # nobody sees more or less than before
    assert b"urlmon" not in after
    # the worksheet is as it was
    start = struct.unpack_from("<I", sheets[0])[0]
    end = struct.unpack_from("<I", sheets[1])[0]
    assert after[start:end] == before[start:end]
    assert set(kinds(after[end:])) <= {0x809, 0x200, 0x23E, 0x0A, LEFT_OUT}


@pytest.mark.parametrize(
    "name",
    [xlm.lbl("Auto_Open"), xlm.lbl("AUTO_OPEN12", wide=True), xlm.lbl("\x01", flags=0x20), xlm.lbl("auto_close_x")],
)
def test_names_excel_calls_get_another_name(name):
    after = disarmed(xlm.stream(name, xlm.lbl("Autumn")))
    found = biff.read_globals(after, Budget(Limits()))
    assert len(found.workbook.names) == 2
    assert found.workbook.names[1] == "Autumn"
    assert not found.workbook.names[0].casefold().startswith(("auto", "\x01"))
    assert len(found.workbook.names[0]) == name[4 + 3]


def test_many_names_are_all_different():
    names = [xlm.lbl(f"Auto_Open{number:03d}") for number in range(150)] + [xlm.lbl("\x01", flags=0x20), xlm.lbl("a")]
    found = biff.read_globals(disarmed(xlm.stream(*names)), Budget(Limits()))
    assert len({name.casefold() for name in found.workbook.names}) == len(names)


def test_a_name_over_two_records_is_refused():
    with pytest.raises(CannotDisarm, match="spread"):
        run(xlm.xls(xlm.stream(xlm.lbl("Auto_Open", split=18))))


def test_a_macro_sheet_nobody_lists():
    stream = workbook_stream([Sheet("Sheet1", WORKSHEET)])
    sheet = workbook_stream([Sheet("Macro1", MACRO_SHEET, 0, xlm.dangerous())])
    hidden = sheet[struct.unpack_from("<I", next(b for k, b in parts(sheet) if k == 0x85))[0] :]
    after = disarmed(stream + hidden)
    assert after[: len(stream)] == stream
    assert b"urlmon" not in after


def test_a_macro_sheet_that_does_not_end():
    stream = xlm.stream(xlm.lbl("Auto_Open"))[:-4]
    with pytest.raises(CannotDisarm, match="does not end"):
        run(xlm.xls(stream))


def test_excel_5():
    before = compound_file({("Book",): xlm.excel5()}, xlm.EXCEL)
    after = run(before).content
    check(before, after, "Book")


def test_a_module_of_excel_5():
    before = compound_file({("Book",): xlm.excel5(kind=6)}, xlm.EXCEL)
    result = run(before)
    assert result.removed == ("its macros",)
    check(before, result.content, "Book")


def test_excel_4_is_refused():
    with pytest.raises(CannotDisarm, match="Excel 4"):
        run(compound_file({("Book",): xlm.excel4(4)}, xlm.EXCEL))


def test_both_kinds_of_macros():
    project = {("_VBA_PROJECT_CUR", *path): content for path, content in project_streams().items()}
    stream = xlm.stream(record(0xD3), record(0x1BA, b"\x0c\0\0ThisWorkbook"), xlm.lbl("Auto_Open"))
    before = compound_file({("Workbook",): stream, **project}, xlm.EXCEL)
    result = run(before, "both.xls")
    assert result.removed == ("its macros", "its Excel 4.0 macros")
    check(before, result.content, "Workbook")
    assert 0xD3 not in kinds(book(result.content))
    assert 0x1BA not in kinds(book(result.content))


# --- DDE --------------------------------------------------------------------------------------------------------------


def supbook(path: str, *, wide: bool = False) -> bytes:
    raw = b"\x01" + path.encode("utf-16-le") if wide else b"\x00" + path.encode("latin-1")
    return record(0x1AE, struct.pack("<HH", 0, len(path)) + raw)


def item(name: str, more: bytes = b"") -> bytes:
    return record(0x23, struct.pack("<H4xBB", 0x7FE2, len(name), 0) + name.encode() + more)


def formula(expression: bytes, value: bytes, row: int = 0, more: bytes = b"") -> bytes:
    head = struct.pack("<HHH8sHIH", row, 0, 15, value, 0, 0, len(expression))
    return record(0x06, head + expression) + more


LINK = b"\x39" + struct.pack("<HHH", 0, 1, 0)


def with_cells(links: bytes, *cells: bytes) -> bytes:
    """A workbook whose only sheet has these records as well."""
    stream = workbook_stream([Sheet("Sheet1", WORKSHEET)], more=links)
    return stream[:-4] + b"".join(cells) + stream[-4:]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("more", [b"", b"\0\0\0" + b"\x02" + b"cached text in a record" * 2])
def test_a_dde_source_becomes_a_workbook_that_is_not_there(wide, more):
    links = (
        supbook("cmd\x03/c inert", wide=wide)
        + item("A0123456", more)
        + record(0x17, struct.pack("<4H", 1, 0, 0xFFFE, 0xFFFE))
    )
    after = disarmed(with_cells(links, formula(LINK, struct.pack("<d", 7.5))))
    path = next(body for kind, body in parts(after) if kind == 0x1AE)
    assert path[:4] == struct.pack("<HH", 0, 12)
    assert "\x01removed" in path[5:].decode("utf-16-le" if wide else "latin-1")
    name = next(body for kind, body in parts(after) if kind == 0x23)
    assert name[:6] == bytes(6)
    assert name.endswith(b"\x02\x00\x1c\x17")
    assert name[8 : 8 + name[6]].startswith(b"_1")
    assert b"cached" not in after


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (struct.pack("<d", 7.5), (0x203, CELL + struct.pack("<d", 7.5))),
        (b"\1\0\1\0\0\0\xff\xff", (0x205, CELL + b"\1\0")),
        (b"\2\0\x2a\0\0\0\xff\xff", (0x205, CELL + b"\x2a\1")),
        (b"\3\0\0\0\0\0\xff\xff", (0x201, CELL)),
    ],
)
def test_a_cell_keeps_what_was_fetched(value, kept):
    links = supbook("cmd\x03/c inert") + item("A0123456") + record(0x17, struct.pack("<4H", 1, 0, 0xFFFE, 0xFFFE))
    after = disarmed(with_cells(links, formula(LINK, value)))
    assert 0x06 not in kinds(after)
    assert kept in parts(after)


def test_a_cell_keeps_a_text():
    links = supbook("cmd\x03/c inert") + item("A0123456") + record(0x17, struct.pack("<4H", 1, 0, 0xFFFE, 0xFFFE))
    text = record(0x207, struct.pack("<HB", 5, 0) + b"hello")
    after = disarmed(with_cells(links, formula(LINK, b"\0\0\0\0\0\0\xff\xff", more=text)))
    assert (0x204, CELL + struct.pack("<HB", 5, 0) + b"hello") in parts(after)
    assert 0x207 not in kinds(after)


def test_other_formulas_and_sources_stay():
    other = supbook("Word.Document\x03file.doc") + record(0x23, struct.pack("<H4xBB", 0x10, 4, 0) + b"mark")
    links = supbook("cmd\x03/c inert") + item("A0123456") + other
    links += record(0x17, struct.pack("<7H", 2, 0, 0xFFFE, 0xFFFE, 1, 0xFFFE, 0xFFFE))
    plain = formula(b"\x1e\x01\x00", struct.pack("<d", 1.0), 1)
    ole = formula(b"\x39" + struct.pack("<HHH", 1, 1, 0), struct.pack("<d", 2.0), 2)
    before = with_cells(links, formula(LINK, struct.pack("<d", 3.0)), plain, ole)
    after = disarmed(before)
    assert after.endswith(plain + ole + record(0x0A))
    assert other in after


def test_a_shared_formula_is_taken_from_all_its_cells():
    """The first cell is followed by the formula they share (MS-XLS 2.4.260)."""
    function = b"\x23" + struct.pack("<I", 1) + b"\x1e\x01\x00" + b"\x42\x02\xff\x00"
    shared = record(0x4BC, struct.pack("<HHBBBBH", 0, 1, 0, 0, 0, 2, len(function)) + function)
    anchor = b"\x01" + struct.pack("<HH", 0, 0)
    cells = formula(anchor, struct.pack("<d", 1.0), more=shared), formula(anchor, struct.pack("<d", 4.0), 1)
    label = record(0x18, struct.pack("<HBBHHH4x", 0x0F, 0, 6, 0, 0, 0) + b"\0square")
    later = record(0x18, struct.pack("<HBBHHH4x", 0x0B, 0, 12, 0, 0, 0) + b"\0_xlfn.CONCAT")
    concat = b"\x23" + struct.pack("<I", 2) + b"\x1e\x01\x00" + b"\x42\x02\xff\x00"
    kept = formula(concat, struct.pack("<d", 9.0), 2)
    project = {("_VBA_PROJECT_CUR", *path): content for path, content in project_streams().items()}
    before = compound_file({("Workbook",): with_cells(label + later, *cells, kept), **project}, xlm.EXCEL)
    after = book(run(before).content)
    numbers = [body for kind, body in parts(after) if kind == 0x203]
    assert [struct.unpack("<HHHd", body)[::3] for body in numbers[-2:]] == [(0, 1.0), (1, 4.0)]
    assert 0x4BC not in kinds(after)
    assert kept in after


def test_an_encrypted_workbook_is_refused():
    stream = samples.xls_xlm_auto_open()
    locked = book(stream)[:20] + record(0x2F, b"\0\0" + bytes(4)) + book(stream)[20:]
    with pytest.raises(CannotDisarm, match="encrypted"):
        run(compound_file({("Workbook",): locked}, xlm.EXCEL))


# --- records ----------------------------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(st.integers(4, 40_000))
def test_what_is_left_out_is_whole_records(size):
    stream = bytearray(b"\xaa" * size)
    leave_out(stream, 0, size)
    found = list(records(bytes(stream), Budget(Limits())))
    assert {record.kind for record in found} == {LEFT_OUT}
    assert found[-1].end == size
    assert all(b"\xaa" not in stream[record.body : record.end] for record in found)


@settings(max_examples=100)
@given(st.binary(max_size=400), st.integers(0, 300))
def test_any_workbook_is_disarmed_or_refused(tail, at):
    stream = bytearray(xlm.stream(xlm.lbl("Auto_Open"), formulas=xlm.dangerous()))
    at = min(at * 3, len(stream))
    stream[at : at + len(tail)] = tail
    try:
        result = run(xlm.xls(bytes(stream)))
    except CannotDisarm:
        return
    report = examined(result.content)
    assert report.verdict is Verdict.CLEAN
    assert Kind.CRASH not in {finding.kind for finding in report.findings}
