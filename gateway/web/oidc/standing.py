"""What somebody may here, by what the provider says about them.

Contract: pure. ``person`` takes claims that were verified and raises ``NotLetInError`` for whom no role is for. The
name is only what to call them (``Person``): it is cut, and no sign in it can be taken for ours.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from gateway.message import clip
from gateway.web.oidc import NotLetInError, Terms
from gateway.web.people import Person, Role

LONGEST_NAME = 64
MOST_GROUPS = 10_000
_SIGNS = frozenset(" ._@'-+,")


def person(claims: Mapping[str, Any], terms: Terms) -> Person:
    """Who it is. Raises ``NotLetInError``."""
    subject = str(claims["sub"])
    name = _name(claim(claims, terms.name_claim)) or _name(subject)
    found = groups(claims, terms.role_claim)
    roles = [terms.roles[group] for group in found if group in terms.roles]
    if not roles:
        raise NotLetInError(_why_not(name, found, claims, terms))
    return Person(name, max(roles, key=list(Role).index), "oidc", terms.issuer, subject)


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of this name, else the one at this path, as in ``realm_access.roles``; None if there is none. Names of
    claims may have dots in them, as those that are addresses have."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def groups(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """The words of a claim that is a word or a list of them."""
    found = claim(claims, path)
    words = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return tuple(word for word in words[:MOST_GROUPS] if isinstance(word, str))


def _name(found: object) -> str:
    """Letters and digits of any script and a few signs. None that turns a line round, and no bracket: the journal puts
    the way somebody came behind their name in brackets."""
    if not isinstance(found, str):
        return ""
    plain = (sign if sign in _SIGNS or unicodedata.category(sign)[0] in "LMN" else "_" for sign in found[:LONGEST_NAME])
    return "".join(plain).strip()


def _why_not(name: str, found: tuple[str, ...], claims: Mapping[str, Any], terms: Terms) -> str:
    said = f"{terms.host} says that you are {clip(name, LONGEST_NAME)}"
    if found:
        lack = f"and none of the groups it names for you ({len(found)}) has a role here"
    elif isinstance(claims.get("_claim_names"), Mapping) and terms.role_claim in claims["_claim_names"]:
        lack = "and that you are in more groups than it can name (for Entra ID, app roles are the way out)"
    else:
        lack = f"and names no group of yours (claim {clip(terms.role_claim, 100)})"
    return f"{said}, {lack}. Who looks after Macrogate can give one a role: the table roles of [http.oidc]."
