"""What binds the answer of the provider to the browser, and to the question, it belongs to.

Contract: ``issue`` gives a ticket for one sign-in; the browser keeps it in a cookie no script reads. State, nonce and
PKCE verifier are made of it with a key that this process alone has, so nothing is kept here for those who only begin,
however many: memory is used by those who come back. ``redeem`` takes a ticket once, within ``LASTS`` seconds, and only
with its own state.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache

from gateway.web.oidc import NotLetInError
from gateway.web.places import local
from gateway.web.sessions import same

LASTS = 600.0
"""Seconds somebody has for the provider's pages."""
MAX_REDEEMED = 100_000

AGAIN = "Please begin again at the sign-in page."


@dataclass(frozen=True, slots=True)
class Ticket:
    """One sign-in under way. ``cookie`` is for the browser, ``goal`` the path it wanted to see."""

    cookie: str
    goal: str
    state: str
    nonce: str
    verifier: str


class Tickets:
    """All of this process; none outlives it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._redeemed: TTLCache[str, bool] = TTLCache(MAX_REDEEMED, LASTS, timer=clock)

    def issue(self, goal: str) -> Ticket:
        """For whoever wants to see the page ``goal``."""
        until = f"{self._clock() + LASTS:.0f}"
        body = f"{secrets.token_urlsafe(24)}.{until}.{_coded(local(goal).encode())}"
        return self._ticket(body)

    def redeem(self, cookie: str, state: str) -> Ticket:
        """The ticket behind a cookie. Raises ``NotLetInError``."""
        body, _, seal = cookie.rpartition(".")
        if not body:
            raise NotLetInError(f"This browser has not begun this sign-in, or its cookies are off. {AGAIN}")
        if not same(seal, self._made("seal", body)):
            raise NotLetInError(f"The gateway was restarted since this sign-in began. {AGAIN}")
        ticket = self._ticket(body)
        if not same(state, ticket.state):
            raise NotLetInError(f"This answer belongs to another sign-in than the last one of this browser. {AGAIN}")
        if float(body.split(".")[1]) < self._clock():
            raise NotLetInError(f"This sign-in took more than {LASTS / 60:.0f} minutes. {AGAIN}")
        if ticket.state in self._redeemed:
            raise NotLetInError(f"This sign-in was used already. {AGAIN}")
        self._redeemed[ticket.state] = True
        return ticket

    def _ticket(self, body: str) -> Ticket:
        goal = body.split(".")[2]
        return Ticket(
            cookie=f"{body}.{self._made('seal', body)}",
            goal=base64.urlsafe_b64decode(goal + "=" * (-len(goal) % 4)).decode(),
            state=self._made("state", body),
            nonce=self._made("nonce", body),
            verifier=self._made("verifier", body),
        )

    def _made(self, what: str, body: str) -> str:
        """43 characters that only this process can make."""
        return _coded(hmac.digest(self._key, f"{what} {body}".encode("utf-8", "replace"), hashlib.sha256))


def _coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
