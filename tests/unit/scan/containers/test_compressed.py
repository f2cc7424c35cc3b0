"""gzip, bzip2 and xz as the standard library writes them, joined, cut and as bombs."""

import bz2
import gzip
import lzma
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.budget import Limits, OverLimit
from gateway.scan.containers import compressed
from gateway.scan.look import Corrupt
from tests.makers.looks import look

WRITERS = [gzip.compress, bz2.compress, lzma.compress]


@pytest.mark.parametrize("write", WRITERS)
@given(content=st.binary(max_size=300), more=st.binary(max_size=300))
def test_several_streams_are_one_file(write: Callable[[bytes], bytes], content: bytes, more: bytes) -> None:
    notes = look(compressed.unpack, write(content) + write(more), name="a/b.txt.gz")
    assert notes.handed == [("b.txt", content + more)]
    assert notes.budget.unpacked == len(content + more)


@pytest.mark.parametrize("write", WRITERS)
def test_a_stream_that_ends_too_early_is_corrupt(write: Callable[[bytes], bytes]) -> None:
    whole = write(b"hello" * 100)
    for end in range(7, len(whole) - 1):
        with pytest.raises(Corrupt):
            look(compressed.unpack, whole[:end])


@pytest.mark.parametrize("write", WRITERS)
def test_a_bomb_stops_at_the_limit(write: Callable[[bytes], bytes]) -> None:
    with pytest.raises(OverLimit, match="unpacks"):
        look(compressed.unpack, write(bytes(8 << 20)), limits=Limits(max_unpacked_size=1 << 20))


@pytest.mark.parametrize("head", [b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b"other"])
@given(data=st.binary(max_size=100))
def test_anything_else_is_corrupt(head: bytes, data: bytes) -> None:
    with pytest.raises(Corrupt):
        look(compressed.unpack, head + b"\xff" + data)
