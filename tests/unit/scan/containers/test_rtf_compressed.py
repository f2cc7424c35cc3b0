"""Compressed RTF comes out as it went in, and is paid for."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.containers import rtf_compressed
from gateway.scan.look import Corrupt
from tests.makers.wrappers import rtf_compressed as packed
from tests.makers.wrappers import rtf_stored


def budget(size: int = 1 << 20) -> Budget:
    return Budget(Limits(max_unpacked_size=size))


@given(st.binary(max_size=500) | st.lists(st.sampled_from([b"a" * 30, b"{", b"x"])).map(b"".join))
def test_what_went_in_comes_out(rtf: bytes) -> None:
    assert rtf_compressed.decompress(packed(rtf), budget()) == rtf
    assert rtf_compressed.decompress(rtf_stored(rtf), budget()) == rtf


def test_the_dictionary_holds_words_from_the_start() -> None:
    reference = struct.pack(">H", 0 << 4 | 10 - 2) + struct.pack(">H", 217 << 4)
    assert rtf_compressed.decompress(bytes(8) + b"LZFu" + bytes(4) + b"\3" + reference, budget()) == b"{\\rtf1\\ans"


def test_it_is_paid_for() -> None:
    with pytest.raises(OverLimit):
        rtf_compressed.decompress(packed(b"a" * 300_000), budget(1000))


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for file in (data, bytes(8) + b"LZFu" + bytes(4) + data):
        purse = budget()
        try:
            assert len(rtf_compressed.decompress(file, purse)) <= purse.unpacked
        except Corrupt:
            assert file is not None
