"""One configuration at work, and how long it lives.

Contract: ``Generation`` is what the SMTP server takes at MAIL and keeps to the final dot (promise P14). Parts that did
not change are shared with the generation before; a part is let go of when the last generation using it is gone, so a
reload never takes a worker or a connection from under a message. ``generate`` changes nothing that runs: it returns a
whole new generation or raises ``WiringError``.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from gateway.config import Settings
from gateway.events import MailLog
from gateway.message import Client, Reply, Transaction
from gateway.metrics import Metrics
from gateway.pipeline import Deliver, Keeper, Pipeline, no_link
from gateway.policy import Exceptions, Policy
from gateway.smtp.client import HopPool
from gateway.spool import Spool
from gateway.wiring import (
    WiringError,
    authenticator,
    digest_plan,
    hop_settings,
    jail_settings,
    read_links,
    read_policy,
    sealer,
    trigger_ids,
)
from gateway.workers import Workers
from gateway.workers.link import WorkerUnfit
from gateway.workers.settings import Jail

T = TypeVar("T")


class Owned(Generic[T]):
    """Something with an end of its own, let go of when nothing refers to this wrapper any more."""

    def __init__(self, thing: T, let_go: Callable[[T], None]) -> None:
        self.thing = thing
        weakref.finalize(self, let_go, thing).atexit = False


@dataclass(frozen=True, slots=True)
class Generation:
    """One configuration at work (``smtp.server.Gateway``)."""

    policy: Policy
    jail: Jail
    workers: Owned[Workers]
    pool: Owned[HopPool]
    pipeline: Pipeline
    exceptions: Callable[[], Exceptions]

    @property
    def hops(self) -> HopPool:
        """The way to the next hop."""
        return self.pool.thing

    def recipient_class(self, client: Client, sender: str, recipient: str) -> Hashable:
        """Recipients of one class share a transaction (promise P7)."""
        excepted = self.exceptions().recipient_class(recipient, datetime.now(UTC))
        return self.policy.recipient_class(client, sender, recipient), excepted

    async def process(
        self, transaction: Transaction, content: Spool, deliver: Deliver, hold: Deliver | None = None
    ) -> Reply:
        """The life of one message."""
        return await self.pipeline.process(transaction, content, deliver, hold)

    def open_spool(self) -> Spool:
        """Room for one message. Raises ``OSError``."""
        return Spool()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What outlives a configuration and is handed to each."""

    keeper: Keeper
    events: MailLog
    metrics: Metrics
    exceptions: Callable[[], Exceptions]
    """What people on duty allow and block at the moment, whatever the configuration."""
    dismiss: Callable[[Workers], None]
    """Called with a pool of workers that no message needs any more."""
    disconnect: Callable[[HopPool], None]
    """The same for connections to a next hop."""


async def generate(settings: Settings, around: Surroundings, before: Generation | None = None) -> Generation:
    """A new generation, sharing with ``before`` what did not change. Raises ``WiringError``."""
    policy = read_policy(settings)
    jail = jail_settings(settings)
    hop = hop_settings(settings, settings.smtp.next_hop)
    if before is not None and before.jail == jail:
        workers = before.workers
    else:
        workers = Owned(await _hired(jail, around), around.dismiss)
    if before is not None and before.hops.settings == hop:
        pool = before.pool
    else:
        pool = Owned(HopPool(hop, around.metrics), around.disconnect)
    pipeline = Pipeline(
        workers.thing,
        policy,
        around.keeper,
        around.events,
        around.metrics,
        settings.scan.on_failure,
        authenticator=authenticator(settings, workers.thing),
        link_to=read_links(settings) or no_link,
        exceptions=around.exceptions,
        sealer=sealer(settings),
    )
    if settings.digest.enabled or settings.digest.notify:
        digest_plan(settings)
    around.metrics.know_triggers(trigger_ids(jail))  # last: a configuration that is refused changes nothing
    return Generation(policy, jail, workers, pool, pipeline, around.exceptions)


async def _hired(jail: Jail, around: Surroundings) -> Workers:
    workers = Workers(jail, around.metrics, around.events)
    try:
        await workers.start()
    except (OSError, WorkerUnfit) as error:
        raise WiringError(f"the scan workers do not start: {error}") from error
    return workers
