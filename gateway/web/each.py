"""Several messages, one after the other: what pages and API have in common.

Contract: one that cannot be done is told and does not stop the others; the rights to each are the desk's to judge, and
so is whether it takes two persons. At most ``MOST`` at a time, and none is begun after ``SECONDS``: whoever asked, and
each web server on the way, waits no longer than a minute. To ask again for all of them is safe.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.web.desk import Failed
from gateway.web.pages import DeskError

MOST = 100
SECONDS = 40.0

Replies = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one: the next hop's words, or why it was not done."""

    held_id: str
    replies: Replies = ()
    error: DeskError | None = None


async def each(held_ids: Sequence[str], act: Callable[[str], Awaitable[Replies | None]]) -> list[Done]:
    """Do it for each, once however often it is named."""
    end = time.monotonic() + SECONDS
    done = []
    for held_id in dict.fromkeys(held_ids):
        try:
            if time.monotonic() >= end:
                raise Failed("Not begun: the others took too long. Ask for it once more.")
            done.append(Done(held_id, await act(held_id) or ()))
        except DeskError as error:
            done.append(Done(held_id, error=error))
    return done
