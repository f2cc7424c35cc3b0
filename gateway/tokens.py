"""Signed links by which a recipient asks for the original of a changed message.

Contract: ``Links`` makes a link, ``read`` tells whose it is or raises ``BadToken`` with a sentence for whoever clicked.
A token names a held message, one recipient or nobody, and when it ends; HMAC-SHA256 (RFC 2104) over all of that keeps
anybody from making or changing one without the secret. It gives no right but to ask: a person decides. That it is
used once only is for the record of the held message to say. Reads no clock but by default, and no file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway.message import Envelope

SHORTEST_SECRET = 32
"""Octets: as many as the digest has (RFC 2104 §3)."""

MAX_TOKEN = 2000
"""Characters; an address has 320 at the most."""

_PURPOSE = b"macrogate: request the original, 1"
"""Part of what is signed, so that a token of another kind by the same secret is none of these."""


class BadToken(Exception):
    """The link cannot be used. The message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a token says. ``recipient`` is "" where the message had several: a link that all of them see names none,
    because some may be hidden from the others. ``expires`` in seconds since the epoch."""

    held_id: str
    recipient: str
    expires: int


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links that begin with ``url`` and are good for ``seconds``. Called with a held id and its envelope."""

    url: str
    secret: bytes = field(repr=False)
    seconds: float

    def __call__(self, held_id: str, envelope: Envelope) -> str:
        """The link to ask for the original held under ``held_id``."""
        recipients = envelope.recipients
        recipient = recipients[0].address if len(recipients) == 1 else ""
        mark = "&" if urlsplit(self.url).query else "?"
        request = Request(held_id, recipient, int(time.time() + self.seconds))
        return f"{self.url}{mark}request={issue(self.secret, request)}"


def issue(secret: bytes, request: Request) -> str:
    """The token of ``request``: letters, digits, ``-``, ``_`` and one dot."""
    words = f"{request.held_id}\0{request.expires}\0{request.recipient}".encode("utf-8", "surrogateescape")
    return f"{_text(words)}.{_text(_seal(secret, words))}"


def read(secret: bytes, token: str, now: float) -> Request:
    """What ``token`` says at ``now`` (seconds since the epoch). Raises ``BadToken``."""
    words, _, seal = token.partition(".")
    if len(token) > MAX_TOKEN or not token.isascii():
        raise BadToken("This link is not one of ours.")
    content = _octets(words)
    if not hmac.compare_digest(_seal(secret, content), _octets(seal)):
        raise BadToken("This link is not one of ours, or it was changed on its way.")
    held_id, expires, recipient = content.decode("utf-8", "surrogateescape").split("\0", 2)
    request = Request(held_id, recipient, int(expires))
    if now >= request.expires:
        raise BadToken("This link has expired, and the original is probably deleted by now.")
    return request


def _seal(secret: bytes, words: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE + b"\0" + words, hashlib.sha256)


def _text(octets: bytes) -> str:
    """RFC 4648 §5, without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _octets(text: str) -> bytes:
    """Exactly one text stands for the same octets: a token cannot be spelt in two ways."""
    try:
        octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
    return octets if _text(octets) == text else b""
