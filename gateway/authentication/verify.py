"""Verify a message as it arrived: what has to be asked of DNS, and what the answers mean.

Contract: pure and synchronous, run in the jail; takes any bytes and never raises but for a mistake of ours. ``names``
and ``verify`` read the message anew, so nothing is kept while the front waits for DNS. At most ``MAX_SIGNATURES``
DKIM signatures are looked at, the topmost ones; time is linear in the size of the message for each.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from gateway.authentication import chain as chains
from gateway.authentication import dmarc, origin, told
from gateway.authentication import signature as signatures
from gateway.authentication.fields import Bytes, Header, RawField, Unreadable, read
from gateway.authentication.publickey import Unverified
from gateway.authentication.signature import Ask, Bodies, Signature
from gateway.authentication.tags import BadTags
from gateway.closed_sets import AuthResult
from gateway.message import Answer, Authentication, Checked, Signed, clip

MAX_SIGNATURES: Final = 8
KNOWN: Final = frozenset({*signatures.KINDS, "rsa-sha1"})
"""Algorithms that are told by their name."""


def names(data: Bytes) -> tuple[str, ...]:
    """The names whose TXT records ``verify`` needs, each once."""
    try:
        header = read(data)
    except Unreadable:
        return ()
    found = [signature.name for signature in map(_parsed, _dkim(header)) if isinstance(signature, Signature)]
    found += chains.read(header).names
    with contextlib.suppress(origin.NoAuthor):
        found += dmarc.names(origin.author(header))
    return tuple(dict.fromkeys(found))


def verify(data: Bytes, answers: Iterable[Answer], trusted: Collection[str], now: float) -> Authentication:
    """Who answers for the message. ``trusted`` are the hosts believed about SPF, ``now`` seconds since 1970."""
    try:
        header = read(data)
    except Unreadable as error:
        return dmarc.unknown(str(error))
    ask = _asking({answer.name: answer for answer in answers})
    bodies = Bodies(data, header.body)
    dkim = tuple(_signed(_parsed(field), header, bodies, ask, now) for field in _dkim(header))
    chain = chains.read(header)
    spf = told.spf(header, trusted)
    try:
        checked, policy = dmarc.check(origin.author(header), dkim, spf, ask)
    except origin.NoAuthor as error:
        checked, policy = Checked(AuthResult.PERMERROR, reason=str(error)), ""
    return Authentication(
        dkim=dkim,
        arc=_shown(chains.check(chain, header, bodies, ask, now)),
        instance=chain.newest,
        dmarc=_shown(checked),
        dmarc_policy=policy,
        spf=_shown(spf),
        author=clip(origin.mailbox(header), 320),
    )


def _dkim(header: Header) -> list[RawField]:
    return header.all(b"dkim-signature")[:MAX_SIGNATURES]


def _parsed(field: RawField) -> Signature | str:
    """The signature, or why it is none."""
    try:
        return signatures.parse(field)
    except BadTags as error:
        return str(error)


def _signed(signature: Signature | str, header: Header, bodies: Bodies, ask: Ask, now: float) -> Signed:
    if isinstance(signature, str):
        return Signed(AuthResult.PERMERROR, reason=clip(signature, 200))
    result, reason = signatures.check(signature, header, bodies, ask, now)
    return Signed(
        result=result,
        domain=signature.domain,
        selector=signature.selector,
        algorithm=signature.algorithm if signature.algorithm in KNOWN else "",
        mark=_mark(signature),
        reason=clip(reason, 200),
    )


def _mark(signature: Signature) -> str:
    return base64.b64encode(signature.signature[:6]).decode("ascii")


def _shown(checked: Checked) -> Checked:
    return Checked(checked.result, clip(checked.domain, 253), clip(checked.reason, 200))


def _asking(answers: Mapping[str, Answer]) -> Ask:
    """DNS as it answered. A name it was not asked for is as good as one it did not answer."""

    def ask(name: str) -> Iterable[str]:
        answer = answers.get(name)
        if answer is None:
            raise Unverified(AuthResult.TEMPERROR, "DNS was not asked")
        if answer.result is not AuthResult.PASS:
            raise Unverified(answer.result, answer.reason)
        return answer.texts

    return ask
