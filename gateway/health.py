"""How the gateway fares: for probes (``/readyz``), for scrapes (``/metrics``), and for people (the start page).

Contract: looks and changes nothing but gauges. Nothing here raises for trouble of the gateway: that is what it tells.
The limits are those of the alerts in ``deploy/prometheus/alerts.yml`` (a test compares them), so that the page and the
pager say the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from gateway.closed_sets import Effect, HeldState
from gateway.config import Settings
from gateway.events import MailLog
from gateway.exceptions import ExceptionList
from gateway.generation import Generation
from gateway.hours import HOURS, Fate, Mishap
from gateway.message import Client, clip
from gateway.metrics import Metrics
from gateway.quarantine import Quarantine, QuarantineError
from gateway.quarantine.models import Stats
from gateway.smtp.client import HopError
from gateway.web.shown import size
from gateway.web.today import Room, Today, Trouble

READY_SECONDS = 5.0
"""How long an answer about readiness is good for, so that a probe does not become a load on the next hop."""

LITTLE_ROOM = 2e9
"""Bytes for held messages."""
LITTLE_SPOOL = 5e8
"""Bytes for messages on their way: ten of the largest that are taken as shipped."""
TOO_OLD = timedelta(days=7)
CERTIFICATE_NOTICE = timedelta(days=14)
MANY_DEATHS = 5
MANY_DEFERRED = 10
"""In two hours; fewer are the weather of mail."""
SHARE_DEFERRED = 0.05
GRAIN = 10_000_000
"""Bytes; what is free changes with every message, and a smaller change is no news."""


class Health:
    """``current`` gives the configuration at work, ``settings`` that of the file. ``refused`` is why the newest
    configuration was not taken, "" if it was; ``certificate_expiry`` is UNIX time, 0 without a certificate."""

    def __init__(
        self,
        quarantine: Quarantine,
        metrics: Metrics,
        events: MailLog,
        exceptions: ExceptionList,
        current: Callable[[], Generation],
        settings: Callable[[], Settings],
    ) -> None:
        self._quarantine = quarantine
        self._metrics = metrics
        self._events = events
        self._exceptions = exceptions
        self._current = current
        self._settings = settings
        self._readiness: dict[str, str] = {}
        self._readiness_until = 0.0
        self._lost = 0
        self.lag = 0.0
        """Longest stall of the event loop since the last scrape, in seconds."""
        self.refused = ""
        self.certificate_expiry = 0.0

    async def ready(self) -> dict[str, str]:
        """Why mail cannot flow, by component; empty when it can."""
        if time.monotonic() >= self._readiness_until:
            self._readiness = await self._look()
            self._readiness_until = time.monotonic() + READY_SECONDS
        return self._readiness

    async def _look(self) -> dict[str, str]:
        reasons: dict[str, str] = {}
        hops = self._current().hops
        try:
            await hops.release(await hops.acquire(Client()))
        except HopError as error:
            reasons["next-hop"] = error.reply.text
        if self._quarantine.trouble:
            reasons["quarantine"] = self._quarantine.trouble
        return reasons

    # for scrapes

    async def refresh(self) -> None:
        """Bring the gauges up to date."""
        metrics = self._metrics
        self._note_lost_lines()
        metrics.log_dropped.set(self._events.dropped)
        for one in self._events.also:
            metrics.receiver_lines.labels(one.name, "dropped").set(one.lost)
            metrics.receiver_lines.labels(one.name, "waiting").set(one.waiting)
        metrics.refresh_campaigns()
        metrics.exceptions_unusable.set(bool(self._exceptions.trouble))
        in_force = self._exceptions.current.in_force(datetime.now(UTC))
        for effect in Effect:
            metrics.exceptions.labels(effect).set(sum(entry.effect is effect for entry in in_force))
        metrics.loop_lag.set(self.lag)
        self.lag = 0.0
        metrics.certificate_expiry.set(self.certificate_expiry)
        spool = await asyncio.to_thread(_free_for_spool)
        metrics.spool_free.set(float("nan") if spool is None else spool)
        with contextlib.suppress(QuarantineError):
            metrics.requests_waiting.set(await self._quarantine.requests.count())
            stats = await self._quarantine.stats()
            for state in HeldState:
                metrics.quarantine_messages.labels(state).set(stats.count.get(state, 0))
            metrics.quarantine_bytes.set(stats.bytes)
            metrics.quarantine_free.set(stats.free)
            metrics.releases.counts = {what.value: count for what, count in stats.releases.items()}
            metrics.quarantine_oldest.set(stats.oldest.timestamp() if stats.oldest else 0)

    def _note_lost_lines(self) -> None:
        """Lines are lost on threads that count no hours: they belong to the hour in which it is seen."""
        lost = self._events.dropped + sum(one.lost for one in self._events.also)
        if lost > self._lost:
            self._metrics.hours.count(Mishap.LINE_LOST, lost - self._lost)
        self._lost = lost

    # for people

    async def today(self) -> Today:
        """Is all well?"""
        self._note_lost_lines()
        now = datetime.now(UTC)
        first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
        reasons = dict(await self.ready())
        stats, kept = None, [0] * HOURS
        try:
            stats = await self._quarantine.stats()
            kept = await self._quarantine.by_hour(first, HOURS)
        except QuarantineError as error:
            reasons.setdefault("quarantine", f"its index does not answer: {error}")
        spool = await asyncio.to_thread(_free_for_spool)
        alive, busy = self._current().workers.thing.count
        hours = self._metrics.hours
        rooms = (
            _room("held messages", stats.free if stats else None, LITTLE_ROOM, "disk-filling"),
            _room("messages on their way", spool, LITTLE_SPOOL, "spool-filling"),
        )
        return Today(
            held=stats.count.get(HeldState.HELD, 0) if stats else 0,
            oldest=stats.oldest if stats else None,
            hours=tuple(kept),
            labels=tuple(f"{first + timedelta(hours=hour):%H:%M} UTC" for hour in range(HOURS)),
            counts=tuple((fate, hours.of(fate)) for fate in Fate),
            since=hours.since,
            last=hours.last,
            troubles=(
                *_no_flow(reasons, alive),
                *self._mishaps(),
                *_little(rooms),
                *self._neglected(stats, now),
            ),
            workers=alive,
            busy=busy,
            hired=self._current().jail.workers,
            deaths=sum(hours.of(Mishap.WORKER_DIED)),
            next_hop=self._settings().smtp.next_hop,
            rooms=rooms,
        )

    def _mishaps(self) -> Iterator[Trouble]:
        """What went wrong in this hour or the one before."""
        hours = self._metrics.hours
        if passed := hours.lately(Mishap.UNEXAMINED):
            sentence = f"{_number(passed)} passed that nobody looked into, because [scan] on_failure is deliver."
            yield Trouble("unexamined", sentence, "passes-unexamined", grave=True)
        if lost := hours.lately(Mishap.NOT_KEPT):
            yield Trouble("not-kept", f"{_number(lost)} could not be stored and was put off.", "quarantine-failing")
        if (died := hours.lately(Mishap.WORKER_DIED)) > MANY_DEATHS:
            yield Trouble("workers", f"{died} scan workers died within two hours.", "workers-dying")
        deferred, all_of_them = hours.lately(Fate.DEFERRED), sum(hours.lately(fate) for fate in Fate)
        if deferred > MANY_DEFERRED and deferred > SHARE_DEFERRED * all_of_them:
            sentence = f"{deferred} of {all_of_them} messages were put off within two hours; senders try again."
            yield Trouble("deferred", sentence, "defers-rising")
        if lines := hours.lately(Mishap.LINE_LOST):
            yield Trouble("log", f"{lines} lines of the log were lost; the mail was not.", "log-lines-lost")

    def _neglected(self, stats: Stats | None, now: datetime) -> Iterator[Trouble]:
        """What waits for somebody."""
        if self._exceptions.trouble:
            sentence = f"The file of exceptions cannot be used, so nothing is allowed by it: {self._exceptions.trouble}"
            yield Trouble("exceptions", clip(sentence, 500), "exceptions-unusable")
        if self.refused:
            sentence = f"A new configuration was refused, the one before it is in force: {self.refused}"
            yield Trouble("configuration", clip(sentence, 500), "reload-refused")
        if self.certificate_expiry:
            expiry = datetime.fromtimestamp(self.certificate_expiry, UTC)
            if expiry - now < CERTIFICATE_NOTICE:
                verb = "expired" if expiry <= now else "expires"
                sentence = f"The certificate shown to clients {verb} on {expiry:%Y-%m-%d}."
                yield Trouble("certificate", sentence, "certificate-expiring")
        if stats and stats.oldest and now - stats.oldest > TOO_OLD:
            sentence = f"A held message has waited for a decision since {stats.oldest:%Y-%m-%d}."
            yield Trouble("forgotten", sentence, "quarantine-forgotten")


def _no_flow(reasons: dict[str, str], alive: int) -> Iterator[Trouble]:
    if "next-hop" in reasons:
        sentence = f"The next hop takes no mail, senders have to wait: {reasons['next-hop']}"
        yield Trouble("next-hop", sentence, "next-hop-failing", grave=True)
    if "quarantine" in reasons:
        sentence = f"The quarantine cannot be used, what has to be held is put off: {reasons['quarantine']}"
        yield Trouble("quarantine", clip(sentence, 500), "quarantine-failing", grave=True)
    if not alive:
        yield Trouble("workers", "No scan worker is alive, so all mail is put off.", "workers-dying", grave=True)


def _little(rooms: tuple[Room, ...]) -> Iterator[Trouble]:
    for room in rooms:
        if room.low and room.free is not None:
            yield Trouble("disk", f"Only {size(room.free)} are free for {room.what}.", room.runbook)


def _room(what: str, free: int | None, little: float, runbook: str) -> Room:
    if free is None:
        return Room(what, None, runbook)
    return Room(what, free if free < GRAIN else free // GRAIN * GRAIN, runbook, low=free < little)


def _free_for_spool() -> int | None:
    try:
        return shutil.disk_usage(tempfile.gettempdir()).free
    except OSError:
        return None


def _number(messages: int) -> str:
    return f"{messages} message{'' if messages == 1 else 's'}"
