"""One held message, looked into: what pages and API show of it beyond its record (``gateway.web.look``).

Contract: joins the quarantine, the jail and the pages, and decides who may take a message with them. What cannot be
read is a ``DeskError`` with the reason, never half an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.closed_sets import Action, Verdict
from gateway.generation import Generation
from gateway.inspection import Inspection, Judged
from gateway.message import Change, Client, Edits, Envelope, Reply, ScanFailed, clip
from gateway.policy.addresses import split
from gateway.quarantine import Filters, HeldNotFound, NotPossible, Quarantine, QuarantineError, ReleaseFailed
from gateway.quarantine.models import Held, HeldMessage
from gateway.quarantine.release import Deliver
from gateway.quarantine.sidecar import Record
from gateway.readable import Reading, Source
from gateway.spool import Spool
from gateway.web.desk import Failed, NotHeld, NotTaken, require
from gateway.web.look import Download, Outlook, Similar
from gateway.web.pages import DeskError
from gateway.web.parcel import length, parcel
from gateway.web.people import Act, Person

MOST_SIMILAR = 8

_ADDRESS = re.compile(r"[!#-'*+\-/-9=?A-Z^-~.]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,20}[A-Za-z0-9-]{2,63}")
"""A plain mailbox (RFC 5321 §4.1.2): whoever needs another form has the command."""


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
        """Those with the same macro, in whatever file, with the same file, and those of the same sender."""
        with told():
            held: Held = await self._quarantine.get(held_id)
            marks = dict.fromkeys(finding.fingerprint for finding in held.record.report.findings)
            files = dict.fromkeys(part.sha256 for part in held.record.report.parts if part.verdict > Verdict.CLEAN)
            asked = [("same macro", Filters(campaign=mark, limit=MOST_SIMILAR + 1)) for mark in marks if mark][:3]
            asked += [("same file", Filters(file=digest, limit=MOST_SIMILAR + 1)) for digest in files][:3]
            sender = held.message.sender
            asked += [("same sender", Filters(sender=sender, limit=MOST_SIMILAR + 1))] if sender else []
            others: dict[str, HeldMessage] = {}
            common: dict[str, dict[str, None]] = {}
            for what, filters in asked:
                for other in await self._quarantine.find(filters):
                    if other.id != held_id and (not filters.sender or other.sender == sender):
                        others[other.id] = other
                        common.setdefault(other.id, {})[what] = None
        newest = sorted(others.values(), key=lambda other: other.kept_at, reverse=True)[:MOST_SIMILAR]
        return tuple(Similar(other, ", ".join(common[other.id])) for other in newest)

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

    def require_ours(self, record: Record, addresses: Sequence[str]) -> None:
        """A copy goes to our own people only: the next hop trusts us, and would relay it anywhere. Those are the
        domains the policy calls ours, and those the message was for. Raises ``DeskError``."""
        known = {split(recipient.address)[1] for recipient in record.transaction.envelope.recipients} - {""}
        for address in addresses:
            if not _ADDRESS.fullmatch(address):
                raise DeskError(f"{clip(address, 320)} is no mail address")
            if split(address)[1] not in known and not self.inspection.is_ours(address):
                raise DeskError(
                    f"{address} is at none of your domains ([local] domains of the policy, and those the message was "
                    "for); to send it elsewhere use the command on the machine of the gateway"
                )

    @asynccontextmanager
    async def sending(self, record: Record, *, disarmed: bool, known: str) -> AsyncIterator[Sending]:
        """What is to be sent, scanned with today's rules. An original whose verdict is worse than the ``known`` one is
        not to be sent; one that got no verdict was held for that already, and may be. Raises ``DeskError``,
        ``ScanFailed``."""
        async with self.inspection.opened(record.held_id) as content:
            try:
                judged = await self.inspection.judge(record, content)
            except ScanFailed:
                if disarmed:
                    raise
                yield Sending("today's rules gave no verdict")
                return
            verdict = judged.report.verdict
            if disarmed:
                copy = await self.inspection.copy(record, content, judged.report)
                yield Sending(f"a copy: {_changed(copy.decision.changes)}", content, copy.edits)
                return
            if verdict > _verdict(known, record.report.verdict):
                raise DeskError(f"Today's rules say {verdict.label}, which is worse than it was: look at it once more.")
            yield Sending(f"today's rules: {verdict.label}")


@dataclass(frozen=True, slots=True)
class Sending:
    """What goes to the next hop. ``note`` is for the history; without ``edits`` it is what was kept."""

    note: str
    content: Spool | None = None
    edits: Edits = field(default_factory=Edits)

    def through(self, deliver: Deliver) -> Deliver:
        """A way that sends this."""
        content = self.content
        if content is None:
            return deliver

        async def changed(envelope: Envelope, client: Client, _original: Iterable[bytes]) -> list[Reply]:
            return await deliver(envelope, client, content.chunks(self.edits))

        return changed


def _verdict(label: str, otherwise: Verdict) -> Verdict:
    try:
        return Verdict.of(label)
    except KeyError:
        return otherwise


def _changed(changes: Sequence[Change]) -> str:
    done = {Action.DISARM: "disarmed", Action.STRIP: "replaced by a notice"}
    return clip(", ".join(f"{change.name or change.part} {done[change.action]}" for change in changes), 300)


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
    except ReleaseFailed as error:
        raise NotTaken(str(error)) from error
    except QuarantineError as error:
        raise Failed(str(error)) from error
    except ScanFailed as failure:
        raise Failed(f"The message could not be looked into: {failure.detail}") from failure
    except (OSError, ValueError) as error:
        raise Failed(f"That could not be done: {getattr(error, 'strerror', None) or error}") from error
