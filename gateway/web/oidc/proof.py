"""Verifies the ID token: that the provider says it, to us, now, and in answer to this very question.

Contract: synchronous, no network. ``header`` and ``fitting`` choose the key, ``verified`` gives the claims (OpenID
Connect Core §3.1.3.7) or raises ``ForgedError``. Signatures are public-key ones of ``ALGORITHMS`` only: with ``none``
there is nothing to verify, and with HS256 anybody who has the public key could sign (RFC 8725 §3.1). Authlib and
joserfc take a tenth of a second to load, so they are loaded by the first sign-in.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
SKEW = 60
"""Seconds by which the provider's clock may differ from ours."""
OLDEST = 600
"""Seconds after which a token is not of this sign-in."""
LARGEST = 64 << 10
"""Characters of a token; one with two hundred groups has 8000."""
_FAMILY = {"R": "RSA", "P": "RSA", "E": "EC"}
_SMALLEST_MODULUS, _LARGEST_MODULUS = 256, 1024
"""Bytes: 2048 bits as RFC 7518 §3.3 asks, and 8192 to bound the work."""


class ForgedError(Exception):
    """The token proves nothing; the message says which check failed."""


def header(token: str) -> dict[str, Any]:
    """Its header, which nobody vouches for yet. Raises ``ForgedError``."""
    if len(token) > LARGEST or not token.isascii() or token.count(".") != 2:
        raise ForgedError("it is no signed token")
    try:
        told = json.loads(_bytes(token.partition(".")[0]))
    except (ValueError, RecursionError) as error:
        raise ForgedError("it has no header") from error
    if not isinstance(told, dict):
        raise ForgedError("it has no header")
    if told.get("alg") not in ALGORITHMS:
        raise ForgedError(f"it is signed with {str(told.get('alg'))[:20]!a}, which is not accepted")
    if not isinstance(told.get("kid", ""), str):
        raise ForgedError("its key has no name")
    return told


def fitting(keys: Sequence[dict[str, Any]], told: dict[str, Any]) -> dict[str, Any] | None:
    """The one key that a token with this header can be signed with; without a ``kid`` there must be only one that
    fits."""
    kid, algorithm = told.get("kid"), told["alg"]
    found = [
        key
        for key in keys
        if key.get("kty") == _FAMILY[algorithm[0]]
        and (kid is None or key.get("kid") == kid)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    ]
    return found[0] if len(found) == 1 else None


def verified(
    token: str, key: dict[str, Any], *, issuer: str, client_id: str, nonce: str, access_token: str, now: int
) -> dict[str, Any]:
    """The claims. ``now`` in seconds since 1970. Raises ``ForgedError``."""
    from authlib.oidc.core import CodeIDToken  # slow to load
    from joserfc import jwk, jwt
    from joserfc.errors import JoseError
    from joserfc.jws import JWSRegistry

    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)  # providers add names of their own
    registry.max_header_length = 16 << 10  # with a chain of certificates (x5c)
    _require_strong(key)
    try:
        found = jwt.decode(token, jwk.import_key(key), algorithms=ALGORITHMS, registry=registry)
        claims = CodeIDToken(
            found.claims,
            found.header,
            options={"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
            params={"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        claims.validate(now=now, leeway=SKEW)
    except JoseError as error:
        raise ForgedError(f"{error.error}: {error.description or 'it does not hold'}"[:200]) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ForgedError("it is not made as a token is") from error
    if now - claims["iat"] > OLDEST:
        raise ForgedError("it was made too long ago")
    subject = claims["sub"]
    if not 1 <= len(subject) <= 255 or not subject.isascii() or not subject.isprintable():
        raise ForgedError("its subject is not 1 to 255 printable ASCII characters (Core §2)")
    return dict(claims)


def _require_strong(key: dict[str, Any]) -> None:
    """Raises ``ForgedError``."""
    if key["kty"] != "RSA":
        return
    try:
        modulus = _bytes(key["n"]).lstrip(b"\0")
        exponent = _bytes(key["e"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ForgedError("the key of the provider is none") from error
    if not _SMALLEST_MODULUS <= len(modulus) <= _LARGEST_MODULUS or len(exponent) > 4:
        raise ForgedError("the key of the provider is too short, or too long")


def _bytes(text: str) -> bytes:
    """Base64url without padding (RFC 7515 §2). Raises ``ValueError``."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
