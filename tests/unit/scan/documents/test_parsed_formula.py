import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.documents.parsed_formula import Reader
from tests.makers import xlm

BIFF8 = Reader(8, lambda n: {1: "Start"}.get(n, ""), lambda n: {0: "Macro1"}.get(n, ""))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (xlm.function(xlm.RETURN), "RETURN()"),
        (xlm.never(xlm.function(xlm.EXEC, xlm.text("a"))), 'IF(FALSE,EXEC("a"))'),
        (xlm.joined(xlm.text('a"b'), xlm.char(99), xlm.text("d")), '"a""b"&CHAR(99)&"d"'),
        (xlm.command(xlm.ON_TIME, xlm.number(1), xlm.text("x")), 'ON.TIME(1,"x")'),
        (xlm.command(999), "COMMAND999()"),
        (xlm.function(999), "FUNCTION999()"),
        (b"\x17\x02\x01a\0b\0", '"ab"'),
        (b"\x44" + struct.pack("<HH", 4, 0xC001), "B5"),
        (b"\x25" + struct.pack("<HHHH", 0, 9, 0, 26), "A1:AA10"),
        (b"\x3a" + struct.pack("<HHH", 0, 0, 0), "Macro1!A1"),
        (b"\x3b" + struct.pack("<HHHHH", 7, 0, 1, 0, 1), "A1:B2"),
        (b"\x23" + struct.pack("<I", 1), "Start"),
        (b"\x23" + struct.pack("<I", 1) + xlm.number(5) + b"\x42\x02\xff\x00", "Start(5)"),
        (xlm.number(5) + b"\x13\x15\x14", "(-5)%"),
        (b"\x1f" + struct.pack("<d", 1.5) + xlm.number(2) + b"\x05", "1.5*2"),
        (xlm.number(1) + b"\x19\x40\x00\x00" + xlm.number(2) + b"\x03", "1+2"),
        (xlm.number(1) + b"\x19\x10\x00\x00", "SUM(1)"),
        (b"\x16" + xlm.number(1) + b"\x42\x02\x35\x00", "GOTO(,1)"),
        (xlm.number(1) + b"\x0b", "=1"),
        (xlm.number(7) + b"\xff", "7"),
        (xlm.number(7) + b"\x1f\x00", "7"),
        (b"", ""),
    ],
)
def test_as_it_would_be_typed(expression, text):
    assert BIFF8.text(expression) == text


@pytest.mark.parametrize(
    ("version", "expression", "text"),
    [
        (12, xlm.text("ab", xlsb=True), '"ab"'),
        (12, b"\x3a" + struct.pack("<HIH", 0, 2, 1), "B3"),
        (5, b"\x17\x02ab", '"ab"'),
        (5, b"\x24" + struct.pack("<HB", 0xC003, 2), "C4"),
        (5, b"\x3a" + struct.pack("<h8xHHHB", -1, 0, 0, 4, 0), "A5"),
        (2, b"\x17\x01a\x42\x01\x6e", 'EXEC("a")'),
        (4, b"\x17\x01a\x42\x01\x6e\x00", 'EXEC("a")'),
        (3, b"\x17\x01a\x58\x01\x11", 'RUN("a")'),
    ],
)
def test_each_version_has_sizes_of_its_own(version, expression, text):
    assert Reader(version).text(expression) == text


@pytest.mark.parametrize("unit", [b"\x15", b"\x1e\0\0\x08", b"\x1e\0\0", b"\x42\x7f\x04\x00", b"\x16\x16\x08"])
def test_a_formula_that_nests_without_end_takes_no_time(unit):
    started = time.process_time()
    for _ in range(20):
        BIFF8.text(unit * 100_000)
    assert time.process_time() - started < 4


@given(st.binary(max_size=500), st.sampled_from([2, 3, 4, 5, 8, 12]))
def test_any_bytes_are_a_text(expression, version):
    assert isinstance(Reader(version).text(expression), str)
