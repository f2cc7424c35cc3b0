"""What the SMTP listener is told, and what it needs of the rest of the gateway.

Contract: ``ServerSettings`` holds for the life of a session; a ``Gateway`` is one configuration, which a session takes
at MAIL and keeps to the final dot, so a message never sees two (promise P14).
"""

from __future__ import annotations

import ssl
from collections.abc import Hashable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol

from gateway.message import Client, Reply, Transaction
from gateway.pipeline import Deliver
from gateway.smtp.client import HopPool
from gateway.smtp.protocol import BareNewline
from gateway.spool import Spool


class Gateway(Protocol):
    """One configuration, at work."""

    @property
    def hops(self) -> HopPool: ...

    def recipient_class(self, client: Client, sender: str, recipient: str) -> Hashable:
        """Recipients of one class share the fate of a message; another class has to come in a transaction of its own
        (promise P7)."""

    async def process(self, transaction: Transaction, content: Spool, deliver: Deliver) -> Reply:
        """Take a received message to its end (``pipeline.Pipeline.process``)."""

    def open_spool(self) -> Spool:
        """Room for a message. Raises ``OSError``."""


@dataclass(frozen=True, slots=True)
class SessionTimeouts:
    """Seconds, unless said otherwise."""

    command: float = 300.0
    """For one whole command, however it drips in (RFC 5321 §4.5.3.2.7)."""
    data: float = 180.0
    """For the next octets of a message (RFC 5321 §4.5.3.2.5)."""
    data_grace: float = 60.0
    """Before ``data_rate`` is asked for."""
    data_rate: int = 500
    """Octets a second over a whole message (Postfix: ``smtpd_min_data_rate``)."""
    handshake: float = 30.0
    """For the TLS handshake, and for the PROXY header."""
    session: float = 3600.0
    """For everything. Postfix reuses a connection for at most 300 s."""
    greet_delay: float = 0.0
    """Before the greeting to strangers; who speaks first is turned away."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the listener behaves towards its clients."""

    hostname: str
    max_message_size: int = 50 << 20
    """Octets, offered as SIZE; the next hop's limit is offered if it is lower."""
    max_recipients: int = 1000
    """Per message; RFC 5321 §4.5.3.1.8 asks for 100."""
    trusted_peers: tuple[IPv4Network | IPv6Network, ...] = ()
    """Who may speak XFORWARD, XCLIENT and PROXY. A peer on a UNIX socket is trusted: the file has permissions."""
    bare_newline: BareNewline = "normalize"
    proxy_protocol: bool = False
    """Every connection begins with a PROXY header, v1 or v2, and comes from a trusted peer."""
    tls_context: ssl.SSLContext | None = None
    max_sessions: int = 1000
    """One in ten is kept free for trusted peers, so strangers cannot lock out the local MTA."""
    max_sessions_per_client: int = 50
    """Per IPv4 address or IPv6 /64; trusted peers have no such limit."""
    max_errors: int = 20
    """Refused commands in one session (Postfix: ``smtpd_hard_error_limit``)."""
    max_junk: int = 100
    """Commands in a row that bring no mail nearer (Postfix: ``smtpd_junk_command_limit``)."""
    timeouts: SessionTimeouts = SessionTimeouts()
