"""The quarantine and the gateway's health, as pages and API (``gateway.web``) ask for them.

Contract: joins the two families, which do not know each other, and holds no state. Here it is decided who may do
what, whether they come by a page or otherwise. What goes wrong is a ``DeskError`` with the sentence of whoever knows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from gateway.exception_desk import ExceptionDesk
from gateway.looking import Looking
from gateway.message import HeldState, ScanFailed, Verdict
from gateway.quarantine import Filters, HeldNotFound, NotPossible, Quarantine, QuarantineError, ReleaseFailed
from gateway.quarantine.release import Deliver
from gateway.web.desk import Failed, NotHeld, NotTaken, Query, require
from gateway.web.pages import DeskError
from gateway.web.people import Act, Person

WAITING = frozenset({HeldState.HELD, HeldState.RELEASING})
HOURS = 24
SOMEBODY = "one of the recipients"
"""Who asks by a link that all recipients of a message got."""


class ReleaseDesk:
    """``way`` opens the way a released message takes, ``ready`` gives reasons why mail cannot flow, ``workers`` the
    numbers of scan workers alive and at work."""

    def __init__(
        self,
        quarantine: Quarantine,
        way: Callable[[], AbstractAsyncContextManager[Deliver]],
        ready: Callable[[], Awaitable[dict[str, str]]],
        workers: Callable[[], tuple[int, int]],
        exceptions: ExceptionDesk,
        look: Looking,
    ) -> None:
        self.look = self._look = look
        self._quarantine = quarantine
        self._way = way
        self._ready = ready
        self._workers = workers
        self.exceptions = exceptions

    async def find(self, query: Query) -> Sequence[Any]:
        """What fits, newest first."""
        with _told():
            return await self._quarantine.find(_filters(query))

    async def count(self, query: Query) -> int:
        """How many fit, counted up to ``limit``."""
        with _told():
            return await self._quarantine.count(_filters(query))

    async def revision(self) -> str:
        """Another word after every change of what is held."""
        with _told():
            return str(await self._quarantine.revision())

    async def resolve(self, prefix: str) -> str:
        """The one id that begins so."""
        with _told():
            return await self._quarantine.resolve(prefix)

    async def get(self, held_id: str) -> Any:
        """Everything about one message."""
        with _told():
            return await self._quarantine.get(held_id)

    async def open_message(self, held_id: str, *, by: Person) -> BinaryIO:
        """The bytes as received, verified; the caller closes it."""
        require(by, Act.DOWNLOAD)
        with _told():
            return await self._quarantine.open_message(held_id)

    async def today(self) -> Mapping[str, Any]:
        """What the start page tells."""
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        first = now - timedelta(hours=HOURS - 1)
        with _told():
            stats = await self._quarantine.stats()
            counts = await self._quarantine.by_hour(first, HOURS)
        alive, busy = self._workers()
        return {
            "held": stats.count.get(HeldState.HELD, 0),
            "oldest": stats.oldest,
            "hours": counts,
            "labels": [f"{first + timedelta(hours=hour):%H:%M} UTC" for hour in range(HOURS)],
            "trouble": await self._ready(),
            "workers": alive,
            "busy": busy,
        }

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
        with _told():
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

    async def delete(self, held_id: str, *, by: Person, why: str) -> None:
        """Remove its bytes."""
        require(by, Act.DELETE)
        with _told():
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
        since=_midnight(query.since) if query.since else None,
        until=_midnight(query.until) + timedelta(days=1) if query.until else None,
        verdict=Verdict.of(query.verdict) if query.verdict else None,
        sender=query.sender,
        recipient=query.recipient,
        subject=query.subject,
        campaign=query.campaign,
        text=query.text,
        limit=query.limit,
        older_than=int(query.older) if query.older else None,
        newer_than=int(query.newer) if query.newer else None,
    )


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except HeldNotFound as error:
        raise NotHeld(str(error)) from error
    except NotPossible as error:
        raise DeskError(str(error)) from error
    except ReleaseFailed as error:
        raise NotTaken(str(error)) from error
    except ScanFailed as failure:
        raise Failed(f"The message could not be looked into: {failure.detail}") from failure
    except QuarantineError as error:
        raise Failed(str(error)) from error
