"""Public keys as DNS holds them: ``v=DKIM1; k=rsa; p=...`` (RFC 6376 §3.6.1, RFC 8463 §3).

Contract: pure; takes any text; raises ``Unverified`` with result and sentence and nothing else. Keys of less than 1024
bits never count (RFC 8301 §3.2), those of more than ``MAX_BITS`` would take too long.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gateway.authentication import tags
from gateway.closed_sets import AuthResult

MIN_BITS: Final = 1024
MAX_BITS: Final = 8192


class Unverified(Exception):
    """No pass: how it ended instead, and why."""

    def __init__(self, result: AuthResult, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A usable key. ``kind`` is ``rsa`` or ``ed25519``; ``strict``: it signs for its domain only, for nothing below."""

    kind: str
    strict: bool
    key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        """Whether ``signature`` is one of the SHA-256 ``digest``. PureEdDSA signs the digest itself (RFC 8463 §3)."""
        try:
            if isinstance(self.key, rsa.RSAPublicKey):
                self.key.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
            else:
                self.key.verify(signature, digest)
        except (InvalidSignature, ValueError):
            return False
        return True


def parse(records: Iterable[str]) -> PublicKey:
    """The key in the TXT records of one name. Raises ``Unverified``."""
    found = [record for record in records if "p=" in record]
    if not found:
        raise Unverified(AuthResult.PERMERROR, "no key is published for this signature")
    if len(found) > 1:
        raise Unverified(AuthResult.PERMERROR, "several keys are published under one name")
    try:
        return _key(tags.parse(found[0].encode("ascii", "replace")))
    except tags.BadTags as error:
        raise Unverified(AuthResult.PERMERROR, f"the published key cannot be read: {error}") from None


def _key(found: tags.Tags) -> PublicKey:
    tags.required(found, "p")
    if tags.word(found, "v", "DKIM1") != "DKIM1":
        raise Unverified(AuthResult.PERMERROR, "the published key is of an unknown version")
    if "sha256" not in tags.words(found, "h", "sha256"):
        raise Unverified(AuthResult.PERMERROR, "the published key is not for SHA-256")
    if not {"*", "email"} & set(tags.words(found, "s", "*")):
        raise Unverified(AuthResult.PERMERROR, "the published key is not for mail")
    kind = tags.word(found, "k", "rsa").lower()
    raw = tags.data(found, "p")
    if not raw:
        raise Unverified(AuthResult.PERMERROR, "the key has been revoked")
    strict = "s" in tags.words(found, "t")
    if kind == "rsa":
        return PublicKey(kind, strict, _rsa(raw))
    if kind == "ed25519":
        if len(raw) != 32:
            raise Unverified(AuthResult.PERMERROR, "the published key is no Ed25519 key")
        return PublicKey(kind, strict, ed25519.Ed25519PublicKey.from_public_bytes(raw))
    raise Unverified(AuthResult.PERMERROR, "the published key is of an unknown kind")


def _rsa(raw: bytes) -> rsa.RSAPublicKey:
    """SubjectPublicKeyInfo, or the bare RSAPublicKey that RFC 6376 speaks of (its erratum 3017)."""
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPublicKey):
        raise Unverified(AuthResult.PERMERROR, "the published key is no RSA key")
    if key.key_size < MIN_BITS:
        raise Unverified(AuthResult.POLICY, f"the key has only {key.key_size} bits")
    if key.key_size > MAX_BITS:
        raise Unverified(AuthResult.PERMERROR, f"the key has {key.key_size} bits")
    return key
