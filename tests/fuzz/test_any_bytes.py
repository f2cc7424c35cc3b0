"""Whatever the bytes, the scan gives a report within its budget, and no reader fails in a way it did not mean to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import targets
from tests.fuzz.seeds import damaged, pieces, seeds


@pytest.fixture(autouse=True, scope="module")
def made() -> None:
    """Recipes may draw random numbers, which hypothesis forbids while it draws its own."""
    pieces()


@given(damaged())
@settings(max_examples=400)
def test_a_damaged_file(data: bytes):
    targets.file(data)


@given(damaged(only=".eml"))
@settings(max_examples=300)
def test_a_damaged_mail(data: bytes):
    targets.mail(data)


@given(st.binary(max_size=2000))
@settings(max_examples=100)
def test_noise(data: bytes):
    targets.file(data)
    targets.mail(data)


@pytest.mark.parametrize("name", sorted(targets.TARGETS.keys() - {"mail", "file"}))
@given(data=st.one_of(damaged(), damaged(of=pieces), st.binary(max_size=500)))
@settings(max_examples=40)
def test_every_reader_and_parser_takes_any_bytes(name: str, data: bytes):
    targets.TARGETS[name](data)


def test_every_reader_and_parser_is_in_one_family():
    names = " ".join(targets._FAMILIES.values()).split()
    listed = [name if name in targets.TARGETS else f"parse-{name}" for name in names]
    assert sorted(listed) == sorted(targets.TARGETS.keys() - {"mail", "file"})


def test_there_is_something_to_start_from():
    assert len(seeds()) > 100
    assert len(pieces()) > 100
