import contextlib
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.samples import vba
from gateway.scan.budget import Limits, OverLimit
from gateway.scan.documents.activemime import inspect
from gateway.scan.look import Corrupt
from tests.unit.scan.documents.recorder import looked_into

PROJECT = vba.project(samples.docm_autoopen())


@pytest.mark.parametrize("offset", [0x32, 0x22A, 11, 1000])
@pytest.mark.parametrize("level", [1, 6, 9])
def test_the_project_is_found_wherever_it_begins(offset, level):
    data = b"ActiveMime\0" + b"\x78" * (offset - 11) + zlib.compress(PROJECT, level)
    assert looked_into(inspect, data).children == [("project.bin", PROJECT)]


def test_a_decoy_hides_nothing_behind_it():
    decoy = samples.doc()
    data = b"ActiveMime\0" + zlib.compress(decoy) + zlib.compress(PROJECT)
    assert looked_into(inspect, data).children == [("project.bin", decoy), ("project.bin", PROJECT)]


@pytest.mark.parametrize("rest", [b"", b"x" * 100, zlib.compress(b"no compound file" * 50), b"\x78\x9c" * 2000])
def test_without_a_project_it_is_corrupt(rest):
    with pytest.raises(Corrupt):
        looked_into(inspect, b"ActiveMime" + rest)


def test_a_bomb_stops_at_the_budget():
    with pytest.raises(OverLimit):
        looked_into(
            inspect, b"ActiveMime" + zlib.compress(PROJECT[:8] + bytes(1 << 22)), Limits(max_unpacked_size=1 << 20)
        )


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_corrupt_at_worst(data):
    with contextlib.suppress(Corrupt):
        looked_into(inspect, b"ActiveMime" + data)
