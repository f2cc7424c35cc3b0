"""What the API tells of one message that was looked into."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gateway import readable
from gateway.web import look
from gateway.web.api.mirror import Text, model_of
from gateway.web.api.models import Message
from gateway.web.api.shapes import Told

Reading: Any = model_of(readable.Reading)
Source: Any = model_of(readable.Source)
Outlook: Any = model_of(look.Outlook)


class Sources(Told):
    """The code in one message, by part."""

    items: tuple[Source, ...]


class Similar(Told):
    """Another held message."""

    message: Message
    common: Text = Field(description="What the two have in common.")


class AllSimilar(Told):
    """Messages like one, newest first."""

    items: tuple[Similar, ...]
