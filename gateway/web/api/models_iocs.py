"""What the API takes and gives of indicators."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, RootModel

from gateway.iocs import IocKind
from gateway.web.api.mirror import Text, VerdictWord
from gateway.web.api.shapes import Given, Moment, Told

_VERDICT = "(?:macro|suspicious|unscannable|autoexec)"
_NAME = r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})+"

Verdicts = Annotated[str, Field(pattern=f"^{_VERDICT}(?:,{_VERDICT}){{0,3}}$")]
Domains = Annotated[str, Field(pattern=f"^(?:{_NAME}(?:,{_NAME})*)?$", max_length=4000)]


class Wish(Given):
    """Which indicators, and how they are written."""

    format: Literal["json", "csv", "misp", "stix", "rpz"] | None = Field(
        None, description="Without it the first media type of Accept that is one of these, else JSON."
    )
    since: Moment | None = Field(None, description="Stopped at or after this moment, or on this day (UTC) or later.")
    until: Moment | None = Field(None, description="Stopped before this moment, or on this day (UTC) or earlier.")
    verdict: Verdicts | None = Field(None, description="Parts with these verdicts: suspicious,autoexec without it.")
    own: Domains = Field("", alias="except", description="Domains of yours, never to be told, with all below them.")


class Ioc(Told):
    """One thing that was seen in stopped mail."""

    type: IocKind
    value: Text
    verdict: VerdictWord
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    messages: int
    names: tuple[Text, ...] = Field(description="File names of a hash.")
    held: tuple[str, ...] = Field(description="Ids of the messages it was in, the newest first; a few of them.")


class MispEvent(Told):
    """With `format=misp`: an event of the MISP core format."""

    Event: dict[str, Any]


class Iocs(RootModel[tuple[Ioc, ...] | MispEvent]):
    """All of them."""
