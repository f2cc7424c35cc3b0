"""Where receivers are, as the configuration writes it.

Contract: ``SyslogPlace.parse`` and ``CollectorPlace.parse`` raise ``ValueError`` with the sentence to show. Names are
never looked up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class SyslogPlace:
    """A syslog server: ``unix:/dev/log``, ``udp:HOST:PORT``, ``tcp:HOST:PORT`` or ``tls:HOST:PORT``."""

    transport: str
    endpoint: Endpoint

    @classmethod
    def parse(cls, text: str) -> SyslogPlace:
        """The place behind a word of the configuration."""
        if text.startswith("unix:"):
            return cls("unix", Endpoint.parse(text))
        transport, _, rest = text.partition(":")
        if transport in ("udp", "tcp", "tls"):
            endpoint = Endpoint.parse(rest)
            if endpoint.port and not endpoint.lmtp:
                return cls(transport, endpoint)
        raise ValueError(
            f"{text!r} is no syslog server; write unix:/dev/log, udp:192.0.2.10:514, tcp:192.0.2.10:601 or "
            "tls:syslog.example.com:6514"
        )

    def __str__(self) -> str:
        return str(self.endpoint) if self.transport == "unix" else f"{self.transport}:{self.endpoint}"


@dataclass(frozen=True, slots=True)
class CollectorPlace:
    """A collector behind HTTP: an address with ``http`` or ``https``; ``target`` is path and query."""

    https: bool
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> CollectorPlace:
        """The place behind an address."""
        wrong = f"{text!r} is no address to send the log to; write https://logs.example.com:8088/path"
        if not re.fullmatch(r"https?://[!-~]+", text):
            raise ValueError(wrong)
        try:
            url = urlsplit(text)
            port = url.port
        except ValueError:
            raise ValueError(wrong) from None
        if not url.hostname or url.fragment or port == 0:
            raise ValueError(wrong)
        if "@" in url.netloc:
            raise ValueError(
                "has a password in it, which everybody sees who reads the configuration; put it into the file "
                "log.http_authorization names"
            )
        https = url.scheme == "https"
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        return cls(https, url.hostname, port or (443 if https else 80), target)

    @property
    def private(self) -> bool:
        """Whether nobody else can read what is sent there."""
        return self.https or Endpoint(host=self.host, port=self.port).private
