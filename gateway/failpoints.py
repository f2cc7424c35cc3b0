"""Places where the gateway can be told to die, to stop or to fail, so that it can be shown that no mail is lost there.

Contract: nothing ever happens here unless ``MACROGATE_FAILPOINT`` is in the environment when the process starts: then
``reach`` does what it says, at the place it names. ``serve`` refuses to start with a value that makes no sense, and its
log says that mail is going to suffer. Outside of tests nobody sets it.

    MACROGATE_FAILPOINT=after-nexthop-250:kill       die by SIGKILL the first time that place is reached
    MACROGATE_FAILPOINT=message-renamed:stop:12      stop the whole process, as SIGSTOP does, the twelfth time
    MACROGATE_FAILPOINT=before-keep:error            raise an exception nobody expects
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

VARIABLE = "MACROGATE_FAILPOINT"

PLACES: Mapping[str, str] = {
    "after-mail": "the next hop has accepted MAIL",
    "after-rcpt": "the next hop has accepted a recipient",
    "after-354": "the client was told to send",
    "during-data": "a piece of the message has come",
    "after-dot": "the whole message is in the spool",
    "after-scan": "there is a verdict and a decision",
    "before-keep": "the quarantine is about to be asked",
    "message-written": "message and record are written",
    "message-synced": "both are flushed",
    "message-renamed": "the folder has its final name",
    "message-durable": "the folder above is flushed",
    "message-indexed": "the row is committed",
    "after-keep": "the quarantine has it",
    "before-nexthop-data": "the next hop is about to get the message",
    "during-nexthop-data": "a piece of it was written to the next hop",
    "before-nexthop-dot": "all of it but the last piece and the dot",
    "after-nexthop-250": "the next hop has replied to the dot",
    "before-our-reply": "the client is about to hear",
    "after-our-reply": "the reply was written",
    "journal-written": "a line of a journal is written and not flushed",
    "release-begun": "the journal says that a release has begun",
    "release-sent": "the next hop has taken what was released",
    "release-noted": "the journal says so",
    "start-swept": "what was unfinished is removed, at the start",
    "start-adopted": "what had no row is marked as recovered, and has no row yet",
    "milter-changing": "the MTA was told a part of the changes",
    "milter-changed": "the MTA was told all changes and not yet that the message is accepted",
}
"""Every place, and what has happened when it is reached."""


class FailpointError(Exception):
    """What the act ``error`` raises."""


class BadFailpoint(ValueError):
    """The variable makes no sense; the message is the sentence for who set it."""


@dataclass(slots=True)
class Failpoint:
    """One place, what is done there, and how many more times it is passed before."""

    place: str
    act: str
    passes: int = 0

    @classmethod
    def parse(cls, text: str) -> Failpoint:
        """``PLACE:ACT`` or ``PLACE:ACT:N``. Raises ``BadFailpoint``."""
        place, _, rest = text.partition(":")
        act, colon, count = rest.partition(":")
        if place not in PLACES:
            raise BadFailpoint(f"{VARIABLE}: there is no place {place!r}; there are {', '.join(PLACES)}")
        if act not in ACTS:
            raise BadFailpoint(f"{VARIABLE}: {act!r} cannot be done; write {place}:{' or :'.join(ACTS)}")
        if colon and not (count.isascii() and count.isdigit() and int(count) > 0):
            raise BadFailpoint(f"{VARIABLE}: {count!r} is no number of times")
        return cls(place, act, int(count or 1) - 1)

    def reach(self, place: str) -> None:
        """Passing ``place``."""
        if place != self.place:
            return
        if self.passes:
            self.passes -= 1
            return
        ACTS[self.act](place)


def _error(place: str) -> None:
    raise FailpointError(f"told to fail at {place}")


ACTS: Mapping[str, Callable[[str], None]] = {
    "kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda _: os.kill(os.getpid(), signal.SIGSTOP),
    "error": _error,
}


def _nothing(place: str) -> None:
    """Any other day."""


def wanted() -> str:
    """What the environment says; "" on any other day."""
    return os.environ.get(VARIABLE, "")


def arm() -> None:
    """Do from now on what the environment says. Raises ``BadFailpoint``."""
    global reach  # noqa: PLW0603 - so that on any other day passing a place costs one empty call
    reach = Failpoint.parse(wanted()).reach if wanted() else _nothing


reach: Callable[[str], None] = _nothing
"""Passing a place of ``PLACES``: called as ``failpoints.reach("after-dot")``."""
