"""Names that are no indicators: ``rules/iocs.toml``, and our own domains.

Contract: ``Never.parse`` raises ``ValueError`` with the sentences to show. A name stands for itself and for everything
below it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.mistakes import sentences


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    names: tuple[str, ...] = Field(min_length=1)
    why: str = Field(min_length=10)
    urls: Literal["told", "left out"]
    """Whether an address below such a name is an indicator although the name is none."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    never: tuple[_Entry, ...]


class Never:
    """``harmless`` names are in no indicator; ``shared`` ones are no domain to block, but their addresses are told."""

    def __init__(self, harmless: Iterable[str] = (), shared: Iterable[str] = ()) -> None:
        self._harmless = frozenset(harmless)
        self._shared = frozenset(shared)

    @classmethod
    def parse(cls, text: str) -> Never:
        """The table in ``text`` (TOML)."""
        try:
            file = _File.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"not TOML: {error}") from None
        except ValidationError as error:
            raise ValueError("\n".join(sentences(error, _File))) from None
        names = {
            urls: [name for entry in file.never if entry.urls == urls for name in entry.names]
            for urls in ("told", "left out")
        }
        if odd := [name for name in (*names["told"], *names["left out"]) if name != name.lower() or "." not in name]:
            raise ValueError(f"names are whole and in small letters, not {', '.join(odd)}")
        return cls(names["left out"], names["told"])

    @classmethod
    def read(cls, rules: Path) -> Never:
        """The table in the folder of the rules. Raises ``ValueError``, with the name of the file."""
        path = rules / "iocs.toml"
        try:
            return cls.parse(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: {getattr(error, 'strerror', None) or error}") from error

    def harmless(self, name: str) -> bool:
        """Whether nothing there is an indicator."""
        return below(name, self._harmless)

    def shared(self, name: str) -> bool:
        """Whether everybody uses it, so that only whole addresses tell anything."""
        return below(name, self._shared)


def below(name: str, names: frozenset[str]) -> bool:
    """Whether ``name`` is one of ``names`` or lies below one."""
    labels = name.split(".")
    return any(".".join(labels[start:]) in names for start in range(len(labels)))
