"""THE LIFE OF ONE MESSAGE: receive → scan → decide → act → keep → deliver → record.

Receiving and the wire are the listener's (``smtp/``, ``milter/``): it hands over a transaction, its bytes and a way to
deliver. Whatever happens in between, one reply comes back, and it is positive only if the next hop or the quarantine
has the message durably. Scan, act, keep and deliver are handed in, so this file can be read, and tested, alone.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from gateway import failpoints
from gateway.closed_sets import Action, Verdict
from gateway.events import MailLog
from gateway.message import (
    Authentication,
    Decision,
    Edits,
    Envelope,
    Finding,
    KeepFailed,
    Outcome,
    Reply,
    Report,
    ScanFailed,
    Span,
    Splice,
    Transaction,
)
from gateway.metrics import Metrics
from gateway.policy import NO_EXCEPTIONS, Exceptions, Policy
from gateway.spool import Spool

HEADER = "X-Macrogate"

CANNOT_SCAN = Reply.of("451 4.3.0 The message could not be examined now; please try again later")
CANNOT_KEEP = Reply.of("452 4.3.1 The message could not be stored now; please try again later")
REFUSED = Reply.of("550 5.7.1 Message refused: it carries active content that is not accepted here")
DEFERRED = Reply.of("451 4.7.1 Message deferred by policy; please try again later")
TOO_SLOW = Reply.of("451 4.4.2 The message could not be delivered in time; please try again later")

ANSWER_SECONDS = 95.0
"""From the final dot to the reply. An MTA that waits in vain (Postfix: 100 s) sends the mail again, while this copy may
still be on its way."""

KEPT = frozenset({Action.QUARANTINE, Action.STRIP, Action.DISARM})
"""Actions after which the original must be in quarantine before anybody hears 250."""

WITHHELD = frozenset({Action.QUARANTINE, Action.DEFER, Action.REJECT})
"""Actions after which no recipient has got anything."""

REWRITTEN = frozenset({Action.STRIP, Action.DISARM, Action.TAG})
"""Actions that may change more than our own header."""


class Scanner(Protocol):
    """The jail (``gateway.workers``). Both methods raise ``ScanFailed`` and nothing else."""

    async def examine(self, content: Spool) -> Report: ...

    async def rewrite(self, content: Spool, decision: Decision, held_id: str, link: str) -> Edits: ...


class Keeper(Protocol):
    """The quarantine (``gateway.quarantine``)."""

    async def keep(
        self, held_id: str, transaction: Transaction, content: Spool, report: Report, decision: Decision
    ) -> None:
        """Return once message, envelope and index are on disk. Raises ``KeepFailed``."""

    async def withdraw(self, held_id: str, why: str) -> None:
        """Note that what ``held_id`` is the original of was not delivered after all. Never raises."""


class Authenticator(Protocol):
    """Who answers for a message (``gateway.authentication``). Nothing here raises but for cancellation."""

    async def verify(self, content: Spool) -> Authentication: ...

    def stamp(self, found: Authentication) -> bytes: ...


class Sealer(Protocol):
    """Our own word for a message that was changed (``gateway.authentication.seal``)."""

    async def seal(self, content: Spool, edits: Edits, found: Authentication | None) -> bytes:
        """Header lines for the top of the changed message. May raise anything: it is delivered without them."""


Deliver = Callable[[Edits], Awaitable[Reply]]


def no_link(_held_id: str, _envelope: Envelope) -> str:
    """Where nobody can ask for an original by link."""
    return ""


def no_exceptions() -> Exceptions:
    """Where nobody can make one."""
    return NO_EXCEPTIONS


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One configuration's worth of steps. A reload makes a new one; a message stays with the one it began with."""

    scanner: Scanner
    policy: Policy
    keeper: Keeper
    events: MailLog
    metrics: Metrics
    on_failure: Action = Action.DEFER
    """``defer``, ``quarantine`` or ``deliver``: what becomes of a message the scan gave no verdict on."""
    link_to: Callable[[str, Envelope], str] = no_link
    """Where the recipients of a changed message can ask for the original, held under that id; "" for nowhere."""
    answer_within: float = ANSWER_SECONDS
    """Seconds after which a delivery is broken off; every step before it has a deadline of its own."""
    authenticator: Authenticator | None = None
    """None: nobody's signature is verified, and nothing is said about it."""
    exceptions: Callable[[], Exceptions] = no_exceptions
    """What people on duty allow and block at the moment."""
    sealer: Sealer | None = None
    """None: nobody vouches for what was changed."""

    async def process(
        self, transaction: Transaction, content: Spool, deliver: Deliver, hold: Deliver | None = None
    ) -> Reply:
        """Take one received message to its end and return the client's reply. Raises nothing but cancellation. Where
        the MTA has a quarantine of its own that is to be used, ``hold`` delivers there."""
        watch = Stopwatch()
        report, decision = await self._judge(transaction, content, watch)
        failpoints.reach("after-scan")
        held_id = secrets.token_hex(8) if decision.action in KEPT else ""
        edits = Edits()
        if decision.action in REWRITTEN:
            edits, decision, held_id = await self._act(transaction, content, decision, held_id, watch)
        if decision.action is Action.QUARANTINE and hold is not None:
            deliver, held_id = hold, ""
        try:
            if held_id:
                failpoints.reach("before-keep")
                with watch.step("keep"):
                    await self.keeper.keep(held_id, transaction, content, report, decision)
                failpoints.reach("after-keep")
            reply = await self._answer(transaction, content, report, decision, held_id, edits, deliver, watch)
        except KeepFailed as failure:
            self.events.keep_failed(transaction, str(failure))
            self.metrics.not_kept()
            reply, held_id = CANNOT_KEEP, ""
        self._record(Outcome(transaction, report, decision, reply, held_id, watch.finish(transaction)))
        return reply

    async def _judge(self, transaction: Transaction, content: Spool, watch: Stopwatch) -> tuple[Report, Decision]:
        """Scan and decide. No verdict is never a pass: it is put off as ``on_failure`` says, and poison is judged. Even
        with ``deliver`` nothing goes that its sender and recipients alone keep from going."""
        if self.authenticator is None:
            report, failure = await self._scanned(content, watch)
        else:
            (report, failure), authentication = await asyncio.gather(
                self._scanned(content, watch), self._authenticated(content, watch, self.authenticator)
            )
            report = replace(report, authentication=authentication)
        if failure is None or failure.poison:
            return report, self.policy.decide(transaction, report, self.exceptions())
        if self.on_failure is Action.DELIVER:
            unseen = Report(Verdict.CLEAN, authentication=report.authentication)
            decision = self.policy.decide(transaction, unseen, self.exceptions())
            if decision.action in WITHHELD:
                return report, decision
        return report, Decision(self.on_failure, "on-failure", f"The scan gave no verdict: {failure.detail}")

    async def _scanned(self, content: Spool, watch: Stopwatch) -> tuple[Report, ScanFailed | None]:
        try:
            with watch.step("scan"):
                return await self.scanner.examine(content), None
        except ScanFailed as failure:
            finding = Finding.of(failure.kind, "message", failure.detail)
            return Report(verdict=finding.verdict, findings=(finding,)), failure

    async def _authenticated(self, content: Spool, watch: Stopwatch, by: Authenticator) -> Authentication:
        with watch.step("authenticate"):
            return await by.verify(content)

    async def _act(
        self, transaction: Transaction, content: Spool, decision: Decision, held_id: str, watch: Stopwatch
    ) -> tuple[Edits, Decision, str]:
        """Rewrite in the jail. A rewrite that fails never lets the original through: the message is held instead; a
        signed one is tagged if the policy says so."""
        if decision.action is Action.TAG and not decision.subject_prefix:
            return Edits(), decision, held_id
        link = self.link_to(held_id, transaction.envelope) if held_id else ""
        try:
            with watch.step("act"):
                edits = await self.scanner.rewrite(content, decision, held_id, link)
            return edits, as_done(decision, edits), held_id
        except ScanFailed as failure:
            if failure.signed and decision.signed is Action.TAG:
                why = f"{decision.why}; not changed: {failure.detail}"
                return Edits(), replace(decision, action=Action.TAG, why=why), ""
            held = replace(decision, action=Action.QUARANTINE, why=f"{decision.why}; not rewritten: {failure.detail}")
            return Edits(), held, held_id or secrets.token_hex(8)

    async def copy(
        self, transaction: Transaction, content: Spool, report: Report, decision: Decision, held_id: str
    ) -> tuple[Edits, Decision]:
        """The changed copy of a message that is held already, as it would have been delivered. Raises ``ScanFailed``,
        also when it cannot be changed."""
        edits = await self.scanner.rewrite(
            content, decision, held_id, self.link_to(held_id, transaction.envelope) if held_id else ""
        )
        done = as_done(decision, edits)
        return await self._stamped(transaction, content, report, done, held_id, edits, Stopwatch()), done

    async def _answer(
        self,
        transaction: Transaction,
        content: Spool,
        report: Report,
        decision: Decision,
        held_id: str,
        edits: Edits,
        deliver: Deliver,
        watch: Stopwatch,
    ) -> Reply:
        match decision.action:
            case Action.QUARANTINE if held_id:
                return Reply.of(f"250 2.0.0 Held by Macrogate as {held_id}")
            case Action.REJECT:
                return Reply.of(f"{REFUSED.text} ({transaction.id})")
            case Action.DEFER:
                return CANNOT_SCAN if decision.rule == "on-failure" else DEFERRED
        changed = await self._stamped(transaction, content, report, decision, held_id, edits, watch)
        try:
            with watch.step("deliver"):
                async with asyncio.timeout(watch.began + self.answer_within - time.monotonic()):
                    reply = await deliver(changed)
        except TimeoutError:
            reply = TOO_SLOW
        if held_id and not reply.positive:
            with suppress(Exception):  # the reply is the next hop's, whatever becomes of our note
                await self.keeper.withdraw(held_id, f"the next hop refused the changed copy: {reply.text}")
        return reply

    async def _stamped(
        self,
        transaction: Transaction,
        content: Spool,
        report: Report,
        decision: Decision,
        held_id: str,
        edits: Edits,
        watch: Stopwatch,
    ) -> Edits:
        """``edits`` and what we have to say on top. A seal that fails costs the next ones their trust, and no mail."""
        found, stamp, seal = report.authentication, b"", b""
        if self.authenticator is not None and found is not None:
            stamp = self.authenticator.stamp(found)
        changed = with_header(transaction, report, decision, held_id, edits, stamp)
        if self.sealer is None or not edits.splices:
            return changed
        try:
            with watch.step("seal"):
                seal = await self.sealer.seal(content, changed, found)
        except Exception as error:  # noqa: BLE001 - as said above
            self.events.notice("not-sealed", id=transaction.id, why=str(error)[:500])
        return with_header(transaction, report, decision, held_id, edits, seal + stamp)

    def _record(self, outcome: Outcome) -> None:
        """The message is delivered or kept by now: an exception here would tell its client to send a second copy."""
        for record in (self.events.message, self.metrics.message):
            try:
                record(outcome)
            except Exception as error:  # noqa: BLE001 - as above
                with suppress(Exception):
                    self.events.notice("not-recorded", id=outcome.transaction.id, error=repr(error)[:500])


def as_done(decision: Decision, edits: Edits) -> Decision:
    """``decision`` with what was really done: one attachment that had to be replaced makes a disarm a strip."""
    stripped = any(change.action is Action.STRIP for change in edits.changes)
    action = Action.STRIP if stripped and decision.action is Action.DISARM else decision.action
    return replace(decision, action=action, changes=edits.changes)


def with_header(
    transaction: Transaction, report: Report, decision: Decision, held_id: str, edits: Edits, stamp: bytes = b""
) -> Edits:
    """``edits`` and our one header line on top, with every line of that name that came from outside cut out. ``stamp``
    are lines below it."""
    words = [f"verdict={report.verdict.label}", f"action={decision.action}", f"rule={decision.rule}"]
    words += [f"held={held_id}"] if held_id else []
    counted = [one.id for one in decision.exceptions if not one.ignored]
    words += [f"exception={','.join(counted)}"] if counted else []
    line = f"{HEADER}: {'; '.join([*words, f'id={transaction.id}'])}\r\n".encode("ascii", "replace")
    top = Splice(Span(0, 0), line + stamp)
    cuts = (Splice(span, b"") for span in report.forged)
    return Edits((top, *sorted((*cuts, *edits.splices), key=lambda splice: splice.span.start)))


@dataclass(slots=True)
class Stopwatch:
    """Wall-clock seconds by step, on the monotonic clock."""

    began: float = field(default_factory=time.monotonic)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - start

    def finish(self, transaction: Transaction) -> dict[str, float]:
        """All steps, with ``receive`` in front and ``total`` behind."""
        total = transaction.receive_seconds + time.monotonic() - self.began
        return {"receive": transaction.receive_seconds, **self.seconds, "total": total}
