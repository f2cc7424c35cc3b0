"""What somebody wants of a release: to whom, and how.

Contract: pure. ``words`` and ``parse`` carry every field, so that a wish that was approved is the very wish that is
carried out; a field that is added is bound with the others.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked for. ``recipients`` None: all who have not got it. ``to``: other addresses instead.
    ``again``: also where that may make a twin."""

    recipients: tuple[str, ...] | None = None
    to: tuple[str, ...] = ()
    again: bool = False
    disarmed: bool = False
    """A copy without what was found in it: the original stays held."""

    @property
    def words(self) -> str:
        """Every field, as JSON in ASCII."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    def parse(cls, words: str) -> Wish | None:
        """What ``words`` made, or None: half a wish is none."""
        try:
            fields: dict[str, Any] = json.loads(words)
            whole: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
            wish = cls(**whole)
            texts = (*(wish.recipients or ()), *wish.to)
            return wish if wish.words == words and all(isinstance(text, str) for text in texts) else None
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None
