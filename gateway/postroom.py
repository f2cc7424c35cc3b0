"""Digests and words to the admin, sent by a running daemon.

Contract: ``work`` runs until it is cancelled and looks twice a minute whether digests are due; ``tell`` is called when
a recipient has asked for a release. Both take the settings as they are at that moment. Neither raises: what goes wrong
is an event and a figure, and mail goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from gateway.config import Settings
from gateway.digest.sending import Notifier, Way, is_due, run
from gateway.digest.state import State, StateError
from gateway.events import MailLog
from gateway.message import clip
from gateway.metrics import Metrics
from gateway.quarantine import Quarantine, QuarantineError
from gateway.wiring import WiringError, digest_plan, letter_writer

LOOK_SECONDS = 30.0
AGAIN_SECONDS = 900.0
"""After letters were put off or nothing could be sent."""
SOMEBODY = "one of the recipients"


class PostRoom:
    """``settings`` gives those in force; ``way`` opens the way of released mail."""

    def __init__(
        self, quarantine: Quarantine, settings: Callable[[], Settings], way: Way, metrics: Metrics, events: MailLog
    ) -> None:
        self._quarantine = quarantine
        self._settings = settings
        self._way = way
        self._metrics = metrics
        self._events = events
        self._notifier = Notifier()

    async def work(self) -> None:
        """Send the digests of every day."""
        while True:
            wait = await self._look()
            await asyncio.sleep(wait)

    async def _look(self) -> float:
        """Send what is due; seconds until the next look."""
        settings = self._settings()
        if not settings.digest.enabled:
            return LOOK_SECONDS
        try:
            memory, now = State(settings.digest.state), datetime.now().astimezone()
            plan = await asyncio.to_thread(digest_plan, settings)
            done, _ = await asyncio.to_thread(memory.read)
            if not is_due(plan, done, now):
                return LOOK_SECONDS
            found = await run(self._quarantine, plan, memory, self._way, now)
        except Exception as error:  # noqa: BLE001 - the next day's have to come
            known = isinstance(error, StateError | QuarantineError | WiringError)
            self._events.notice("digests-failed", why=clip(str(error) if known else repr(error), 500))
            return AGAIN_SECONDS
        for result, count in (("sent", found.sent), ("put-off", found.put_off), ("refused", found.refused)):
            self._metrics.letters.labels("digest", result).inc(count)
        self._events.notice("digests-sent", sent=found.sent, put_off=found.put_off, refused=found.refused)
        return AGAIN_SECONDS if found.put_off else LOOK_SECONDS

    async def tell(self, held_id: str, recipient: str, why: str) -> None:
        """Tell the admins that a recipient asks for what is held under ``held_id``."""
        settings = self._settings()
        if not settings.digest.notify:
            return
        page = f"{settings.http.public_url.rstrip('/')}/quarantine/{held_id}" if settings.http.public_url else ""
        try:
            replies = await self._notifier.tell(
                self._way,
                await asyncio.to_thread(letter_writer, settings),
                settings.digest.notify,
                held_id=held_id,
                who=recipient or SOMEBODY,
                why=why,
                page=page,
                now=datetime.now().astimezone(),
            )
        except Exception as error:  # noqa: BLE001 - it is on record that somebody asked
            self._events.notice("admin-not-told", held=held_id, why=clip(repr(error), 500))
            return
        for reply in replies:
            result = "sent" if reply.positive else "refused" if reply.code >= 500 else "put-off"
            self._metrics.letters.labels("request", result).inc()
            if not reply.positive:
                self._events.notice("admin-not-told", held=held_id, why=reply.text)
