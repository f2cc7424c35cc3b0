"""Who gets a digest, when, and what became of it; and the word to the admin.

Contract: only mail that is held for a recipient is told, to that recipient alone, and only where the domain is one of
``[digest] domains``; at most one digest a day and recipient, with ``ROWS`` messages at the most. Letters go the way of
released mail, with the null reverse-path, so that they are neither filtered by us nor bounce to anybody. A letter that
was put off is tried again until the day is over; one that was refused is not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from datetime import time as clock_time

from gateway.closed_sets import Action, HeldState
from gateway.digest import state as states
from gateway.digest.letter import ADDRESS, Row, Writer, digest, request
from gateway.digest.state import State
from gateway.message import Client, Envelope, Recipient, Reply
from gateway.quarantine import Filters, HeldMessage, Quarantine
from gateway.quarantine.release import Deliver

ROWS = 50
"""Messages in one letter."""
PAGE = 500
BATCH = 50
"""Letters between two notes on disk."""
MOST = 20_000
"""Recipients of one day."""
PER_HOUR = 20
"""Words to the admin about requests."""

Way = Callable[[], AbstractAsyncContextManager[Deliver]]
LinkTo = Callable[[str, str], str]
"""Where a recipient asks for what is held under an id; "" for nowhere."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One configuration of digests. ``at`` is local time."""

    writer: Writer
    domains: frozenset[str]
    at: clock_time
    link_to: LinkTo


@dataclass(slots=True)
class Post:
    """What is to be told to one recipient."""

    rows: list[Row] = field(default_factory=list)
    total: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Letters of one run by what became of them."""

    sent: int = 0
    put_off: int = 0
    refused: int = 0


async def posts(
    quarantine: Quarantine, plan: Plan, told: dict[str, states.Told], now: datetime, only: str = ""
) -> dict[str, Post]:
    """By recipient, what is held at ``now`` and not told yet, the newest first. Raises ``QuarantineError``."""
    found: dict[str, Post] = {}
    async for message in _held(quarantine, now, only):
        if message.action != Action.QUARANTINE:  # of the others they have a copy, with a notice
            continue
        for recipient in message.recipients:
            name = recipient.address.lower()
            if recipient.delivered or (only and name != only) or not _is_ours(name, plan.domains):
                continue
            if name in told and message.kept_at.timestamp() <= told[name].upto:
                continue
            if name not in found and len(found) >= MOST:
                continue
            post = found.setdefault(name, Post())
            post.total += 1
            if len(post.rows) < ROWS:
                post.rows.append(_row(message, plan.link_to(message.id, recipient.address)))
    return found


async def run(quarantine: Quarantine, plan: Plan, memory: State, way: Way, now: datetime, only: str = "") -> Outcome:
    """Send what is due on the day of ``now``. Raises ``StateError`` and ``QuarantineError``."""
    with memory.alone():
        today = now.date()
        done, told = await asyncio.to_thread(memory.read)
        due = await posts(quarantine, plan, told, now, only)
        names = [name for name in due if name not in told or told[name].day != today]
        counts = {"sent": 0, "put_off": 0, "refused": 0}
        async with way() as deliver:
            for start in range(0, len(names), BATCH):
                batch = names[start : start + BATCH]
                before = {name: told[name] for name in batch if name in told}
                states.begun(told, batch, today)
                await asyncio.to_thread(memory.write, done, told, today)
                for name in batch:
                    letter = digest(plan.writer, name, due[name].rows, due[name].total, now)
                    what = _result(await send(deliver, name, letter))
                    counts[what] += 1
                    if what == "sent":
                        states.sent(told, name, now)
                    elif what == "put_off":  # nobody has taken it, so it may be tried again today
                        states.forget(told, name, before.get(name))
                await asyncio.to_thread(memory.write, done, told, today)
        if not only and not counts["put_off"]:
            await asyncio.to_thread(memory.write, today, told, today)
    return Outcome(**counts)


async def send(deliver: Deliver, recipient: str, letter: bytes) -> Reply:
    """The next hop's word on one letter."""
    (reply,) = await deliver(Envelope("", (Recipient(recipient),)), Client(), [letter])
    return reply


def is_due(plan: Plan, done: date | None, now: datetime) -> bool:
    """Whether the digests of the day are to be sent at ``now`` (local time)."""
    return done != now.date() and now.time() >= plan.at


class Notifier:
    """Tells the admins that a recipient asks for a release, ``PER_HOUR`` times an hour at the most."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: list[float] = []
        self._untold = 0

    async def tell(
        self, way: Way, writer: Writer, to: Sequence[str], *, held_id: str, who: str, why: str, page: str, now: datetime
    ) -> list[Reply]:
        """The next hop's word for each of ``to``; none where there were too many already."""
        moment = self._clock()
        self._times = [one for one in self._times if moment - one < 3600]
        if len(self._times) >= PER_HOUR:
            self._untold += 1
            return []
        self._times.append(moment)
        more, self._untold = self._untold, 0
        letters = [
            (one, request(writer, one, held_id=held_id, who=who, why=why, page=page, more=more, now=now)) for one in to
        ]
        async with way() as deliver:
            return [await send(deliver, one, letter) for one, letter in letters]


def _result(reply: Reply) -> str:
    return "sent" if reply.positive else "refused" if reply.code >= 500 else "put_off"


async def _held(quarantine: Quarantine, now: datetime, recipient: str) -> AsyncIterator[HeldMessage]:
    filters = Filters(states=frozenset({HeldState.HELD}), recipient=recipient, until=now, limit=PAGE)
    while page := await quarantine.find(filters):
        for message in page:
            yield message
        filters = replace(filters, older_than=page[-1].place)


def _is_ours(address: str, domains: frozenset[str]) -> bool:
    return ADDRESS.fullmatch(address) is not None and address.rpartition("@")[2] in domains


def _row(message: HeldMessage, link: str) -> Row:
    return Row(message.id, message.subject, message.from_header or message.sender, message.kept_at, message.why, link)
