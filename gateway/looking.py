"""One held message, looked into: what pages and API show of it beyond its record (``gateway.web.look``).

Contract: joins the quarantine, the jail and the pages, and decides who may take a message with them. What cannot be
read is a ``DeskError`` with the reason, never half an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from gateway.generation import Generation
from gateway.inspection import Inspection, Judged
from gateway.message import Change, Reading, ScanFailed, Source, clip
from gateway.quarantine import Filters, HeldNotFound, NotPossible, Quarantine, QuarantineError
from gateway.quarantine.models import Held
from gateway.quarantine.sidecar import Record
from gateway.spool import Spool
from gateway.web.desk import Failed, NotHeld, require
from gateway.web.look import Download, Outlook, Similar
from gateway.web.pages import DeskError
from gateway.web.parcel import length, parcel
from gateway.web.people import Act, Person

MOST_SIMILAR = 8


class Looking:
    """Satisfies ``web.look.Look``. ``current`` gives the configuration in force."""

    def __init__(self, quarantine: Quarantine, current: Callable[[], Generation]) -> None:
        self._quarantine = quarantine
        self.inspection = Inspection(quarantine, current)

    async def read(self, held_id: str) -> Reading:
        """Header and texts."""
        with told():
            return await self.inspection.read(held_id)

    async def sources(self, held_id: str) -> tuple[Source, ...]:
        """The code of all its macros and scripts."""
        with told():
            return await self.inspection.sources(held_id)

    async def outlook(self, held_id: str) -> Outlook:
        """What today's rules say, and what a changed copy would be. Without a verdict there is no such copy."""
        with told():
            record = (await self._quarantine.get(held_id)).record
            async with self.inspection.opened(held_id) as content:
                try:
                    judged = await self.inspection.judge(record, content)
                except ScanFailed as failure:
                    return Outlook(trouble=failure.detail, no_copy="today's scan gave no verdict")
                return await self._with_copy(record, content, judged)

    async def _with_copy(self, record: Record, content: Spool, judged: Judged) -> Outlook:
        no_copy = ""
        changes: tuple[Change, ...] = ()
        try:
            changes = (await self.inspection.copy(record, content, judged.report)).decision.changes
        except ScanFailed as failure:
            no_copy = failure.detail
        report, decision = judged.report, judged.decision
        return Outlook(
            verdict=report.verdict.label,
            action=decision.action.value,
            rule=decision.rule,
            why=decision.why,
            findings=report.findings,
            worse=report.verdict > record.report.verdict,
            changes=changes,
            no_copy=no_copy,
        )

    async def similar(self, held_id: str) -> Sequence[Similar]:
        """Of the same sender."""
        with told():
            held: Held = await self._quarantine.get(held_id)
            sender = held.message.sender
            if not sender:
                return ()
            found = await self._quarantine.find(Filters(sender=sender, limit=MOST_SIMILAR + 1))
        others = [other for other in found if other.id != held_id and other.sender == sender]
        return tuple(Similar(other, "same sender") for other in others[:MOST_SIMILAR])

    async def download(self, held_id: str, *, by: Person, why: str, where: str = "") -> Download:
        """What is taken is in the journal before its first byte is."""
        require(by, Act.DOWNLOAD)
        with told(), contextlib.ExitStack() as opened:
            if where:
                content = Spool.of(bytes(await self.inspection.extract(held_id, where)))
                name = f"{held_id}-{hashlib.sha256(content.read()).hexdigest()[:12]}"
                ending = "bin"
            else:
                content = await asyncio.to_thread(Spool.over, await self._quarantine.open_message(held_id))
                name, ending = held_id, "eml"
            opened.callback(content.close)
            size = length(f"{name}.{ending}", content.size)
            what = f"part {clip(where, 300)}" if where else "the whole message"
            await self._quarantine.note_download(held_id, who=by.who, why=why, what=what)
            opened.pop_all()
        return Download(f"{name}.zip", size, _parcelled(content, f"{name}.{ending}"))


def _parcelled(content: Spool, name: str) -> Iterator[bytes]:
    try:
        yield from parcel(name, content.size, content.chunks(), datetime.now(UTC))
    finally:
        content.close()


@contextmanager
def told() -> Iterator[None]:
    """What goes wrong, as the sentence of whoever knows."""
    try:
        yield
    except HeldNotFound as error:
        raise NotHeld(str(error)) from error
    except NotPossible as error:
        raise DeskError(str(error)) from error
    except QuarantineError as error:
        raise Failed(str(error)) from error
    except ScanFailed as failure:
        raise Failed(f"The message could not be looked into: {failure.detail}") from failure
    except (OSError, ValueError) as error:
        raise Failed(f"That could not be done: {getattr(error, 'strerror', None) or error}") from error
