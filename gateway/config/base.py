"""What the sections of the configuration are made of.

Contract: readers take a value of the file and give the setting, or raise ``ValueError`` with the sentence to show.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo

from gateway.mistakes import shown


class Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def line(value: object) -> str:
    """One line."""
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"must be text on one line, not {shown(value)}")
    return value


def file(value: object, info: ValidationInfo) -> Path:
    """A path as the file writes it, starting where the file lies."""
    name = str(value) if isinstance(value, Path) else line(value)
    if not name:
        raise ValueError("is empty; leave the key out instead")
    base = info.context if isinstance(info.context, Path) else Path.cwd()
    return base / name


File = Annotated[Path, BeforeValidator(file)]
