"""Where archives end by their own words."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.containers import ends
from tests.makers import archives

CONTENT = bytes(range(256)) * 30
MADE: dict[str, Callable[[], bytes]] = {
    "7zip": lambda: archives.written("7zip", "a", CONTENT),
    "cab": lambda: archives.cab("a", CONTENT),
    "rar": lambda: archives.rar4("a", CONTENT),
    "rar5": lambda: archives.rar5("a", CONTENT),
    "zstd": lambda: archives.written("ustar", "a", CONTENT, filter_name="zstd") * 2,
}


@pytest.mark.parametrize("kind", MADE)
def test_what_is_behind_does_not_belong_to_it(kind: str) -> None:
    whole = MADE[kind]()
    assert ends.end_of(whole, kind) == len(whole)
    assert ends.end_of(whole + b"something else", kind) == len(whole)


def test_a_tar_file_ends_at_its_zeros() -> None:
    whole = archives.tar("a", CONTENT)
    assert ends.end_of(whole + b"more", "tar") == 512 + len(CONTENT)
    assert not any(whole[ends.end_of(whole, "tar") :])


def test_what_has_no_end_goes_on() -> None:
    assert ends.end_of(CONTENT, "cpio") == len(CONTENT)


@given(st.sampled_from(sorted([*MADE, "tar"])), st.binary(max_size=300))
def test_any_bytes(kind: str, data: bytes) -> None:
    assert 0 <= ends.end_of(data, kind) <= len(data)
