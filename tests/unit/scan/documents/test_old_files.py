import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Verdict
from gateway.scan.documents import old_files
from tests.unit.scan.documents.recorder import looked_into


@pytest.mark.parametrize(
    ("head", "verdict"),
    [
        (b"\x00\x01\x00\x00Standard Jet DB\x00", Verdict.SUSPICIOUS),
        (b"\x00\x01\x00\x00Standard ACE DB\x00", Verdict.SUSPICIOUS),
        (b"\xdb\xa5" + bytes(8) + b"\x01", Verdict.UNSCANNABLE),
        (b"\xdb\xa5" + bytes(8) + b"\x08", Verdict.CLEAN),
        (b"\xffWPC" + bytes(4) + b"\x01\x01", Verdict.SUSPICIOUS),
        (b"\xffWPC" + bytes(4) + b"\x01\x0a", Verdict.CLEAN),
    ],
)
def test_an_old_file_is_known_by_its_head(head, verdict):
    assert looked_into(old_files.inspect, head.ljust(4096, b"\0")).verdict is verdict


@given(st.binary(max_size=200))
def test_any_bytes_are_looked_at(content):
    looked_into(old_files.inspect, content)
