"""What the models of the API are built from: the two kinds of them, and texts, reasons, moments and numbers.

Contract: ``Given`` refuses a key it does not know; ``Told`` reads the attributes of what the desk gives. Each shape has
in the OpenAPI document just what it takes.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from gateway.web.desk import DIGEST, FINGERPRINT, PLACE
from gateway.web.pages import LONGEST_FIELD

ADDRESS = 320
MAX_NUMBER = 1_000_000_000

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENT = re.compile(rf"{_DAY}(?:[Tt][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{{2}}:[0-9]{{2}}))?")
"""RFC 3339 §5.6: a full-date or a date-time."""


class Given(BaseModel):
    """What a request brings."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    """What an answer tells."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


def _moment(value: Any) -> str:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("must be a day (2026-11-22) or a moment with its zone (2026-11-22T10:30:00Z)")
    return datetime.fromisoformat(value.upper()).isoformat() if len(value) > len("2026-11-22") else _day(value)


def _day(value: str) -> str:
    return datetime.fromisoformat(value).date().isoformat()


def _whole(value: Any) -> Any:
    """JSON has one kind of number, so 2.0 is the integer 2; texts and truth values are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")  # noqa: TRY004 - as pydantic asks for
    return value


Words = Annotated[str, Field(max_length=LONGEST_FIELD)]
Place = Annotated[str, Field(pattern=f"^{PLACE.pattern}$")]
Fingerprint = Annotated[str, Field(pattern=f"^{FINGERPRINT.pattern}$")]
Digest = Annotated[str, Field(pattern=f"^{DIGEST.pattern}$")]
HeldId = Annotated[str, Field(pattern="^[0-9a-f]{1,64}$")]
Address = Annotated[str, Field(min_length=1, max_length=ADDRESS)]
Moment = Annotated[
    str,
    BeforeValidator(_moment),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}),
]
Why = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_FIELD,
        pattern=r"\S",
        description="The reason; it goes on record with your name.",
    ),
]
Number = Annotated[int, Field(ge=1, le=MAX_NUMBER, description="The `number` of the request."), BeforeValidator(_whole)]
NumberOrNone = Annotated[
    int,
    Field(ge=0, le=MAX_NUMBER, description="The `number` of the request; 0 for those of recipients."),
    BeforeValidator(_whole),
]
