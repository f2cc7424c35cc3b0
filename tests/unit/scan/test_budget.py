"""A payment that goes over a limit raises, and says which one."""

import pytest

from gateway.scan.budget import Budget, Limits, OverLimit


def test_bytes() -> None:
    budget = Budget(Limits(max_unpacked_size=10))
    budget.spend_bytes(10)
    assert budget.room == 0
    with pytest.raises(OverLimit, match="10 bytes"):
        budget.spend_bytes(1)
    assert budget.room == 0


def test_files() -> None:
    budget = Budget(Limits(max_files=2))
    budget.spend_file()
    budget.spend_file()
    with pytest.raises(OverLimit, match="2 files"):
        budget.spend_file()


def test_depth_concerns_one_part_only() -> None:
    Budget(Limits(max_depth=3)).check_depth(3)
    with pytest.raises(OverLimit, match="3 levels") as caught:
        Budget(Limits(max_depth=3)).check_depth(4)
    assert caught.value.local


def test_time() -> None:
    Budget(Limits(seconds=100)).check_time()
    with pytest.raises(OverLimit, match="seconds") as caught:
        Budget(Limits(seconds=-1)).check_time()
    assert caught.value.timed_out
