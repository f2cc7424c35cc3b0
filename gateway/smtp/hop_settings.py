"""How a next hop is to be spoken to: plain values, checked where they are made.

Contract: frozen and comparable, so a reload can tell whether the connections at hand still fit.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Literal

from gateway.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for a whole exchange, however many reads it takes."""

    connect: float = 10.0
    """Until one of the addresses has accepted."""
    greeting: float = 30.0
    """Banner, EHLO, STARTTLS and XCLIENT together."""
    command: float = 30.0
    body: float = 60.0
    """From 354 to the last octet before the final dot."""
    dot: float = 60.0
    """From the final dot to the reply. Below the 100 s of Postfix's ``smtpd_proxy_timeout`` (promise P8)."""
    quit: float = 5.0


@dataclass(frozen=True, slots=True)
class HopSettings:
    """How the next hop is spoken to."""

    address: Endpoint
    hostname: str
    """Our own name in EHLO and LHLO."""
    tls: Literal["off", "may", "require"] = "off"
    """``may`` encrypts where the hop offers it and believes any certificate; ``require`` fails closed without it."""
    tls_context: ssl.SSLContext | None = None
    """By default: no verification with ``may``, the system's authorities and the host name with ``require``."""
    xclient: bool = False
    """The hop must take XCLIENT. Without it the hop would take every stranger for us and relay for him."""
    timeouts: Timeouts = Timeouts()

    def context(self) -> ssl.SSLContext:
        """``tls_context`` or its default."""
        if self.tls_context is not None:
            return self.tls_context
        context = ssl.create_default_context()
        if self.tls != "require":  # opportunistic: an unknown certificate still beats plain text (RFC 7435)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
