"""The desk decides who may do what, whoever asks it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC
from typing import Any, cast

import pytest

from gateway import desk as desk_module
from gateway.desk import ReleaseDesk
from gateway.exception_desk import ExceptionDesk
from gateway.looking import Looking
from gateway.quarantine import Quarantine
from gateway.web.desk import NotAllowed, Query
from gateway.web.people import Person, Role


class Untouched:
    """A quarantine that nothing may reach."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked of the quarantine")


def no_way() -> AbstractAsyncContextManager[Any]:
    raise AssertionError("a way to the next hop was opened")


def untold(step: str, held_id: str, who: str, why: str) -> None:
    raise AssertionError(f"{step} was noted")


async def unasked() -> Any:
    raise AssertionError("it was asked whether all is well")


@pytest.fixture
def desk() -> ReleaseDesk:
    exceptions, look = cast(ExceptionDesk, None), cast(Looking, Untouched())
    return ReleaseDesk(cast(Quarantine, Untouched()), no_way, unasked, exceptions, look, untold, cast(Any, None))


@pytest.mark.parametrize("via", ["web", "api"])
async def test_a_viewer_can_neither_release_nor_delete(desk: ReleaseDesk, via: str) -> None:
    vic = Person("vic", Role.VIEWER, via)
    with pytest.raises(NotAllowed, match="You may not release a message: that takes the role releaser"):
        await desk.release("0" * 16, by=vic, why="because", recipients=["a@example.com"])
    with pytest.raises(NotAllowed, match="yours is viewer"):
        await desk.delete("0" * 16, by=vic, why="because")


async def test_who_may_not_decide_does_not(desk: ReleaseDesk) -> None:
    al, vic = Person("al", Role.ANALYST, "api"), Person("vic", Role.VIEWER)
    with pytest.raises(NotAllowed, match="approve or refuse a release that somebody asks for"):
        await desk.approve("0" * 16, 1, by=al, why="because")
    with pytest.raises(NotAllowed):
        await desk.turn_down("0" * 16, 1, by=al, why="because")
    with pytest.raises(NotAllowed):
        await desk.send_approved("0" * 16, 1, by=al)
    with pytest.raises(NotAllowed, match="ask for a release"):
        await desk.request_release("0" * 16, by=vic, why="because", recipients=None)
    with pytest.raises(NotAllowed):
        await desk.take_back("0" * 16, 1, by=vic)


@pytest.mark.parametrize(
    ("given", "since", "until"),
    [
        ({}, None, None),
        ({"since": "2026-11-22", "until": "2026-11-22"}, "2026-11-22T00:00:00+00:00", "2026-11-23T00:00:00+00:00"),
        ({"since": "2026-11-22T10:30:00+02:00"}, "2026-11-22T08:30:00+00:00", None),
        ({"until": "2026-11-22T00:00:00Z"}, None, "2026-11-22T00:00:00+00:00"),
        ({"since": "0001-01-01", "until": "9999-12-31"}, "0001-01-01T00:00:00+00:00", None),
    ],
)
def test_a_search_names_days_or_moments(given: dict[str, str], since: str | None, until: str | None) -> None:
    filters = desk_module._filters(Query(**cast(Any, given)))
    told = [moment and moment.astimezone(UTC).isoformat() for moment in (filters.since, filters.until)]
    assert told == [since, until]


def test_a_person_is_named_with_the_way_they_came() -> None:
    assert Person("ann", Role.RELEASER, "api").who == "ann (api)"
