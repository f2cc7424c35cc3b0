"""winmail.dat: attachments by attribute and by property."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.containers import tnef
from gateway.scan.look import Corrupt
from tests.makers.looks import SHORTCUT, look

HEAD = bytes.fromhex("789F3E22") + b"\1\0"
FILE = SHORTCUT + bytes(100)


def attribute(number: int, value: bytes) -> bytes:
    return struct.pack("<BII", 2, number, len(value)) + value + b"\0\0"


def properties(*encoded: bytes) -> bytes:
    return struct.pack("<I", len(encoded)) + b"".join(encoded)


def binary(kind: int, number: int, value: bytes) -> bytes:
    return struct.pack("<HHII", kind, number, 1, len(value)) + value + bytes(-len(value) % 4)


NUMBER = struct.pack("<HHI", 3, 0x0E20, 7)
NAMED = struct.pack("<HH16xII", 3, 0x8001, 0, 5) + bytes(4)
NAMED_BY_STRING = struct.pack("<HH16xII", 3, 0x8002, 1, 6) + b"a\0b\0\0\0\0\0" + bytes(4)


def test_attachments_have_their_names() -> None:
    data = HEAD + attribute(0x00069002, bytes(14)) + attribute(0x00018010, b"a.doc\0") + attribute(0x0006800F, b"one")
    data += attribute(0x00069002, bytes(14)) + attribute(0x0006800F, b"two")
    assert look(tnef.unpack, data).handed == [("a.doc", b"one"), ("attachment", b"two")]


def test_files_among_the_properties() -> None:
    inside = properties(
        NUMBER, NAMED, NAMED_BY_STRING, binary(0x102, 0x3701, FILE), binary(0x0D, 0x3701, bytes(16) + FILE)
    )
    handed = look(tnef.unpack, HEAD + attribute(0x00069005, inside)).handed
    assert [content for _, content in handed] == [FILE, FILE]


def test_short_values_are_no_files() -> None:
    assert look(tnef.unpack, HEAD + attribute(0x00069003, properties(binary(0x102, 0x0FFF, b"id")))).handed == []


@pytest.mark.parametrize(
    "data",
    [
        HEAD + attribute(0x0006800F, b"x" * 50)[:-10],
        HEAD + attribute(0x00069005, properties(binary(0x102, 1, b"x" * 50))[:-10]),
        HEAD + attribute(0x00069005, properties(struct.pack("<HH", 0x7777, 1))),
        HEAD + attribute(0x00069005, b""),
    ],
)
def test_what_ends_in_the_middle_is_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt):
        look(tnef.unpack, data)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for whole in (HEAD + data, HEAD + attribute(0x00069005, data)):
        try:
            look(tnef.unpack, whole)
        except Corrupt:
            assert whole
