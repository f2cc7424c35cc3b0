"""Who asks for something, what they may do, and what each act takes.

Contract: no state, no files. Pages, API and commands hand a ``Person`` and an ``Act`` to the desk (``gateway.desk``),
which alone decides whether that person may; what a page shows or hides is a courtesy. Every act has its role in
``TAKES``: an act without one does not exist.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.message import clip


class Role(enum.StrEnum):
    """What a user may do; each may do what those before it may."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    RELEASER = "releaser"
    ADMIN = "admin"

    def may(self, needed: Role) -> bool:
        """Whether this role is enough."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Act(enum.StrEnum):
    """What somebody can want of the desk; the words complete "You may not ..."."""

    LOOK = "look at what is held"
    DOWNLOAD = "download a held message"
    ASK = "ask for a release"
    RELEASE = "release a message"
    DECIDE = "approve or refuse a release that somebody asks for"
    DELETE = "delete a message"
    BLOCK = "block a sender or a macro"
    ALLOW = "let a sender or a macro pass from now on"


TAKES: Mapping[Act, Role] = MappingProxyType(
    {
        Act.LOOK: Role.VIEWER,
        Act.DOWNLOAD: Role.ANALYST,  # it is what attackers sent, on somebody's own machine
        Act.ASK: Role.ANALYST,
        Act.RELEASE: Role.RELEASER,
        Act.DECIDE: Role.RELEASER,
        Act.DELETE: Role.RELEASER,
        Act.BLOCK: Role.RELEASER,
        Act.ALLOW: Role.ADMIN,  # releases every message of its kind, unseen
    }
)
"""The least role for each act."""

EXPLAINED: Mapping[Role, str] = MappingProxyType(
    {
        Role.VIEWER: "look at what is held",
        Role.ANALYST: "download as well, and ask for a release",
        Role.RELEASER: "release, approve, delete and block as well",
        Role.ADMIN: "everything, and decide what passes from now on",
    }
)
"""What each role may, for people who give them."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is known. A local user is their ``name``, whichever way they came in: a token carries the name of
    whose it is. Whom a provider of OpenID Connect has signed in is its ``subject``, and ``name`` is only what to call
    them. ``via`` is the way they came: ``web``, ``api``, ``oidc``, ``proxy``."""

    name: str
    role: Role
    via: str = "web"
    issuer: str = ""
    subject: str = ""

    @property
    def account(self) -> str:
        """What the rule of two persons compares. No local name and no issuer has a ``#`` in it, so a provider can make
        nobody be a local user, or somebody of another provider, by calling them the same."""
        return f"{self.issuer}#{self.subject}" if self.issuer else self.name

    @property
    def who(self) -> str:
        """As the journal names them, in 100 characters at the most. A name a provider gave is not enough to tell who it
        was: many let people choose it."""
        if self.issuer:
            return f"{clip(self.name, 40)} ({self.via} {clip(self.subject, 48)})"
        return f"{self.name} ({self.via})"

    def may(self, act: Act) -> bool:
        """Whether the role is enough for it."""
        return self.role.may(TAKES[act])
