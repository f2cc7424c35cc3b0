"""What the milter listener is told, and what it needs of the rest of the gateway.

Contract: settings hold for the life of a connection; a ``Gateway`` is one configuration, which a message takes at MAIL
and keeps to its end, so it never sees two (promise P14).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol

from gateway.message import Client, Reply, Transaction
from gateway.pipeline import Deliver
from gateway.spool import Spool


class Gateway(Protocol):
    """One configuration, at work."""

    def recipient_class(self, client: Client, sender: str, recipient: str) -> Hashable:
        """Recipients of one class share the fate of a message (promise P7)."""

    async def process(
        self, transaction: Transaction, content: Spool, deliver: Deliver, hold: Deliver | None = None
    ) -> Reply:
        """Take a received message to its end (``pipeline.Pipeline.process``)."""

    def open_spool(self) -> Spool:
        """Room for a message. Raises ``OSError``."""


@dataclass(frozen=True, slots=True)
class MilterSettings:
    """How the listener behaves towards MTAs."""

    max_message_size: int = 50 << 20
    max_recipients: int = 1000
    max_sessions: int = 500
    """Connections at a time. Postfix has one for each SMTP client it talks to."""
    trusted_peers: tuple[IPv4Network | IPv6Network, ...] = ()
    """Who may connect by TCP, besides this machine."""
    hold: bool = False
    """What the policy quarantines goes on hold in the MTA's queue, and not into our store."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    idle: float = 7210.0
    """Between messages and while the client sends one to the MTA: the MTA's own deadlines are at work then. What
    Sendmail's library waits (``smfi_settimeout``)."""
    message: float = 300.0
    """For the next octets of a message, which the MTA has in its queue already."""
    progress: float = 10.0
    """Between two signs of life while a message is examined. Postfix waits for 300 s (``milter_content_timeout``)."""
