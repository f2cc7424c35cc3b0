"""Who asks for something, and what a role may do.

Contract: no state, no files. Pages, API and commands hand a ``Person`` to the desk (``gateway.desk``), which alone
decides whether that person may; what a page shows or hides is a courtesy.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Role(enum.StrEnum):
    """What a user may do; each may do what those before it may."""

    VIEWER = "viewer"
    RELEASER = "releaser"

    def may(self, needed: Role) -> bool:
        """Whether this role is enough."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is known. ``via`` is where they came in: ``web``, ``api``."""

    name: str
    role: Role
    via: str = "web"

    @property
    def who(self) -> str:
        """As the journal names them."""
        return f"{self.name} ({self.via})"
