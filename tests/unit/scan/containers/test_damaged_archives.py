"""Whatever is done to an archive with an armed document in it: it never comes out clean."""

import bz2
import gzip
import lzma
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.scan import Limits, examine
from tests.makers import archives
from tests.makers.looks import RULES
from tests.makers.zips import Item, build

ARMED = samples.doc_autoopen()
NOTE = b"nothing but a note\r\n"

MAKERS: dict[str, Callable[[bytes], bytes]] = {
    "zip": lambda content: build([Item("a.doc", content), Item("b.txt", NOTE)]),
    "stored zip": lambda content: build([Item("b.txt", NOTE, method=0), Item("a.doc", content, method=0)]),
    "bzip2 zip": lambda content: build([Item("a.doc", content, method=12, packed=bz2.compress(content))]),
    "xz zip": lambda content: build([Item("a.doc", content, method=95, packed=lzma.compress(content))]),
    "tar": lambda content: archives.tar("a.doc", content),
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "7z": lambda content: archives.written("7zip", "a.doc", content),
    "cab": lambda content: archives.cab("a.doc", content),
    "rar": lambda content: archives.rar5("a.doc", content),
    "old rar": lambda content: archives.rar4("a.doc", content),
    "zstd": lambda content: archives.written("ustar", "a.doc", content, filter_name="zstd"),
}
WHOLE = {name: make(ARMED) for name, make in MAKERS.items()}
ZIPS = [name for name in WHOLE if name.endswith("zip") and name != "gzip"]
HEAD = 64
"""Where less is left, nobody can tell what it was."""


def verdict(data: bytes) -> Verdict:
    return examine(data, rules=RULES, limits=Limits(), name="a", mail=False).verdict


@pytest.mark.parametrize("name", WHOLE)
def test_whole_it_is_found(name: str) -> None:
    assert verdict(WHOLE[name]) is Verdict.AUTOEXEC


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_a_cut_is_never_clean(name: str, data: st.DataObject) -> None:
    whole = WHOLE[name]
    begins = max(0, whole.find(b"a.doc"), whole.find(ARMED[:8]))
    assert verdict(whole[: data.draw(st.integers(min(begins + HEAD, len(whole)), len(whole)))]) is not Verdict.CLEAN


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ZIPS), st.data())
def test_a_zip_with_one_byte_changed_is_never_clean(name: str, data: st.DataObject) -> None:
    whole = bytearray(WHOLE[name])
    headers = [at for at in range(len(whole)) if whole[at : at + 2] == b"PK"]
    at = data.draw(st.sampled_from(headers)) + data.draw(st.integers(0, 60))
    whole[min(at, len(whole) - 1)] ^= data.draw(st.integers(1, 255))
    assert verdict(bytes(whole)) is not Verdict.CLEAN


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ZIPS), st.binary(max_size=300), st.binary(max_size=300))
def test_something_before_and_behind_hides_nothing(name: str, before: bytes, behind: bytes) -> None:
    assert verdict(before + WHOLE[name] + behind) is Verdict.AUTOEXEC


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), st.sampled_from(sorted(MAKERS)), st.booleans())
def test_two_archives_joined(armed: str, other: str, first: bool) -> None:
    pieces = [WHOLE[armed], MAKERS[other](NOTE)]
    assert verdict(b"".join(pieces if first else reversed(pieces))) is not Verdict.CLEAN


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted(MAKERS)), min_size=1, max_size=3))
def test_archives_in_archives(names: list[str]) -> None:
    content = ARMED
    for name in names:
        content = MAKERS[name](content)
    assert verdict(content) is Verdict.AUTOEXEC
