"""Armed documents that were damaged: whatever is left of them is never clean, and no exception escapes."""

import contextlib
import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Kind, Verdict
from gateway.message import Report
from gateway.samples import vba
from gateway.scan import Limits, examine
from gateway.scan.documents import fragments
from gateway.scan.documents.vba_compression import find_containers
from gateway.scan.look import Corrupt
from tests.makers.vba import docm_with
from tests.unit.scan.documents.recorder import looked_into, shipped_rules

ARMED = {
    "doc": samples.doc_autoopen,
    "xls": samples.xls_workbook_open,
    "project": lambda: vba.project(samples.docm_autoopen()),
}


@functools.cache
def armed(name: str) -> bytes:
    return ARMED[name]()


def report(data: bytes) -> Report:
    return examine(data, rules=shipped_rules(), limits=Limits(), name="x", mail=False)


def held(data: bytes) -> bool:
    seen = report(data)
    assert Kind.CRASH not in {finding.kind for finding in seen.findings}
    return seen.verdict > Verdict.CLEAN


@pytest.mark.parametrize("name", ARMED)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_one_other_byte_never_makes_it_clean(name, data):
    content = bytearray(armed(name))
    at = data.draw(st.one_of(st.integers(0, 512), st.integers(0, len(content) - 1)))
    content[at] = data.draw(
        st.one_of(st.sampled_from([0, 255, content[at] ^ 1, content[at] ^ 128]), st.integers(0, 255))
    )
    assert held(bytes(content))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_one_other_byte_in_the_project_of_a_package_never_makes_it_clean(data):
    content = bytearray(armed("project"))
    at = data.draw(st.integers(8, len(content) - 1))
    content[at] = data.draw(st.one_of(st.sampled_from([0, 255, content[at] ^ 1]), st.integers(0, 255)))
    assert held(docm_with(bytes(content)))


@pytest.mark.parametrize("name", ARMED)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_cut_never_makes_it_clean(name, data):
    content = armed(name)
    assert held(content[: data.draw(st.integers(8, len(content)))])
    assert held(content[data.draw(st.integers(0, find_containers(content)[0])) :])


@pytest.mark.parametrize("name", ARMED)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_sectors_in_another_order_never_make_it_clean(name, data):
    content = armed(name)
    sectors = [content[at : at + 512] for at in range(0, len(content), 512)]
    one, other = (data.draw(st.integers(0, len(sectors) - 1)) for _ in "ab")
    sectors[one], sectors[other] = sectors[other], sectors[one]
    assert held(b"".join(sectors))


@pytest.mark.parametrize("name", ARMED)
def test_a_head_of_nonsense_is_told_and_the_macro_still_found(name):
    content = b"nonsense" + armed(name)[8:]
    seen = report(content)
    assert seen.verdict is Verdict.AUTOEXEC
    assert Kind.CORRUPT in {finding.kind for finding in seen.findings}


def test_bytes_without_a_project_are_nothing():
    assert not looked_into(fragments.inspect, b"\x01\x02\x03 Attribut\x00" * 100).findings


@given(st.binary(max_size=600))
def test_any_bytes_are_looked_into(content):
    with contextlib.suppress(Corrupt):
        looked_into(fragments.inspect, content[:28] + b"\xfe\xff\x09\x00\x06\x00" + content[28:])
