"""The desk decides who may do what, whoever asks it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import pytest

from gateway.desk import ReleaseDesk
from gateway.exception_desk import ExceptionDesk
from gateway.looking import Looking
from gateway.quarantine import Quarantine
from gateway.web.desk import NotAllowed
from gateway.web.people import Person, Role


class Untouched:
    """A quarantine that nothing may reach."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked of the quarantine")


def no_way() -> AbstractAsyncContextManager[Any]:
    raise AssertionError("a way to the next hop was opened")


async def ready() -> dict[str, str]:
    return {}


@pytest.fixture
def desk() -> ReleaseDesk:
    exceptions, look = cast(ExceptionDesk, None), cast(Looking, Untouched())
    return ReleaseDesk(cast(Quarantine, Untouched()), no_way, ready, lambda: (2, 0), exceptions, look)


@pytest.mark.parametrize("via", ["web", "api"])
async def test_a_viewer_can_neither_release_nor_delete(desk: ReleaseDesk, via: str) -> None:
    vic = Person("vic", Role.VIEWER, via)
    with pytest.raises(NotAllowed, match="You may not release a message: that takes the role releaser"):
        await desk.release("0" * 16, by=vic, why="because", recipients=["a@example.com"])
    with pytest.raises(NotAllowed, match="yours is viewer"):
        await desk.delete("0" * 16, by=vic, why="because")


def test_a_person_is_named_with_the_way_they_came() -> None:
    assert Person("ann", Role.RELEASER, "api").who == "ann (api)"
