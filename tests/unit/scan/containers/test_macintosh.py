"""Macintosh files: both forks come out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.containers import macintosh
from gateway.scan.look import Corrupt
from tests.makers.looks import look
from tests.makers.wrappers import apple_single, macbinary


@given(st.binary(min_size=1, max_size=300))
def test_the_forks_come_out(content: bytes) -> None:
    assert look(macintosh.unpack, apple_single(content)).handed == [("a.doc", content)]
    assert look(macintosh.unpack, apple_single(content, double=True)).handed == [("a.doc/resource fork", content)]
    file = macbinary(content)
    assert macintosh.is_macbinary(file[:128], len(file))
    assert look(macintosh.unpack, file).handed == [("a.doc", content)]


def test_a_table_that_ends_in_the_middle() -> None:
    with pytest.raises(Corrupt):
        look(macintosh.unpack, apple_single(b"content")[:40])


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    for file in (data, macintosh.APPLE_SINGLE + data, apple_single(data)[: len(data)]):
        macintosh.is_macbinary(file, len(file))
        try:
            look(macintosh.unpack, file)
        except Corrupt:
            assert file
