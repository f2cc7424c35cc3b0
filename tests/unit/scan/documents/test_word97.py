import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.message import Kind
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
    inspect_text(b"some text \x13 DDEAUTO c:\\x \x15", "x", look)
    inspect_text(MAIN, "x", look)
    assert look.kinds == [Kind.DDE]


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=600), st.integers(0, 700), st.integers(0, 1 << 32))
def test_any_bytes_are_read(data, start, size):
    inspect_template(data, Fib(False, "", (start, size)), "x", Recorder())
    with contextlib.suppress(Corrupt):
        read_fib(b"\xec\xa5" + data)
