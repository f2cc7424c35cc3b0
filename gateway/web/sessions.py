"""Signed-in people, and how often somebody may try to be one of them.

Contract: a session is a random token known to one browser; what belongs to it stays here, in memory, and ends with the
process. It ends after ``IDLE`` seconds without a request and after ``LONGEST`` in any case. Bounded, whoever asks.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache

from gateway.web.people import Person

IDLE = 1800.0
LONGEST = 12 * 3600.0
MAX_SESSIONS = 1000

TRIES_OF_ADDRESS = 5
TRIES_OF_NAME = 20
"""Wrong passwords before the next has to wait; more for a name, so that strangers cannot lock its owner out so soon."""
PENALTY = 300.0
"""Seconds after which a wrong try is forgotten."""
MAX_REMEMBERED = 10_000

Clock = Callable[[], float]


@dataclass(slots=True)
class Session:
    """One signed-in browser. ``form`` is the token each of its forms has to carry; ``proof`` what the user was when
    it began. ``guest`` is whom another server vouches for, as long as the session lasts, and ``voucher`` its word for
    it, by which that server knows whom to sign out."""

    token: str
    user: str
    proof: str
    form: str
    began: float
    used: float
    guest: Person | None = None
    voucher: str = ""


class Sessions:
    """All sessions of this process."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, Session] = {}

    def begin(self, user: str, proof: str = "", guest: Person | None = None, voucher: str = "") -> Session:
        """A new session, with a token nobody has had before."""
        now = self._clock()
        self._open = {token: session for token, session in self._open.items() if self._lives(session, now)}
        while len(self._open) >= MAX_SESSIONS:
            del self._open[min(self._open, key=lambda token: self._open[token].used)]
        token, form = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        session = Session(token, user, proof, form, now, now, guest, voucher)
        self._open[session.token] = session
        return session

    def get(self, token: str, *, by_itself: bool = False) -> Session | None:
        """The session of a token, which is in use from now on again, unless a page asks ``by_itself``."""
        session = self._open.get(token)
        now = self._clock()
        if session is None or not self._lives(session, now):
            self._open.pop(token, None)
            return None
        if not by_itself:
            session.used = now
        return session

    def end(self, token: str) -> None:
        """Sign out."""
        self._open.pop(token, None)

    def end_all_of(self, user: str) -> None:
        """Sign a user out everywhere."""
        self._open = {token: session for token, session in self._open.items() if session.user != user}

    @staticmethod
    def _lives(session: Session, now: float) -> bool:
        return now - session.used <= IDLE and now - session.began <= LONGEST


def same(one: str, other: str) -> bool:
    """Compare secrets in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


class Tries:
    """Wrong passwords lately, by user name and by address."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._names: TTLCache[str, int] = TTLCache(MAX_REMEMBERED, PENALTY, timer=clock)
        self._addresses: TTLCache[str, int] = TTLCache(MAX_REMEMBERED, PENALTY, timer=clock)

    def may(self, name: str, address: str) -> bool:
        """Whether another try is heard at all."""
        return self._names.get(name, 0) < TRIES_OF_NAME and self._addresses.get(address, 0) < TRIES_OF_ADDRESS

    def wrong(self, name: str, address: str) -> None:
        """One more that failed."""
        self._names[name] = self._names.get(name, 0) + 1
        self._addresses[address] = self._addresses.get(address, 0) + 1

    def right(self, name: str) -> None:
        """It was the owner after all. The address keeps its count: an own account is no way to more tries."""
        self._names.pop(name, None)
