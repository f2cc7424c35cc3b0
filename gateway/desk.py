"""The quarantine and the gateway's health, as pages and API (``gateway.web``) ask for them.

Contract: joins the two families, which do not know each other, and holds no state. Here it is decided who may do
what, whether they come by a page or otherwise. What goes wrong is a ``DeskError`` with the sentence of whoever knows.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO

from gateway.closed_sets import HeldState, Verdict
from gateway.exception_desk import ExceptionDesk
from gateway.ioc_desk import IocDesk
from gateway.looking import Looking, Sending, told
from gateway.quarantine import Filters, HeldNotFound, NotPossible, Quarantine, QuarantineError, asking
from gateway.quarantine.asking import Asked
from gateway.quarantine.downloads import AS_IT_IS
from gateway.quarantine.release import Deliver
from gateway.quarantine.wish import Wish
from gateway.web.desk import Query, moment, require
from gateway.web.pages import DeskError
from gateway.web.people import Act, Person
from gateway.web.today import Today

WAITING = frozenset({HeldState.HELD, HeldState.RELEASING})
MOST_LISTED = 100
"""Messages on the page of requests: who has more of them answers these first."""
SOMEBODY = "one of the recipients"
"""Who asks by a link that all recipients of a message got."""


Tell = Callable[[str, str, str, str], None]
"""Notes in the log what became of a request: the step, the held id, who and why."""


class ReleaseDesk:
    """``way`` opens the way a released message takes, ``today`` finds out whether all is well, ``tell`` notes in the
    log what becomes of requests."""

    def __init__(
        self,
        quarantine: Quarantine,
        way: Callable[[], AbstractAsyncContextManager[Deliver]],
        today: Callable[[], Awaitable[Today]],
        exceptions: ExceptionDesk,
        look: Looking,
        tell: Tell,
        iocs: IocDesk,
    ) -> None:
        self.look = self._look = look
        self._quarantine = quarantine
        self._way = way
        self._today = today
        self.exceptions = exceptions
        self._tell = tell
        self.iocs = iocs

    async def find(self, query: Query) -> Sequence[Any]:
        """What fits, newest first."""
        with told():
            return await self._quarantine.find(_filters(query))

    async def count(self, query: Query) -> int:
        """How many fit, counted up to ``limit``."""
        with told():
            return await self._quarantine.count(_filters(query))

    async def revision(self) -> str:
        """Another word after every change of what is held."""
        with told():
            return str(await self._quarantine.revision())

    async def resolve(self, prefix: str) -> str:
        """The one id that begins so."""
        with told():
            return await self._quarantine.resolve(prefix)

    async def get(self, held_id: str) -> Any:
        """Everything about one message."""
        with told():
            return await self._quarantine.get(held_id)

    async def open_message(self, held_id: str, *, by: Person, why: str) -> BinaryIO:
        """The bytes as received, verified; the caller closes it. What is taken is in the journal before its first byte
        is."""
        require(by, Act.DOWNLOAD)
        with told(), contextlib.ExitStack() as opened:
            message = opened.enter_context(await self._quarantine.open_message(held_id))
            await self._quarantine.note_download(held_id, who=by.who, why=why, what=AS_IT_IS)
            opened.pop_all()
        return message

    async def today(self) -> Today:
        """What the start page tells."""
        return await self._today()

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
        """Send it to these of its recipients (None: to all who have not got it), or to others; what the next hop said
        to each."""
        require(by, Act.RELEASE)
        with told():
            record = (await self._quarantine.get(held_id)).record
            self._look.require_ours(record, to)
            async with self._way() as deliver, self._look.sending(record, disarmed=disarmed, known=known) as sending:
                done = await self._quarantine.release(
                    held_id,
                    who=by.who,
                    why=f"{why} ({sending.note})",
                    deliver=sending.through(deliver),
                    recipients=recipients,
                    to=to,
                    again=again,
                    disarmed=disarmed,
                )
        return done.replies

    @property
    def two_person(self) -> bool:
        """Whether every release takes a request and the approval of another person."""
        return self._quarantine.requests.two_person

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
        """Ask for what ``release`` would do; somebody has to approve it."""
        require(by, Act.ASK)
        wish = Wish(None if recipients is None else tuple(recipients), tuple(to), disarmed=disarmed)
        with told():
            self._look.require_ours((await self._quarantine.get(held_id)).record, to)
            await self._quarantine.requests.ask(held_id, wish, who=by.who, account=by.account, why=why)
        self._tell("asked", held_id, by.who, why)

    async def approve(
        self, held_id: str, number: int, *, by: Person, why: str, known: str = ""
    ) -> Sequence[tuple[str, str]]:
        """Approve a request of another, and send just what it asks for; what the next hop said to each. What today's
        rules do not let go is not approved, unless that is the ``known`` verdict the person has seen."""
        require(by, Act.DECIDE)
        with told():
            asked = await self._quarantine.requests.opened(held_id, number)
            async with self._sending(held_id, asked, known) as sending:
                await self._quarantine.requests.approve(held_id, number, who=by.who, account=by.account, why=why)
                self._tell("approved", held_id, by.who, why)
                return await self._carry_out(held_id, asked, by, why, sending)

    async def send_approved(
        self, held_id: str, number: int, *, by: Person, known: str = ""
    ) -> Sequence[tuple[str, str]]:
        """Try once more what was approved and did not reach everybody."""
        require(by, Act.RELEASE)
        with told():
            asked = await self._quarantine.requests.opened(held_id, number)
            async with self._sending(held_id, asked, known) as sending:
                return await self._carry_out(held_id, asked, by, asked.why, sending)

    @asynccontextmanager
    async def _sending(self, held_id: str, asked: Asked, known: str) -> AsyncIterator[Sending]:
        record = (await self._quarantine.get(held_id)).record
        self._look.require_ours(record, asked.wish.to)
        async with self._look.sending(record, disarmed=asked.wish.disarmed, known=known) as sending:
            yield sending

    async def _carry_out(
        self, held_id: str, asked: Asked, by: Person, why: str, sending: Sending
    ) -> Sequence[tuple[str, str]]:
        async with self._way() as deliver:
            done = await self._quarantine.carry_out(
                held_id, asked.wish, who=by.who, why=f"{why} ({sending.note})", deliver=sending.through(deliver)
            )
        return done.replies

    async def turn_down(self, held_id: str, number: int, *, by: Person, why: str) -> None:
        """Say no to a request; ``number`` 0: to those of recipients."""
        require(by, Act.DECIDE)
        with told():
            await self._quarantine.requests.refuse(held_id, number, who=by.who, account=by.account, why=why)
        self._tell("refused", held_id, by.who, why)

    async def take_back(self, held_id: str, number: int, *, by: Person) -> None:
        """A request of one's own."""
        require(by, Act.ASK)
        with told():
            await self._quarantine.requests.take_back(held_id, number, who=by.who, account=by.account)
        self._tell("taken-back", held_id, by.who, "")

    async def waiting(self) -> int:
        """How many messages somebody asks for; for the head of each page."""
        with told():
            return await self._quarantine.requests.count()

    async def requests(self) -> Sequence[Any]:
        """Those messages, as ``get`` gives them, who waits for longest first. One that cannot be read is passed over:
        its own page says why."""
        with told():
            ids = await self._quarantine.requests.ids(MOST_LISTED)
        found = []
        for held_id in ids:
            with contextlib.suppress(QuarantineError):
                found.append(await self._quarantine.get(held_id))
        return found

    def request_on(self, held: Any) -> Any | None:
        """The request of our people that waits on a message, or that was approved and has not reached everybody."""
        return asking.opened(held.journal, datetime.now(UTC))

    def recipients_wait(self, held: Any) -> bool:
        """Whether a recipient asked for it by a link and nobody has refused it."""
        return asking.recipients_wait(held.journal)

    def is_mine(self, asked: Any, by: Person) -> bool:
        """Whether this person asks for it."""
        return asking.same(asked.account, by.account)

    async def delete(self, held_id: str, *, by: Person, why: str) -> None:
        """Remove its bytes."""
        require(by, Act.DELETE)
        with told():
            await self._quarantine.delete(held_id, who=by.who, why=why)

    async def ask(self, held_id: str, recipient: str, why: str) -> None:
        """Note that a recipient asks for the original. Who clicks a link is told nothing but whether that was noted."""
        try:
            await self._quarantine.request(held_id, who=recipient or SOMEBODY, why=why)
        except NotPossible as error:
            raise DeskError("It was asked for already, or its fate is decided.") from error
        except HeldNotFound as error:
            raise DeskError("The original is not kept any more.") from error
        except QuarantineError as error:
            raise DeskError("That could not be noted now; please try again later.") from error


def _filters(query: Query) -> Filters:
    states = WAITING if not query.state else frozenset() if query.state == "all" else {HeldState(query.state)}
    return Filters(
        states=frozenset(states),
        since=moment(query.since),
        until=moment(query.until, after=True),
        verdict=Verdict.of(query.verdict) if query.verdict else None,
        sender=query.sender,
        recipient=query.recipient,
        subject=query.subject,
        campaign=query.campaign,
        file=query.file,
        text=query.text,
        limit=query.limit,
        older_than=int(query.older) if query.older else None,
        newer_than=int(query.newer) if query.newer else None,
    )
