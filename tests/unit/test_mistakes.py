"""Numbers with a unit, and pydantic's errors as sentences."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.mistakes import duration, meant, sentences, shown, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [("50M", 50 << 20), ("64k", 64 << 10), ("1 GiB", 1 << 30), ("7", 7), (7, 7), ("2KB", 2048), (0, 0)],
)
def test_size(text: object, expected: int) -> None:
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "M", "1.5M", "-1", -1, True, 1.0, "5X", None, "٣"])
def test_no_size(text: object) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        size(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30s", 30), ("5m", 300), ("12h", 43200), ("30d", 2592000), ("250ms", 0.25), (3, 3), (0.5, 0.5)],
)
def test_duration(text: object, expected: float) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "5", "5 minutes", "-5s", -1, False, float("inf"), float("nan"), None])
def test_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)


@settings(max_examples=100)
@given(st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.none(), st.lists(st.integers(), max_size=2)))
def test_any_value_is_read_or_refused(value: object) -> None:
    for read in (size, duration):
        try:
            told = "" if read(value) >= 0 else "negative"
        except ValueError as error:
            told = str(error).replace(shown(value), "")
        assert told in ("", ' is not a size; write bytes as "50M", "64K" or 1048576') or "is not a duration" in told


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int = 0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    word: str
    inner: Inner | None = None


def test_each_error_is_a_sentence() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"inner": {"numbr": 1, "number": "x"}, "wurd": 1})
    assert list(sentences(caught.value, Outer)) == [
        "word: this key is missing",
        "inner.number: must be a valid integer, unable to parse string as an integer, not 'x'",
        "inner.numbr: there is no such key (did you mean 'number'?); known here: number",
        "wurd: there is no such key (did you mean 'word'?); known here: word, inner",
    ]


def test_nothing_near_is_not_guessed() -> None:
    assert meant("zebra", ["macro"]) == ""
    assert len(shown("x" * 1000)) == 80
