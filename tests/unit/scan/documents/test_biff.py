import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.samples.biff import MACRO_SHEET, WORKSHEET, Sheet, workbook_stream
from gateway.scan.budget import Budget, Limits
from gateway.scan.documents.biff import read_globals
from gateway.scan.documents.xlm import plain_name
from gateway.scan.look import Corrupt

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
