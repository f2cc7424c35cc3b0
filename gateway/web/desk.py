"""The quarantine as the pages and the API need it.

Contract: an interface and the words it uses, nothing that acts; ``gateway.desk`` fulfils it. Every method that changes
something is told who asks, and is where it is decided whether that person may.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlencode

from gateway.closed_sets import Effect
from gateway.iocs.gather import Collected, Wanted
from gateway.policy.entries import Entry, Subject
from gateway.web.look import Look
from gateway.web.pages import DeskError
from gateway.web.people import TAKES, Act, Person
from gateway.web.today import Today

PAGE = 50
"""Messages on one page of the list."""
PLACE = re.compile(r"[0-9]{1,17}")
FINGERPRINT = re.compile(r"[0-9a-f]{8,64}")
"""Of a macro."""
DIGEST = re.compile(r"[0-9a-f]{64}")
"""SHA-256 of a file."""
SEARCHED = ("text", "state", "verdict", "sender", "recipient", "subject", "since", "until", "campaign", "file")
"""What of a query an address holds, so that a view can be kept as a bookmark."""


class NotHeld(DeskError):
    """There is no such message."""


class NotAllowed(DeskError):
    """This person may not do that."""


class NotTaken(DeskError):
    """The next hop did not take every copy; the message has its words."""


class Failed(DeskError):
    """Nothing is wrong with what was asked for, but it could not be done now."""


def require(by: Person, act: Act) -> None:
    """Raise ``NotAllowed`` unless this person's role is enough."""
    if not by.may(act):
        raise NotAllowed(f"You may not {act}: that takes the role {TAKES[act]}; yours is {by.role}.")


@dataclass(frozen=True, slots=True)
class Query:
    """What the list is to show. Texts match anywhere; ``state`` "" is what still waits, "all" everything. ``older`` and
    ``newer`` are places in the list (``place``) after or before which it goes on. ``since`` and ``until`` are days
    (UTC, both included) or moments with their zone (``until`` not included), ``campaign`` is the fingerprint of a
    macro, ``file`` the SHA-256 of a file in which something was found, ``text`` words that are anywhere."""

    state: str = ""
    verdict: str = ""
    sender: str = ""
    recipient: str = ""
    subject: str = ""
    older: str = ""
    newer: str = ""
    limit: int = PAGE
    since: str = ""
    until: str = ""
    campaign: str = ""
    text: str = ""
    file: str = ""

    def at(self, **place: str) -> str:
        """The query string of another page of the same list."""
        return urlencode({name: getattr(self, name) for name in SEARCHED if getattr(self, name)} | place)


def moment(text: str, *, after: bool = False) -> datetime | None:
    """A moment, or the beginning of a day in UTC; ``after``: of the next day. Of "" None."""
    if not text or "T" in text:
        return datetime.fromisoformat(text) if text else None
    midnight = datetime.fromisoformat(text).replace(tzinfo=UTC)
    try:
        return midnight + timedelta(days=after)
    except OverflowError:  # nothing comes after the last of all days
        return None


def place(message: Any) -> str:
    """Where a message stands in the list, as the address of a page says it."""
    return str(message.place)


class Excepting(Protocol):
    """What people on duty allow and block. All raise ``DeskError``."""

    async def find(self, *, all: bool = False) -> Sequence[Entry]:  # noqa: A002 - reads as what it means
        """What is in force, or all of the last year, the newest first."""

    async def get(self, entry_id: str) -> Entry: ...

    async def add(
        self,
        effect: Effect,
        subject: Subject,
        what: str,
        *,
        by: Person,
        why: str,
        recipients: Sequence[str] = (),
        expires: datetime | None = None,
    ) -> Entry: ...

    async def remove(self, entry_id: str, *, by: Person, why: str) -> Entry: ...


class Indicators(Protocol):
    """What is known of attackers by the mail that was stopped. Raises ``DeskError``."""

    async def collect(self, wanted: Wanted, *, by: Person) -> Collected: ...


class Desk(Protocol):
    """The quarantine as the pages need it. All raise ``DeskError``, ``NotHeld`` and ``NotAllowed`` among them; what
    they give has the attributes of
    ``HeldMessage`` and ``Held`` of the quarantine."""

    @property
    def exceptions(self) -> Excepting: ...

    @property
    def iocs(self) -> Indicators: ...

    @property
    def look(self) -> Look:
        """What can be seen of one message beyond its record."""

    async def find(self, query: Query) -> Sequence[Any]: ...

    async def count(self, query: Query) -> int:
        """How many fit, counted up to ``limit``."""

    async def revision(self) -> str:
        """Another word after every change of what is held; cheap to ask for."""

    async def resolve(self, prefix: str) -> str:
        """The one id that begins so."""

    async def get(self, held_id: str) -> Any: ...

    async def open_message(self, held_id: str, *, by: Person, why: str) -> BinaryIO:
        """The bytes as received, verified; the caller closes it. It is noted that this person takes them."""

    async def today(self) -> Today:
        """What the start page tells."""

    async def release(
        self,
        held_id: str,
        *,
        by: Person,
        why: str,
        recipients: Sequence[str] | None,
        to: Sequence[str] = (),
        disarmed: bool = False,
        again: bool = False,
        known: str = "",
    ) -> Sequence[tuple[str, str]]:
        """Each recipient and the next hop's word; None is everybody who has not got it yet. ``to``: a copy to other
        addresses instead, which have to be ours. ``disarmed``: a copy without what was found in it. ``again``: also
        where somebody may get it twice. ``known``: the verdict the person has seen, "" for that of when it came; an
        original that is worse by today's rules is not sent."""

    async def delete(self, held_id: str, *, by: Person, why: str) -> None: ...

    @property
    def two_person(self) -> bool:
        """Whether every release takes a request and the approval of another person."""

    async def request_release(
        self,
        held_id: str,
        *,
        by: Person,
        why: str,
        recipients: Sequence[str] | None,
        to: Sequence[str] = (),
        disarmed: bool = False,
    ) -> None:
        """Ask for what ``release`` would do; another person has to approve it."""

    async def approve(
        self, held_id: str, number: int, *, by: Person, why: str, known: str = ""
    ) -> Sequence[tuple[str, str]]:
        """Approve the request of this number and send just what it asks for; ``known`` and the answer as for
        ``release``."""

    async def send_approved(
        self, held_id: str, number: int, *, by: Person, known: str = ""
    ) -> Sequence[tuple[str, str]]:
        """Send once more what was approved and did not reach everybody."""

    async def turn_down(self, held_id: str, number: int, *, by: Person, why: str) -> None:
        """Say no to a request; ``number`` 0: to those that recipients made by their links."""

    async def take_back(self, held_id: str, number: int, *, by: Person) -> None:
        """A request of one's own."""

    async def waiting(self) -> int:
        """How many messages somebody waits for."""

    def request_on(self, held: Any) -> Any | None:
        """The request of our people that is open on a message: ``number``, ``who``, ``why``, ``told``, ``since``,
        ``until``, ``standing``."""

    def recipients_wait(self, held: Any) -> bool:
        """Whether a recipient asked for it by a link and nobody has refused it."""

    def is_mine(self, asked: Any, by: Person) -> bool:
        """Whether this person asks for it."""

    async def requests(self) -> Sequence[Any]:
        """Those messages, as ``get`` gives them."""
