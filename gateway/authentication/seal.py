"""Our word for a message that we changed: an ARC set (RFC 8617 §5.1) and, if wanted, a DKIM signature (RFC 6376 §5).

Contract: ``Sealer.seal`` gives the header lines to put on top of the changed message, or raises ``CannotSeal`` with a
sentence. It runs in a thread of its own and reads the message in pieces, so neither the event loop nor the memory
notices 25 MiB. Of the message it looks only for where header fields begin and what an ARC set is; the rest is hashed.
"""

from __future__ import annotations

import asyncio
import base64
import textwrap
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from gateway.authentication import chain as chains
from gateway.authentication import fields, results, signature
from gateway.authentication.canonical import BodyHash
from gateway.authentication.fields import Header, RawField, Unreadable
from gateway.authentication.secret import SigningKey
from gateway.closed_sets import AuthResult
from gateway.message import Authentication, Edits
from gateway.spool import Spool

SIGNED: Final = (
    *(b"from", b"sender", b"reply-to", b"subject", b"date", b"message-id", b"to", b"cc", b"in-reply-to", b"references"),
    *(b"mime-version", b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-language"),
    *(b"list-id", b"list-help", b"list-unsubscribe", b"list-unsubscribe-post", b"list-subscribe", b"list-post"),
    *(b"list-owner", b"list-archive"),
)
"""RFC 6376 §5.4.1. An ARC set signs the DKIM signatures as well (RFC 8617 §4.1.2)."""


class CannotSeal(Exception):
    """No seal can be made. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Keys to seal and to sign with; either may be None."""

    authserv_id: str
    arc: SigningKey | None
    dkim: SigningKey | None

    async def seal(self, content: Spool, edits: Edits, found: Authentication | None) -> bytes:
        """Lines for the message that ``content`` becomes by ``edits``. ``found`` is what was true of it as it arrived.
        Raises ``CannotSeal``."""
        try:
            shared = content.share()
        except OSError as error:
            raise CannotSeal(f"the message cannot be read: {error.strerror}") from error
        return await asyncio.to_thread(self._seal, shared, edits, found)

    def _seal(self, content: Spool, edits: Edits, found: Authentication | None) -> bytes:
        try:
            header, body = _hashed(content.chunks(edits))
            return self._lines(header, body, found, int(time.time()))
        except (Unreadable, OSError) as error:
            raise CannotSeal(str(error)) from error
        finally:
            content.close()

    def _lines(self, header: Header, body: bytes, found: Authentication | None, now: int) -> bytes:
        lines: list[RawField] = []
        if self.dkim is not None:
            lines.append(_dkim(self.dkim, header, body, now))
        if self.arc is not None and found is not None:
            signed = Header((*lines, *header.fields), header.body)
            lines = [*_arc(self.arc, self.authserv_id, signed, body, found, now), *lines]
        return b"".join(field.name + b":" + field.value for field in lines)


def _hashed(chunks: Iterable[bytes]) -> tuple[Header, bytes]:
    """Header and body hash of a message that comes in pieces. Raises ``Unreadable``."""
    head = b""
    pieces = iter(chunks)
    for piece in pieces:
        head += piece
        if b"\n\r\n" in head or head.startswith(b"\r\n"):
            break
        if len(head) > fields.MAX_HEADER:
            raise Unreadable(f"the header is longer than {fields.MAX_HEADER} bytes")
    header = fields.read(head)
    body = BodyHash(relaxed=True)
    body.update(head[header.body :])
    for piece in pieces:
        body.update(piece)
    return header, body.digest()


def _dkim(key: SigningKey, header: Header, body: bytes, now: int) -> RawField:
    names = _names(header, ())
    start = f"v=1; a={key.algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector}; t={now};"
    return _signed(key, "DKIM-Signature", start, _over(names, body), fields.select(header.fields, names))


def _arc(
    key: SigningKey, authserv_id: str, header: Header, body: bytes, found: Authentication, now: int
) -> Iterator[RawField]:
    """Seal, message signature and results: one set more. Raises ``CannotSeal``."""
    chain = chains.read(header)
    state = _state(chain, found)
    number = chain.newest + 1
    told = _field("ARC-Authentication-Results", f"i={number}; {results.value(authserv_id, found)}")
    names = _names(header, (b"dkim-signature",))
    start = f"i={number}; a={key.algorithm}; c=relaxed/relaxed; d={key.domain}; s={key.selector}; t={now};"
    chosen = fields.select(header.fields, names)
    message = _signed(key, "ARC-Message-Signature", start, _over(names, body), chosen)
    before = chains.all_fields(chain.sets) if state == "pass" else []  # of a broken chain nothing is sealed (§5.1.2)
    start = f"i={number}; a={key.algorithm}; cv={state}; d={key.domain}; s={key.selector}; t={now};"
    yield _signed(key, "ARC-Seal", start, [], [*before, told, message])
    yield message
    yield told


def _state(chain: chains.Chain, found: Authentication) -> str:
    """``cv=``: what became of the chain on its way to us."""
    if chain.ended:
        raise CannotSeal("an earlier handler has ended the ARC chain")
    if chain.newest >= chains.MAX_SETS:
        raise CannotSeal(f"there are {chains.MAX_SETS} ARC sets already")
    if found.arc.result is AuthResult.TEMPERROR:
        raise CannotSeal("whether the ARC chain holds could not be found out")
    if not chain.newest and found.arc.result is AuthResult.NONE:
        return "none"
    return "pass" if found.arc.result is AuthResult.PASS and not chain.problem else "fail"


def _names(header: Header, more: tuple[bytes, ...]) -> list[bytes]:
    """What to sign: each field there is of the list, and From once more, so that none can be added."""
    wanted = frozenset((*SIGNED, *more))
    return [*(field.key for field in header.fields if field.key in wanted), b"from"]


def _over(names: list[bytes], body: bytes) -> list[str]:
    """``h=`` and ``bh=``, each on lines of their own."""
    listed = textwrap.wrap(":".join(name.decode() for name in names).replace(":", ": "), 70)
    return ["h=" + "\r\n  ".join(listed).replace(": ", ":") + ";", f"bh={base64.b64encode(body).decode()};"]


def _signed(key: SigningKey, name: str, start: str, middle: list[str], chosen: list[RawField]) -> RawField:
    """A field that signs ``chosen`` and itself."""
    text = "\r\n ".join([start, *middle, "b="])
    digest = signature.digest(chosen, _field(name, text), relaxed=True)
    signed = base64.b64encode(key.sign(digest)).decode()
    return _field(name, text + "\r\n  ".join(textwrap.wrap(signed, 72)))


def _field(name: str, text: str) -> RawField:
    return RawField(name.lower().encode(), name.encode(), f" {text}\r\n".encode("ascii", "replace"))
