"""Kinds of archives and images that are only known by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan import sniff
from gateway.scan.containers import unread


@pytest.mark.parametrize(("offset", "magic", "kind", "name"), unread.MAGIC, ids=lambda value: str(value)[:20])
def test_each_is_recognised_and_named(offset: int, magic: bytes, kind: str, name: str) -> None:
    data = bytes(2048) + magic.ljust(512, b"\x01") if offset < 0 else b"\x01" * offset + magic + bytes(2048)
    assert unread.name_of(data) == name
    assert sniff.sniff(data) == kind


def test_what_has_no_name_is_unknown() -> None:
    assert unread.name_of(b"anything") == "unknown"


@given(st.binary(max_size=600))
def test_any_bytes(data: bytes) -> None:
    assert unread.name_of(data)
    unread.is_partitioned(data[:512])
    unread.is_arc(data[:32])
