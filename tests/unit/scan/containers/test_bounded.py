"""Decompression pays before it produces."""

import lzma
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.containers import bounded
from gateway.scan.look import Corrupt


@given(st.binary(max_size=2000), st.binary(max_size=20))
def test_inflate_says_what_lies_behind(content: bytes, tail: bytes) -> None:
    data = zlib.compress(content) + tail
    assert bounded.inflate(data, Budget(Limits()), bounded.ZLIB) == (content, len(tail))
    assert bounded.inflate(memoryview(data), Budget(Limits()), bounded.ZLIB) == (content, len(tail))


def test_a_large_stream_in_slices() -> None:
    content = bytes(range(256)) * (1 << 13) + b"end"
    budget = Budget(Limits())
    assert bounded.inflate(zlib.compress(content, 0) + b"tail", budget, bounded.ZLIB) == (content, 4)
    assert budget.unpacked == len(content)


def test_nothing_beyond_the_limit_is_produced() -> None:
    budget = Budget(Limits(max_unpacked_size=1000))
    with pytest.raises(OverLimit):
        bounded.inflate(zlib.compress(bytes(1 << 20)), budget, bounded.ZLIB)
    assert budget.unpacked <= 1001


def test_legacy_lzma() -> None:
    assert bounded.unlzma(lzma.compress(b"hello", lzma.FORMAT_ALONE), Budget(Limits())) == (b"hello", 0)


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_corrupt(data: bytes) -> None:
    for decode in (bounded.inflate, bounded.bunzip2, bounded.unxz, bounded.unlzma):
        try:
            decode(data, Budget(Limits()))
        except Corrupt:
            continue
