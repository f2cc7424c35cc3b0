"""What the API takes and gives where several messages are meant at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.closed_sets import HeldState
from gateway.web.api.mirror import Text
from gateway.web.api.models import Reply
from gateway.web.api.shapes import Given, HeldId, Told, Why
from gateway.web.each import MOST


class Several(Given):
    """Which messages, and why."""

    ids: Annotated[list[HeldId], Field(min_length=1, max_length=MOST, description="Whole ids, each meant once.")]
    why: Why


class SeveralWished(Several):
    """Which messages to ask for, and why."""

    disarmed: bool = Field(default=False, description="A copy of each without the macros instead of the original.")


class Result(Told):
    """What became of one message."""

    id: str
    status: int = Field(description="200, or what the request for this message alone would have been answered with.")
    detail: Text = Field(description="Why it was not done; empty when it was.")
    state: HeldState | None = Field(description="Null where there is no such message.")
    number: int | None = Field(description="Of the request that is open on it, if there is one.")
    replies: tuple[Reply, ...] = Field(description="What the next hop said for each recipient.")


class Results(Told):
    """One result for each message, in the order they were named."""

    done: int
    failed: int
    items: tuple[Result, ...]
