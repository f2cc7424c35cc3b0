import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.scan.budget import Limits, OverLimit
from gateway.scan.documents.compound import MAGIC
from gateway.scan.documents.powerpoint97 import actions, is_encrypted, objects
from tests.unit.scan.documents.recorder import Recorder


def record(kind: int, content: bytes, instance: int = 0) -> bytes:
    return struct.pack("<HHI", instance << 4, kind, len(content)) + content


def compressed(content: bytes) -> bytes:
    return record(0x1011, struct.pack("<I", len(content)) + zlib.compress(content), 1)


def read(stream: bytes, limits: Limits | None = None) -> tuple[list[bytes], list[str]]:
    damaged: list[str] = []
    return list(objects(stream, Recorder(limits), damaged.append)), damaged


def test_objects_are_found_among_other_records():
    stream = record(0x03E8, b"x" * 50) + compressed(b"one" * 99) + record(0x1011, b"two") + record(1, b"")
    assert read(stream) == ([b"one" * 99, b"two"], [])


def test_an_object_without_its_checksum_is_whole():
    content = b"one" * 99
    stream = record(0x1011, struct.pack("<I", len(content)) + zlib.compress(content)[:-4], 1)
    assert read(stream) == ([content], [])


def test_a_damaged_object_is_told_and_the_next_one_read():
    found, damaged = read(record(0x1011, b"\0\0\0\0nonsense", 1) + compressed(b"good"))
    assert found == [b"good"]
    assert len(damaged) == 1


def test_a_bomb_stops_at_the_budget():
    with pytest.raises(OverLimit):
        read(compressed(bytes(1 << 22)), Limits(max_unpacked_size=1 << 20))


def test_the_token_of_an_encrypted_presentation():
    assert is_encrypted(bytes(12) + struct.pack("<I", 0xF3D1C4DF))
    assert not is_encrypted(bytes(12) + struct.pack("<I", 0xE391C05F))
    assert not is_encrypted(b"")


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read(data):
    read(data)
    list(actions(data, Recorder()))


def test_an_object_inside_another_record_is_found():
    inner = compressed(MAGIC + b"one") + record(0x1011, MAGIC + b"two")
    assert read(b"junk" * 7 + record(0x03E8, inner)) == ([MAGIC + b"one", MAGIC + b"two"], [])


def test_a_chance_hit_is_nothing():
    picture = b"\xff\x10\x00\x11\x10abcdefgh" * 50
    assert read(record(0xF01E, picture)) == ([], [])


def test_what_a_shape_does_is_read():
    atom = record(0x0FF3, struct.pack("<IIB7x", 0, 0, 2))
    over = struct.pack("<HHI", 0x1F, 0x0FF2, len(atom)) + atom
    click = struct.pack("<HHI", 0x0F, 0x0FF2, len(atom)) + atom
    assert list(actions(atom + over + click, Recorder())) == [(2, False), (2, True), (2, False)]
    assert list(actions(atom[:-8], Recorder())) == []
