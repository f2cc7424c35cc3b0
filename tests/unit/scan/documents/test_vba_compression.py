import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyopenvba.vba import compress

from gateway import samples
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.documents.olevba import second_reading
from gateway.scan.documents.vba_compression import decompress, find_containers, guess_containers, unpack
from gateway.scan.look import Corrupt


def budget(size: int = 1 << 24) -> Budget:
    return Budget(Limits(max_unpacked_size=size))


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.binary(min_size=1, max_size=9000), st.text("ab\r\n", min_size=1, max_size=9000).map(str.encode)))
def test_what_a_compressor_writes_comes_back(content):
    # a raw chunk is always 4096 bytes long (MS-OVBA 2.4.1.3.3), so zeros may follow
    result = decompress(compress(content), budget())
    assert result[: len(content)] == content
    assert not result[len(content) :].strip(b"\0")


def test_olevba_decompresses_to_the_same():
    second_reading(samples.doc_autoopen(), 99, budget())  # imports oletools without its warnings
    from oletools.olevba import decompress_stream

    content = compress(b'Attribute VB_Name = "Module1"\r\n' * 500)
    assert decompress(content, budget()) == decompress_stream(bytearray(content))


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"\x01", b"\x01\x00\x00\x00", b"\x02" + compress(b"x" * 9)[1:]])
def test_what_is_not_compressed_source_is_corrupt(data):
    with pytest.raises(Corrupt):
        decompress(data, budget())


def test_what_breaks_off_is_read_as_far_as_it_goes():
    whole = compress(b"Attribute VB_Name\r\n" + bytes(range(200)) * 60)
    for length in range(20, len(whole), 97):
        assert decompress(whole[:length], budget()).startswith(b"Attrib")


def test_a_bomb_stops_at_the_budget():
    # each chunk of 7 bytes becomes 4096
    chunk = b"\x04\xb0\x02A\xfc\x0f\x00"
    with pytest.raises(OverLimit):
        decompress(b"\x01" + chunk * 100_000, budget(1 << 20))


def test_module_source_is_found_anywhere():
    container = compress(b'Attribute VB_Name = "Module1"\r\n')
    data = b"junk" * 5 + container + b"\x01" * 40 + container
    offsets = list(find_containers(data))
    assert offsets == [20, 20 + len(container) + 40]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_bytes_or_corrupt(data):
    with contextlib.suppress(Corrupt):
        decompress(b"\x01" + data, budget())


def test_containers_are_found_packed_or_not():
    packed = compress(b'Attribute VB_Name = "A"\r\n')
    plain = b"\x01\xff\x3f" + b'Attribute VB_Name = "B"\r\n'.ljust(4096)
    assert find_containers(b"x" * 9 + packed + plain) == [9, 9 + len(packed)]
    assert find_containers(b"Attribute VB_Name, Attribut, \x01\xff\x3f") == []


def test_source_that_begins_as_no_module_is_guessed():
    packed = compress(b"Sub AutoOpen()\r\n  x = 1\r\nEnd Sub\r\n")
    assert guess_containers(b"\x01\x02\x03" * 50 + packed, budget()) == ([150], True)
    assert guess_containers(bytes(range(256)) * 8, budget()) == ([], True)


def test_more_places_than_are_tried_are_told():
    assert guess_containers(b"\x01\x02\xb0\x02\xff\xff" * 300, budget())[1] is False


def test_a_container_that_ends_in_zeros_or_breaks_off_is_not_sound():
    packed = compress(b'Attribute VB_Name = "A"\r\nSub AutoOpen()\r\nEnd Sub\r\n')
    assert unpack(packed, budget())[1:] == (True, True)
    assert unpack(packed + b"rest", budget())[1:] == (True, False)
    blank = packed[:20] + bytes(len(packed) - 20)
    assert not unpack(blank, budget()).sound


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40), st.one_of(st.binary(max_size=60), st.binary(max_size=9000).map(compress)))
def test_a_container_is_read_where_it_begins(before, rest):
    def told(data, start):
        try:
            return unpack(data, budget(), start)
        except Corrupt as error:
            return str(error)

    assert told(before + rest, len(before)) == told(rest, 0)
    assert told(rest, len(rest) + 1) == told(b"", 0)
