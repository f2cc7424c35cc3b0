"""Signed messages, and the DNS that goes with them. dkimpy signs, so that what verifies is not tested by itself; where
dkimpy cannot (Ed25519 without PyNaCl, tags that no honest signer writes) ``sign`` does."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping

import dkim
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from dkim.canonicalization import CanonicalizationPolicy

from gateway.closed_sets import AuthResult
from gateway.message import Answer

MESSAGE = (
    b"Received: from outside.test by mx.example.com; Tue, 24 Nov 2026 10:00:00 +0000\r\n"
    b"From: Anna <anna@outside.test>\r\n"
    b"To: bob@example.com\r\n"
    b"Subject:  Tabs \t and   spaces\r\n\tfolded\r\n"
    b"Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@outside.test>\r\n"
    b"\r\n"
    b"Hello  Bob,\t \r\n\r\nsome  text. \r\n\r\n\r\n"
)


@functools.cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@functools.cache
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def pem(key: rsa.RSAPrivateKey) -> bytes:
    """As dkimpy reads it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def record(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, more: str = "") -> str:
    """The TXT record of its public key."""
    if isinstance(key, rsa.RSAPrivateKey):
        raw = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; {more}p={base64.b64encode(raw).decode()}"
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; {more}p={base64.b64encode(raw).decode()}"


def signed(message: bytes = MESSAGE, *, domain: str = "outside.test", selector: str = "s1", **options: object) -> bytes:
    """``message`` with a signature by dkimpy."""
    options.setdefault("include_headers", [b"from", b"to", b"subject", b"date", b"message-id"])
    line: bytes = dkim.sign(message, selector.encode(), domain.encode(), pem(rsa_key()), **options)
    return line + message


def sign(
    message: bytes = MESSAGE,
    *,
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | None = None,
    names: tuple[str, ...] = ("from", "to", "subject", "date"),
    **tags: str,
) -> bytes:
    """``message`` with a signature made step by step after RFC 6376 §3.7, with any tags."""
    key = key or rsa_key()
    kind = "rsa-sha256" if isinstance(key, rsa.RSAPrivateKey) else "ed25519-sha256"
    head, _, body = message.partition(b"\r\n\r\n")
    values = {"v": "1", "a": kind, "c": "relaxed/relaxed", "d": "outside.test", "s": "s1", "h": ":".join(names)} | tags
    form = CanonicalizationPolicy.from_c_value(values["c"].encode())
    content = form.canonicalize_body(body)[: int(values["l"]) if "l" in values else None]
    values.setdefault("bh", base64.b64encode(hashlib.sha256(content).digest()).decode())
    line = " " + "; ".join(f"{name}={value}" for name, value in values.items()) + "; b="
    fields = [(name, value + b"\r\n") for name, value in re.findall(rb"([^\s:]+):((?:[^\r]|\r\n[ \t])*)", head)]
    chosen = [field for name in names for field in fields if field[0].lower() == name.encode()]
    text = b"".join(name + b":" + value for name, value in form.canonicalize_headers(chosen))
    ((name, value),) = form.canonicalize_headers([(b"DKIM-Signature", line.encode())])
    text += name + b":" + value.removesuffix(b"\r\n")
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = key.sign(hashlib.sha256(text).digest())
    return f"DKIM-Signature:{line}{base64.b64encode(signature).decode()}\r\n".encode() + message


def zone(**more: str) -> dict[str, str]:
    """What DNS says about ``outside.test``; ``more`` by name with ``__`` for the dot."""
    return {
        "s1._domainkey.outside.test": record(rsa_key()),
        "ed._domainkey.outside.test": record(ed25519_key()),
        "_dmarc.outside.test": "v=DMARC1; p=reject",
    } | {name.replace("__", "."): text for name, text in more.items()}


def answers(names: tuple[str, ...], known: Mapping[str, str]) -> tuple[Answer, ...]:
    """DNS that answers at once."""
    return tuple(Answer(name, AuthResult.PASS, (known[name],) if name in known else ()) for name in names)
