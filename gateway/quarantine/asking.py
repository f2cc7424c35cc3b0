"""Releases that one person asks for and another decides: what stands in the journal about them.

Contract: pure; all is read from the journal of one message, so it outlives a restart, and is bound to that message and
to every word of the wish. At most one request is open at a time. It ends when it is carried out, refused, taken back,
when the message leaves the quarantine otherwise, and ``LASTS`` after it was asked or approved. A request can be
approved once, by another account than the one that asks. In a journal that was tampered with nothing is approved.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.closed_sets import HeldState
from gateway.message import clip
from gateway.quarantine.errors import NotPossible
from gateway.quarantine.journal import Entry, Journal, What
from gateway.quarantine.ledger import Step, require
from gateway.quarantine.models import Files
from gateway.quarantine.wish import Wish

LASTS = timedelta(hours=24)
"""How long somebody may wait for an answer, and how long an approval may wait to be carried out."""

MOST = 50
"""Requests about one message, ever: its journal must not grow without end."""

MOST_OTHERS = 50
"""Other addresses in one request."""


class Standing(enum.StrEnum):
    """What became of a request."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    TAKEN_BACK = "taken back"
    EXPIRED = "expired"
    DONE = "carried out"
    OVERTAKEN = "overtaken"


OPEN = frozenset({Standing.WAITING, Standing.APPROVED})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``number`` is the sequence of its entry, by which it is meant and no other; ``since`` when it was
    asked for or, once approved, approved (UTC)."""

    number: int
    account: str
    who: str
    why: str
    wish: Wish
    told: str
    since: datetime
    standing: Standing = Standing.WAITING

    @property
    def until(self) -> datetime:
        """When it expires."""
        return self.since + LASTS


ENDS = {
    What.APPROVED: Standing.APPROVED,
    What.REFUSED: Standing.REFUSED,
    What.TAKEN_BACK: Standing.TAKEN_BACK,
    What.RELEASED: Standing.DONE,
    What.COPIED: Standing.DONE,
}
"""What the entries about a request make of it."""


def requests(journal: Journal, now: datetime) -> tuple[Asked, ...]:
    """All of one message, in the order they were asked."""
    found: dict[int, Asked] = {}
    for entry in journal.entries:
        if entry.what is What.ASKED and (wish := Wish.parse(entry.wish)) is not None:
            words = (entry.account, entry.who, entry.why, wish, entry.detail)
            found[entry.sequence] = Asked(entry.sequence, *words, since=entry.at)
        elif entry.about in found:
            found[entry.about] = _after(found[entry.about], entry)
    return tuple(_now(asked, journal, now) for asked in found.values())


def _after(asked: Asked, entry: Entry) -> Asked:
    # who got a copy that is not the original to its recipient is not noted: a second try would send it to all again
    half = entry.what is What.RELEASE_FAILED and (asked.wish.to or asked.wish.disarmed)
    standing = Standing.DONE if half else ENDS.get(entry.what, asked.standing)
    since = entry.at if entry.what is What.APPROVED else asked.since
    return replace(asked, standing=standing, since=since)


def _now(asked: Asked, journal: Journal, now: datetime) -> Asked:
    if asked.standing not in OPEN:
        return asked
    if journal.state not in (HeldState.HELD, HeldState.RELEASING):
        return replace(asked, standing=Standing.OVERTAKEN)
    late = abs(now - asked.since) > LASTS  # also when the clock was wrong by more than that
    return replace(asked, standing=Standing.EXPIRED) if late else asked


def opened(journal: Journal, now: datetime) -> Asked | None:
    """The one that waits to be decided, or approved to be carried out."""
    return next((asked for asked in requests(journal, now) if asked.standing in OPEN), None)


def approved(journal: Journal, now: datetime) -> Asked | None:
    """The one that may be carried out now."""
    asked = opened(journal, now) if journal.intact else None
    return asked if asked is not None and asked.standing is Standing.APPROVED else None


def numbered(journal: Journal, number: int, now: datetime) -> Asked:
    """The open request of this number. Raises ``NotPossible``: the one somebody saw may be another by now."""
    asked = next((one for one in requests(journal, now) if one.number == number), None)
    if asked is None:
        raise NotPossible("There is no such request to release this message")
    if asked.standing not in OPEN:
        raise NotPossible(f"This request of {asked.who} is {asked.standing} already")
    return asked


# what people do, as steps of the journal


def ask(files: Files, wish: Wish, told: str, account: str, now: datetime) -> Step:
    """Raises ``NotPossible``."""
    require(files, HeldState.HELD)
    if len(wish.to) > MOST_OTHERS or any(len(address) > 320 for address in wish.to):
        raise NotPossible(f"A request names {MOST_OTHERS} other addresses at the most, of 320 characters each")
    if wish.again:
        raise NotPossible("What was released before is not asked for again: send it with the command on the machine")
    known = requests(files.journal, now)
    standing = next((asked for asked in known if asked.standing in OPEN), None)
    if standing is not None:
        raise NotPossible(
            f"{standing.who} asks already ({standing.told}); that has to be decided, or taken back, first"
        )
    if len(known) >= MOST:
        raise NotPossible(f"{files.record.held_id} was asked for {MOST} times; it is not asked for any more")
    return Step(What.ASKED, HeldState.HELD, told, account=account, wish=wish.words)


def approve(files: Files, number: int, account: str, now: datetime, *, two_person: bool) -> Step:
    """Raises ``NotPossible``; under the rule of two persons also when ``account`` is the one that asks."""
    require(files, HeldState.HELD)
    asked = numbered(files.journal, number, now)
    if not files.journal.intact:
        raise NotPossible("The history of this message was changed after it was written; nothing in it can be approved")
    if asked.standing is Standing.APPROVED:
        raise NotPossible("It was approved already")
    if two_person and same(asked.account, account):
        raise NotPossible("You ask for it yourself: here another person has to approve it")
    return Step(What.APPROVED, HeldState.HELD, asked.told, account=account, about=number)


def refuse(files: Files, number: int, account: str, now: datetime) -> Step:
    """Raises ``NotPossible``. ``number`` 0: what recipients ask for by their links."""
    require(files, HeldState.HELD)
    if number == 0:
        if not recipients_wait(files.journal):
            raise NotPossible("No recipient waits for an answer")
        return Step(What.REFUSED, HeldState.HELD, account=account)
    asked = numbered(files.journal, number, now)
    return Step(What.REFUSED, HeldState.HELD, asked.told, account=account, about=number)


def take_back(files: Files, number: int, account: str, now: datetime) -> Step:
    """Raises ``NotPossible`` when it is somebody else's."""
    require(files, HeldState.HELD)
    asked = numbered(files.journal, number, now)
    if not same(asked.account, account):
        raise NotPossible(f"Only {clip(asked.who, 100)} can take it back; a releaser can refuse it")
    return Step(What.TAKEN_BACK, HeldState.HELD, asked.told, account=account, about=number)


def recipients_wait(journal: Journal) -> bool:
    """Whether a recipient asked for it by a link and nobody has refused anything since."""
    last = max((entry.sequence for entry in journal.entries if entry.what is What.REFUSED), default=0)
    held = journal.state is HeldState.HELD
    return held and any(entry.what is What.REQUESTED and entry.sequence > last for entry in journal.entries)


def same(one: str, other: str) -> bool:
    """Whether two names are one account: an empty one is nobody's, and so everybody's."""
    return not one or not other or one.casefold() == other.casefold()
