import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Kind
from gateway.samples.compound import streams_of
from gateway.scan.documents.word97 import FIB_SIZE, Fib, inspect_template, inspect_text, read_fib
from gateway.scan.look import Corrupt
from tests.unit.scan.documents.recorder import Recorder

MAIN = streams_of(samples.doc())[("WordDocument",)]


def strings(*texts: str) -> bytes:
    body = b"".join(struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in texts)
    return b"\xff\xff" + struct.pack("<HH", len(texts), 0) + body


def test_the_head_is_read():
    fib = read_fib(MAIN[:FIB_SIZE])
    assert not fib.encrypted
    assert fib.table == "1Table"
    locked = bytearray(MAIN[:FIB_SIZE])
    locked[11] |= 1
    assert read_fib(bytes(locked)).encrypted


@pytest.mark.parametrize("head", [b"", MAIN[:20], b"\0" * FIB_SIZE])
def test_another_head_is_corrupt(head):
    with pytest.raises(Corrupt):
        read_fib(head)


@pytest.mark.parametrize(
    ("template", "kinds"), [("\\\\host\\share\\t.dot", [Kind.REMOTE_TEMPLATE]), ("C:\\t.dot", []), ("Normal.dot", [])]
)
def test_a_template_on_another_machine_is_told(template, kinds):
    table = b"before" + strings("", template, "title")
    look = Recorder()
    inspect_template(table, Fib(False, "1Table", (6, len(table) - 6)), "x", look)
    assert look.kinds == kinds


def test_a_dde_field_is_told():
    look = Recorder()
    inspect_text(b"some text \x13 DDEAUTO c:\\x \x15", b"", Fib(False, "", (0, 0)), "x", look)
    inspect_text(MAIN, b"", Fib(False, "", (0, 0)), "x", look)
    assert look.kinds == [Kind.DDE]


def test_a_field_is_put_together_from_the_pieces_of_the_text():
    stream = b"UTO x\x15" + "\x13DDE".encode("utf-16-le") + b"A"
    places = struct.pack("<4I", 0, 4, 5, 11) + b"".join(
        struct.pack("<HIH", 0, place, 0) for place in (6, 14 * 2 | 1 << 30, 1 << 30)
    )
    table = b"\x01\x02\x00ab\x02" + struct.pack("<I", len(places)) + places
    look = Recorder()
    inspect_text(stream, table, Fib(False, "", (0, 0), pieces=(0, len(table))), "x", look)
    assert look.kinds == [Kind.DDE]


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_pieces_are_read(stream, table):
    inspect_text(b"\x13" + stream, b"\x02" + table, Fib(False, "", (0, 0), pieces=(0, 201)), "x", Recorder())


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=600), st.integers(0, 700), st.integers(0, 1 << 32))
def test_any_bytes_are_read(data, start, size):
    inspect_template(data, Fib(False, "", (start, size)), "x", Recorder())
    with contextlib.suppress(Corrupt):
        read_fib(b"\xec\xa5" + data)
