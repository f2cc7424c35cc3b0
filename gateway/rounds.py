"""What is done again and again beside the mail.

Contract: ``watch_*`` and ``keep_house`` run until they are cancelled; a round that goes wrong is not the last. What it
finds out is told to the health, or as an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from gateway.config import Settings
from gateway.events import MailLog
from gateway.exceptions import ExceptionList
from gateway.health import Health
from gateway.message import clip
from gateway.quarantine import Quarantine, QuarantineError

HOUSEKEEPING_SECONDS = 3600.0
LAG_SECONDS = 0.05
EXCEPTIONS_SECONDS = 1.0
"""How often the file of exceptions is looked at."""


async def watch_loop(health: Health) -> None:
    """Measure how late the loop wakes up: the longest stall is a metric."""
    loop = asyncio.get_running_loop()
    while True:
        before = loop.time()
        await asyncio.sleep(LAG_SECONDS)
        health.lag = max(health.lag, loop.time() - before - LAG_SECONDS)


async def begin_exceptions(exceptions: ExceptionList, events: MailLog) -> None:
    """What is in force at the start is no news; that it cannot be read is."""
    if trouble := (await exceptions.refresh()).trouble:
        events.exceptions_unusable(trouble)


async def watch_exceptions(exceptions: ExceptionList, events: MailLog) -> None:
    """Take what people on duty allow and block, and tell what is new."""
    while True:
        await asyncio.sleep(EXCEPTIONS_SECONDS)
        news = await exceptions.refresh()
        if news.trouble:
            events.exceptions_unusable(news.trouble)
        if news.mended:
            events.notice("exceptions-usable", path=str(exceptions.path))
        for entry in news.added:
            events.exception_added(entry)
        for entry in news.removed:
            events.exception_removed(entry)


async def keep_house(quarantine: Quarantine, settings: Callable[[], Settings], events: MailLog) -> None:
    """Delete what has been held for as long as the settings want it kept."""
    while True:
        try:
            await quarantine.expire(timedelta(seconds=settings().quarantine.retention))
        except Exception as error:  # noqa: BLE001 - the next round has to come, or the disk fills
            why = str(error) if isinstance(error, QuarantineError) else repr(error)
            events.notice("retention-failed", why=clip(why, 500))
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
