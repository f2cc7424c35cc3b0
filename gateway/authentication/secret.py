"""Our own keys: the files they lie in, what they sign, and the DNS record by which others verify it.

Contract: runs in front, never in a process that reads mail. ``load`` and ``generate`` raise ``BadKey`` with the
sentence for the admin. A private key is not shown by ``repr``, and a new file is readable by its owner alone.
"""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, utils

from gateway.authentication import tags
from gateway.authentication.signature import key_name

RSA_BITS: Final = 2048
"""RFC 8301 §3.2; more does not fit into what many DNS servers take as one record."""
STRING_BYTES: Final = 255
"""Of one string in a TXT record (RFC 1035 §3.3)."""

Kind = Literal["rsa", "ed25519"]
Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class BadKey(Exception):
    """The key cannot be used. The text is the sentence for the admin."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the name its public half has in DNS."""

    domain: str
    selector: str
    private: Private = field(repr=False)

    @property
    def kind(self) -> Kind:
        return "rsa" if isinstance(self.private, rsa.RSAPrivateKey) else "ed25519"

    @property
    def algorithm(self) -> str:
        """As ``a=`` has it."""
        return f"{self.kind}-sha256"

    @property
    def name(self) -> str:
        """Where its record belongs in DNS."""
        return key_name(self.selector, self.domain)

    @property
    def record(self) -> str:
        """The TXT record for others to verify by (RFC 6376 §3.6.1, RFC 8463 §4)."""
        return f"v=DKIM1; k={self.kind}; p={public(self.private)}"

    def sign(self, digest: bytes) -> bytes:
        """The signature of a SHA-256 digest."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
        return self.private.sign(digest)


def public(private: Private) -> str:
    """The public half as ``p=`` has it."""
    if isinstance(private, rsa.RSAPrivateKey):
        raw = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    else:
        raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(raw).decode("ascii")


def named(domain: str, selector: str, private: Private) -> SigningKey:
    """Raises ``BadKey`` for names that cannot be in DNS."""
    for what, text in (("domain", domain), ("selector", selector)):
        if not tags.is_name(text):
            raise BadKey(
                f"{what} {text!r} is no name for DNS; write it as in {'example.com' if what == 'domain' else 's1'}"
            )
    if not tags.is_name(key_name(selector, domain)):
        raise BadKey(f"{key_name(selector, domain)} is too long for a name in DNS")
    return SigningKey(domain.lower(), selector.lower(), private)


def load(path: Path, domain: str, selector: str) -> SigningKey:
    """The key in a PEM file. Raises ``BadKey``."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(1 << 16)
    except OSError as error:
        raise BadKey(f"{path}: cannot be read: {error.strerror}") from None
    if mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
        raise BadKey(f"{path}: a private key that others may read or change; chmod 600 {path}")
    try:
        private = serialization.load_pem_private_key(content, password=None)
    except TypeError:
        raise BadKey(f"{path}: is locked with a password, which nobody is there to type") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey(f"{path}: no private key in PEM; `macrogate keys generate` makes one") from None
    if not isinstance(private, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise BadKey(f"{path}: neither an RSA nor an Ed25519 key")
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size < RSA_BITS // 2:
        raise BadKey(f"{path}: an RSA key of {private.key_size} bits is taken by nobody; {RSA_BITS} are usual")
    return named(domain, selector, private)


def generate(path: Path, domain: str, selector: str, kind: Kind) -> SigningKey:
    """A new key in a new file that only its owner can read. Raises ``BadKey``, also if there is such a file already."""
    private: Private
    private = rsa.generate_private_key(65537, RSA_BITS) if kind == "rsa" else ed25519.Ed25519PrivateKey.generate()
    key = named(domain, selector, private)
    content = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except FileExistsError:
        raise BadKey(f"{path} is there already; a key in use must not be lost, so choose another name") from None
    except OSError as error:
        raise BadKey(f"{path}: cannot be written: {error.strerror}") from None
    return key


def zone_line(key: SigningKey) -> str:
    """The record as a zone file has it, in strings of at most 255 bytes (RFC 1035 §5.1)."""
    text = key.record
    strings = [text[start : start + STRING_BYTES] for start in range(0, len(text), STRING_BYTES)]
    return f"{key.name}. IN TXT ( " + "\n    ".join(f'"{string}"' for string in strings) + " )"
