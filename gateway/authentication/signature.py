"""One signature over a message: DKIM-Signature (RFC 6376 §3.5, RFC 8463), ARC-Message-Signature (RFC 8617 §4.1.2).

Contract: pure; takes any bytes. ``parse`` raises ``BadTags`` for a field that is no signature; ``check`` never raises,
it answers with a result and a sentence. What a signature is signed with, and when, is judged as RFC 8301 says: SHA-1
and short keys never count. One that leaves a part of the body unsigned (``l=``) does not either, because anybody may
have put that part there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from gateway.authentication import canonical, publickey, tags
from gateway.authentication.fields import Bytes, Header, RawField, select
from gateway.authentication.publickey import PublicKey, Unverified
from gateway.authentication.tags import BadTags
from gateway.closed_sets import AuthResult

SLACK: Final = 300
"""Seconds by which clocks may differ."""
MAX_SIGNED: Final = 500
"""Names in one ``h=``."""

KINDS: Final = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}

Ask = Callable[[str], Iterable[str]]
"""The TXT records of a name. Raises ``Unverified`` where there is no answer."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A parsed signature field. ``length`` is ``l=``, times are in seconds since 1970."""

    field: RawField
    algorithm: str
    domain: str
    selector: str
    signed: tuple[bytes, ...]
    signature: bytes
    body: bytes
    relaxed_header: bool
    relaxed_body: bool
    length: int | None
    made: int | None
    expires: int | None
    identity: str
    instance: int

    @property
    def name(self) -> str:
        """Where its key is in DNS."""
        return key_name(self.selector, self.domain)


def key_name(selector: str, domain: str) -> str:
    """RFC 6376 §3.6.2.1"""
    return f"{selector}._domainkey.{domain}"


def parse(field: RawField, *, arc: bool = False) -> Signature:
    """The signature in a field. Raises ``BadTags``."""
    found = tags.parse(field.value)
    tags.required(found, *(() if arc else ("v",)), "a", "b", "bh", "d", "h", "s")
    if not arc and tags.word(found, "v") != "1":
        raise BadTags("v= is not 1")
    domain, selector = tags.domain(found, "d"), tags.domain(found, "s")
    if not tags.is_name(key_name(selector, domain)):
        raise BadTags("d= and s= together are too long for a domain name")
    if "dns/txt" not in tags.words(found, "q", "dns/txt"):
        raise BadTags("q= is not dns/txt")
    signed = tuple(name.encode() for name in tags.words(found, "h"))
    if b"from" not in signed:
        raise BadTags("From is not signed")
    if len(signed) > MAX_SIGNED:
        raise BadTags(f"h= has more than {MAX_SIGNED} names")
    if arc and b"arc-seal" in signed:
        raise BadTags("h= names ARC-Seal")
    relaxed_header, relaxed_body = _forms(found, "relaxed/relaxed" if arc else "simple/simple")
    return Signature(
        field=field,
        algorithm=tags.word(found, "a").lower(),
        domain=domain,
        selector=selector,
        signed=signed,
        signature=tags.data(found, "b"),
        body=tags.data(found, "bh"),
        relaxed_header=relaxed_header,
        relaxed_body=relaxed_body,
        length=tags.number(found, "l"),
        made=tags.number(found, "t"),
        expires=tags.number(found, "x"),
        identity="" if arc else _identity(found, domain),
        instance=(tags.number(found, "i") or 0) if arc else 0,
    )


def _forms(found: tags.Tags, default: str) -> tuple[bool, bool]:
    """Whether header and body are relaxed; a body that is not mentioned is simple (RFC 6376 §3.5, c=)."""
    header, _, body = tags.word(found, "c", default).lower().partition("/")
    body = body or "simple"
    if not {header, body} <= {"simple", "relaxed"}:
        raise BadTags("c= is unknown")
    return header == "relaxed", body == "relaxed"


def _identity(found: tags.Tags, domain: str) -> str:
    """The domain of ``i=``, which has to be that of ``d=`` or below it."""
    if "i" not in found:
        return domain
    identity = found["i"].translate(None, b" \t\r\n").rpartition(b"@")[2].decode("utf-8", "replace").lower()
    if identity != domain and not identity.endswith(f".{domain}"):
        raise BadTags("i= is not below d=")
    return identity


class Bodies:
    """Hashes of one message's body, each computed once."""

    def __init__(self, data: Bytes, start: int) -> None:
        self._data = data
        self._start = start
        self._known: dict[tuple[bool, int | None], tuple[bytes, int]] = {}

    def get(self, relaxed: bool, limit: int | None) -> tuple[bytes, int]:
        """Digest, and length of the whole body."""
        key = (relaxed, limit)
        if key not in self._known:
            self._known[key] = canonical.body_hash(self._data, self._start, relaxed=relaxed, limit=limit)
        return self._known[key]


def check(signature: Signature, header: Header, bodies: Bodies, ask: Ask, now: float) -> tuple[AuthResult, str]:
    """How the signature fares, and why if it is no pass."""
    try:
        _check_times(signature, now)
        key = find_key(signature.algorithm, signature.name, ask)
        _check_identity(signature, key)
        _check_content(signature, header, bodies, key)
    except Unverified as problem:
        return problem.result, problem.reason
    return AuthResult.PASS, ""


def find_key(algorithm: str, name: str, ask: Ask) -> PublicKey:
    """The key under ``name``, which has to be for the algorithm of the signature. Raises ``Unverified``."""
    if algorithm == "rsa-sha1":
        raise Unverified(AuthResult.POLICY, "it uses SHA-1, which can be forged")
    if algorithm not in KINDS:
        raise Unverified(AuthResult.PERMERROR, "a= is unknown")
    key = publickey.parse(ask(name))
    if key.kind != KINDS[algorithm]:
        raise Unverified(AuthResult.PERMERROR, "the published key is for another algorithm")
    return key


def _check_times(signature: Signature, now: float) -> None:
    made, expires = signature.made, signature.expires
    if expires is not None and expires < now - SLACK:
        raise Unverified(AuthResult.FAIL, "it has expired")
    if made is not None and expires is not None and expires < made:
        raise Unverified(AuthResult.PERMERROR, "it expires before it was made")


def _check_identity(signature: Signature, key: PublicKey) -> None:
    if key.strict and signature.identity != signature.domain:
        raise Unverified(AuthResult.PERMERROR, "the published key does not sign for subdomains")


def _check_content(signature: Signature, header: Header, bodies: Bodies, key: PublicKey) -> None:
    limit = signature.length
    digest, length = bodies.get(signature.relaxed_body, limit)
    if limit is not None and limit > length:
        raise Unverified(AuthResult.PERMERROR, "l= is larger than the body")
    if digest != signature.body:
        raise Unverified(AuthResult.FAIL, "the body was changed")
    if not key.verifies(signature.signature, header_digest(signature, header)):
        raise Unverified(AuthResult.FAIL, "the header was changed")
    if limit is not None and limit < length:
        raise Unverified(AuthResult.POLICY, f"only {limit} of {length} bytes of the body are signed")


def header_digest(signature: Signature, header: Header) -> bytes:
    """What is signed. One From more than were signed is a forgery, not an addition, and changes it."""
    chosen = select(header.fields, [*signature.signed, b"from"])
    return digest(chosen, signature.field, relaxed=signature.relaxed_header)


def digest(chosen: list[RawField], field: RawField, *, relaxed: bool) -> bytes:
    """SHA-256 of canonical fields and of the signature field itself without its signature (RFC 6376 §3.7)."""
    own = RawField(field.key, field.name, tags.without_signature(field.value))
    text = canonical.header(chosen, relaxed=relaxed) + canonical.header([own], relaxed=relaxed).removesuffix(b"\r\n")
    return hashlib.sha256(text).digest()
