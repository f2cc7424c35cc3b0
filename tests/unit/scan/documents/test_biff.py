import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Kind, Verdict
from gateway.samples.biff import MACRO_SHEET, WORKSHEET, Sheet, workbook_stream
from gateway.scan.budget import Budget, Limits
from gateway.scan.documents.biff import read_globals, tell
from gateway.scan.documents.xlm import plain_name
from gateway.scan.look import Corrupt
from tests.makers import xlm
from tests.unit.scan.documents.recorder import looked_into

SHEETS = [Sheet("Data", WORKSHEET), Sheet("Macro1", MACRO_SHEET, 2)]
STREAM = workbook_stream(SHEETS, auto_open=1)


def record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def globals_of(*records: bytes, version: int = 0x600):
    head = record(0x809, struct.pack("<HHHHII", version, 5, 0, 0, 0, 0))
    return read_globals(head + b"".join(records) + record(0x0A), Budget(Limits()))


def lbl(name: str, wide: bool = False, flags: int = 0) -> bytes:
    text = b"\x01" + name.encode("utf-16-le") if wide else b"\x00" + name.encode("latin-1")
    return record(0x18, struct.pack("<HBBHHH4x", flags, 0, len(name), 0, 0, 0) + text)


def supbook(path: str) -> bytes:
    return record(0x1AE, struct.pack("<HH", 1, len(path)) + b"\x00" + path.encode("latin-1"))


def test_macro_sheets_and_names_are_read():
    found = read_globals(STREAM, Budget(Limits()))
    assert found.workbook.macro_sheets == [("Macro1", "very hidden")]
    assert [plain_name(name) for name in found.workbook.names] == ["Auto_Open"]
    assert not found.encrypted
    assert not found.dde


def test_a_sheet_that_is_listed_as_another_kind_is_known_by_its_own_first_record():
    lie = STREAM.replace(b"\x02\x01\x06\x00Macro1", b"\x02\x00\x06\x00Macro1")
    assert lie != STREAM
    assert read_globals(lie, Budget(Limits())).workbook.macro_sheets


def test_a_clean_workbook_has_none():
    found = read_globals(workbook_stream([Sheet("Data", WORKSHEET)]), Budget(Limits()))
    assert found.workbook.macro_sheets == []


@pytest.mark.parametrize("name", ["Auto_Open", "auto_open12", "Auto_\x00Open", "\x01"])
@pytest.mark.parametrize("wide", [False, True])
def test_a_name_is_read_in_either_width(name, wide):
    (read,) = globals_of(lbl(name, wide)).workbook.names
    assert plain_name(read).casefold().startswith("auto_open")


def test_names_of_excel_5_are_plain_bytes():
    body = struct.pack("<HBBHHH4x", 0, 0, 9, 0, 0, 0) + b"Auto_Open"
    assert globals_of(record(0x18, body), version=0x500).workbook.names == ["Auto_Open"]


def test_encryption_ends_the_reading():
    found = globals_of(record(0x2F, bytes(6)), lbl("Auto_Open"))
    assert found.encrypted
    assert found.workbook.names == []


@pytest.mark.parametrize(
    ("path", "flags", "sources"),
    [
        ("cmd\x03/c calc.exe", 0x7FE0, ["cmd|/c calc.exe"]),
        ("Word.Document\x03C:\\a.doc", 0x0010, []),
        ("\x01\x01C\x03Documents\x03book.xls", 0, []),
        ("[book.xls]Sheet1", 0, []),
    ],
)
def test_a_data_source_is_dde_unless_its_items_are_ole_links(path, flags, sources):
    assert globals_of(supbook(path), record(0x23, struct.pack("<H", flags) + bytes(8))).dde == sources


def test_modules_of_excel_5_are_told():
    sheet = record(0x85, struct.pack("<IBB", 0, 0, 6) + b"\x07\x00Module1")
    assert globals_of(sheet).module_sheets == ["Module1"]


@pytest.mark.parametrize("data", [b"", b"\x09\x08", bytes(100), b"PK\x03\x04" + bytes(100)])
def test_what_does_not_begin_as_a_workbook_is_corrupt(data):
    with pytest.raises(Corrupt):
        read_globals(data, Budget(Limits()))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_gives_globals_or_corrupt(data):
    damaged = bytearray(STREAM)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Corrupt):
        read_globals(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]), Budget(Limits()))


def test_a_million_records_are_walked():
    found = read_globals(STREAM[:20] + record(0x99) * 1_000_000 + lbl("Auto_Open"), Budget(Limits()))
    assert found.workbook.names == ["Auto_Open"]


ARMED = xlm.stream(xlm.lbl("\x01", flags=0x20), formulas=xlm.dangerous(), hidden=2)


def inspect(blob, look):
    tell(read_globals(bytes(blob.data), look.budget), blob.where, look)


def test_formulas_entry_and_addresses_are_told():
    (finding,) = looked_into(inspect, ARMED).findings
    assert finding.kind is Kind.XLM_AUTOEXEC
    assert "(Macro1!A1)" in finding.detail
    assert "EXEC, CALL" in finding.detail
    assert finding.excerpt.startswith('A1: =IF(FALSE,EXEC("in"&CHAR(101)&"rt.exe"))')
    assert finding.indicators == ("http://example.com/inert.bin", "inert.exe", "urlmon")


@pytest.mark.parametrize("mark", [False, True])
@pytest.mark.parametrize("split", range(4, 24))
def test_a_name_that_goes_on_in_another_record(split, mark):
    name = xlm.lbl("Auto_Open", split=split, mark=mark)
    assert looked_into(inspect, xlm.stream(name)).verdict >= Verdict.MACRO
    if split > 14:
        assert looked_into(inspect, xlm.stream(name)).verdict is Verdict.AUTOEXEC


def test_a_macro_sheet_that_is_not_listed():
    at = ARMED.index(b"\x85\x00", ARMED.index(b"Sheet1"))
    hidden = ARMED[:at] + b"\x99\x00" + ARMED[at + 2 :]
    found = read_globals(hidden, Budget(Limits()))
    assert found.workbook.macro_sheets == [("", "unlisted")]
    assert looked_into(inspect, hidden).verdict is Verdict.AUTOEXEC


@pytest.mark.parametrize(
    ("hidden", "formulas", "verdict"),
    [
        (0, xlm.dangerous(), Verdict.MACRO),
        (1, xlm.dangerous(), Verdict.SUSPICIOUS),
        (2, xlm.dangerous(), Verdict.SUSPICIOUS),
        (3, xlm.dangerous(), Verdict.SUSPICIOUS),
        (2, (xlm.function(xlm.RETURN),), Verdict.MACRO),
        (1, (xlm.command(xlm.ON_TIME, xlm.number(1), xlm.text("M")),), Verdict.SUSPICIOUS),
    ],
)
def test_without_a_name_it_matters_whether_the_sheet_is_hidden_and_what_it_calls(hidden, formulas, verdict):
    assert looked_into(inspect, xlm.stream(hidden=hidden, formulas=formulas)).verdict is verdict


@pytest.mark.parametrize("title", ["", "\0", "\0\0Macro"])
def test_a_sheet_without_a_name_is_a_sheet(title):
    assert looked_into(inspect, xlm.stream(title=title)).kinds == [Kind.XLM_MACRO]
    assert looked_into(inspect, xlm.stream(xlm.lbl("Auto_Open"), title=title)).kinds == [Kind.XLM_AUTOEXEC]


@pytest.mark.parametrize("name", [b"\x01", b"\x02", b"Auto_Open", b"AUTO_CLOSE3"])
def test_excel_5_has_names_and_formulas_too(name):
    (finding,) = looked_into(inspect, xlm.excel5(name=name, built_in=len(name) == 1)).findings
    assert finding.kind is Kind.XLM_AUTOEXEC
    assert finding.excerpt == "A1: =RETURN()"


def test_a_server_that_starts_programs_is_one_whatever_its_items_are_called():
    assert globals_of(supbook("cmd\x03/c calc.exe")).dde == ["cmd|/c calc.exe"]
    assert globals_of(supbook("cmd\x03/c x"), record(0x23, b"\x10\x00" + bytes(8))).dde == ["cmd|/c x"]
    first_ole = (record(0x23, b"\x10\x00" + bytes(8)), record(0x23, bytes(10)))
    assert globals_of(supbook("Word\x03x"), *first_ole).dde == ["Word|x"]


def test_a_link_of_a_sheet_of_excel_5_behind_the_globals():
    source = b"cmd\x03/c calc.exe"
    sheet = record(0x0A) + record(0x17, bytes([len(source)]) + source)
    assert globals_of(sheet, version=0x500).dde == ["cmd|/c calc.exe"]


def test_very_many_sheets_are_listed():
    listed = b"".join(record(0x85, struct.pack("<IBBB", 0, 0, 1, 3) + b"\0abc") for _ in range(10_000))
    look = looked_into(inspect, xlm.stream(listed, xlm.lbl("Auto_Open")))
    assert look.verdict is Verdict.AUTOEXEC


def test_very_many_formulas_are_a_limit():
    look = looked_into(inspect, xlm.stream(formulas=(xlm.function(xlm.RETURN),) * 60_000))
    assert look.kinds == [Kind.XLM_MACRO, Kind.LIMIT]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_behind_the_globals_hides_nothing(data):
    damaged = bytearray(ARMED)
    behind = ARMED.index(b"\x09\x08\x10\x00\x00\x06\x10\x00")
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(behind, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(damaged[: data.draw(st.integers(behind, len(damaged)))])
    assert looked_into(inspect, content).verdict is Verdict.AUTOEXEC
