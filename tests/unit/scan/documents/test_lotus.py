import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Verdict
from gateway.scan.documents.lotus import inspect
from tests.unit.scan.documents.recorder import looked_into

HEAD = struct.pack("<HHH", 0, 2, 0x0406)


def named(name: bytes) -> bytes:
    return HEAD + struct.pack("<HH", 0x0B, 24) + name.ljust(16, b"\0") + bytes(8) + struct.pack("<HH", 1, 0)


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (named(b"\\0"), Verdict.SUSPICIOUS),
        (named(b"\\A"), Verdict.MACRO),
        (named(b"TOTAL"), Verdict.CLEAN),
        (HEAD, Verdict.CLEAN),
        (named(b"\\0")[1:], Verdict.CLEAN),
    ],
)
def test_a_name_with_a_backslash_is_a_macro(data, verdict):
    assert looked_into(inspect, data).verdict is verdict


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data):
    looked_into(inspect, HEAD + data)
