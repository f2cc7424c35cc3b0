import struct

import pytest

from gateway.closed_sets import Kind, Verdict
from gateway.samples.biff import MACRO_SHEET, Sheet, workbook_stream
from gateway.scan.documents.bare_workbook import inspect
from tests.unit.scan.documents.recorder import looked_into


def sheet(bof: int, kind: int, *records: bytes) -> bytes:
    length = 4 if bof == 0x0009 else 6
    return struct.pack("<HHHH", bof, length, 0, kind).ljust(4 + length, b"\0") + b"".join(records) + b"\x0a\x00\x00\x00"


@pytest.mark.parametrize("bof", [0x0009, 0x0209, 0x0409])
def test_a_macro_sheet_of_excel_2_to_4_is_found(bof):
    assert looked_into(inspect, sheet(bof, 0x40)).kinds == [Kind.XLM_MACRO]
    name = struct.pack("<HH", 0x0218, 15) + b"\0" * 6 + b"Auto_Open"
    assert looked_into(inspect, sheet(bof, 0x40, name)).verdict is Verdict.AUTOEXEC
    assert looked_into(inspect, sheet(bof, 0x10)).findings == []


def test_a_workbook_stream_without_its_file_is_read():
    stream = workbook_stream([Sheet("Macro1", MACRO_SHEET)], auto_open=0)
    assert looked_into(inspect, stream).verdict is Verdict.AUTOEXEC


def test_an_encrypted_sheet_is_unscannable():
    assert looked_into(inspect, sheet(0x0409, 0x10, b"\x2f\x00\x04\x00abcd")).kinds == [Kind.ENCRYPTED]


def test_other_bytes_are_not_looked_at():
    assert looked_into(inspect, b"\x09\x08" + bytes(50)).findings == []
