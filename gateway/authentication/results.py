"""What we found out, as an Authentication-Results field (RFC 8601) or as one of ARC (RFC 8617 §4.1.1).

Contract: pure. Everything that came from outside was checked on its way out of the jail; here it is written so that no
value can end its statement: names are names, sentences are in quotes or left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.closed_sets import AuthResult
from gateway.message import Authentication, Checked, Signed


def field(authserv_id: str, found: Authentication) -> bytes:
    """The header field, with its line end."""
    return f"Authentication-Results: {value(authserv_id, found)}\r\n".encode("ascii", "replace")


def value(authserv_id: str, found: Authentication) -> str:
    """``mx.example.com; dkim=pass header.d=...``, one statement a line."""
    return ";\r\n ".join([authserv_id, *_statements(found)])


def _statements(found: Authentication) -> Iterator[str]:
    if not found.dkim:
        yield "dkim=none"
    for signed in found.dkim:
        yield _dkim(signed)
    if found.spf.result is not AuthResult.NONE:
        yield _statement("spf", found.spf, "smtp.mailfrom")
    yield _statement("dmarc", found.dmarc, "header.from")
    yield _statement("arc", found.arc, "")


def _dkim(signed: Signed) -> str:
    words = [f"dkim={signed.result}", *_reason(signed.reason)]
    for name, text in (("d", signed.domain), ("s", signed.selector), ("a", signed.algorithm), ("b", signed.mark)):
        if text:
            words.append(f'header.{name}="{text}"' if name == "b" else f"header.{name}={text}")
    return " ".join(words)


def _statement(method: str, checked: Checked, name: str) -> str:
    words = [f"{method}={checked.result}", *_reason(checked.reason)]
    if name and checked.domain:
        words.append(f"{name}={checked.domain}")
    return " ".join(words)


def _reason(text: str) -> list[str]:
    """In quotes (RFC 8601 §2.2), on a line of its own."""
    plain = text.encode("ascii", "replace").decode().replace("\\", "?").replace('"', "'")
    return [f'reason="{plain}"\r\n '] if plain else []
