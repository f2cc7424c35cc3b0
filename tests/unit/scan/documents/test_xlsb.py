import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.samples.package import parts_of
from gateway.scan.budget import Budget, Limits
from gateway.scan.documents.xlsb import Sheet, dde_sources, read_workbook

BOOK = parts_of(samples.xlsb_xlm_auto_open())["xl/workbook.bin"]


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def source(kind: int, server: str, topic: str) -> bytes:
    body = struct.pack("<H", kind) + wide(server) + wide(topic)
    return b"\xe8\x02" + bytes([len(body)]) + body


def test_sheets_and_names_are_read():
    book = read_workbook(BOOK, Budget(Limits()))
    assert book.sheets == [Sheet("Sheet1", "rId1", 0), Sheet("Macro1", "rId2", 1)]
    assert [name for name, _ in book.names] == ["Auto_Open"]
    assert book.reader().text(book.names[0][1]) == "Macro1!A1"


def test_a_workbook_made_by_another_program_is_read():
    sheets = read_workbook(parts_of(samples.xlsb_workbook_open())["xl/workbook.bin"], Budget(Limits())).sheets
    assert [sheet.name for sheet in sheets] == ["Sheet1"]


def test_dde_is_one_kind_of_source():
    assert list(dde_sources(source(1, "cmd", "/c x"), Budget(Limits()))) == ["cmd|/c x"]
    assert list(dde_sources(source(0, "book", "x") + source(2, "Word", "x"), Budget(Limits()))) == []


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_bytes_are_read(data):
    damaged = bytearray(BOOK)
    for _ in range(data.draw(st.integers(0, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(damaged[: data.draw(st.integers(0, len(damaged)))]) + data.draw(st.binary(max_size=40))
    read_workbook(content, Budget(Limits()))
    list(dde_sources(content, Budget(Limits())))
