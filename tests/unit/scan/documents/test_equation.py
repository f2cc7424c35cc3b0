import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Verdict
from gateway.scan.documents import equation
from tests.unit.scan.documents.recorder import Recorder

HEAD = struct.pack("<HIHI16x", 28, 0x20000, 0xC1D8, 20)
SOUND = b"\x0a\x01\x02\x83x\x00\x03\x11\x00\x00\x01\x12\x83y\x00\x00\x00\x08\x01\x02Arial\x00\x09\x65\x10\x00\x00\x00"


def stream(records: bytes, version: int = 3) -> bytes:
    return HEAD + bytes((version, 1, 1, 3, 0)) + records


@pytest.mark.parametrize("tail", [b"", b"\xef", b"\xef\xbe\xad"])
def test_an_equation(tail):
    assert equation.fault(stream(SOUND + tail)) == ""


def test_an_equation_of_an_early_version_without_a_head():
    assert equation.fault(b"\x02\x00\x01\x01\x00\x0a\x01\x12\x83F\x02\x86=\x00\x00") == ""


def test_the_format_of_mathtype_is_none_of_ours():
    assert equation.fault(stream(b"\x0f" * 40, version=5)) == ""


@pytest.mark.parametrize(
    "records",
    [
        b"\x0a\x01\x08ZZ" + b"A" * 44 + b"\x12\x0c\x43\x00",
        SOUND[:-2] + b"\x08ZZ" + b"A" * 80,
        b"\x0a\x01\x05\x00\x00\x00\x40\x40" + bytes(60),
        b"\x0f" * 20,
    ],
)
def test_an_attack_on_the_program(records):
    assert equation.fault(stream(records))


def test_no_equation_at_all():
    assert equation.fault(b"")
    assert equation.fault(b"MZ" + bytes(60))


def test_what_is_told():
    look = Recorder()
    assert equation.inspect(stream(SOUND), "x", look)
    assert look.verdict is Verdict.CLEAN
    assert not equation.inspect(stream(b"\x08ZZ" + b"A" * 99), "x", look)
    assert look.verdict is Verdict.SUSPICIOUS


@given(st.binary(max_size=200))
def test_any_bytes(data):
    equation.fault(data)
    equation.fault(stream(data))
