"""The closed sets a policy is written in."""

from __future__ import annotations

from collections import Counter

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.closed_sets import FileType, Verdict
from gateway.policy.words import FAMILIES, Families, Verdicts


def test_each_file_type_is_in_exactly_one_family() -> None:
    count = Counter(kind for family in FAMILIES.values() for kind in family)
    assert count == dict.fromkeys(FileType, 1)


def test_families_are_joined() -> None:
    assert TypeAdapter(Families).validate_python(["word", "pdf"]) == FAMILIES["word"] | FAMILIES["pdf"]


@pytest.mark.parametrize("verdict", Verdict)
def test_at_least(verdict: Verdict) -> None:
    found = TypeAdapter(Verdicts).validate_python({"at_least": verdict.label})
    assert found == {other for other in Verdict if other >= verdict}


@pytest.mark.parametrize("value", [None, 3, [], [3], {"at_least": ["macro", "clean"]}, {"at_least": None}, {}])
def test_no_verdict(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Verdicts).validate_python(value)
