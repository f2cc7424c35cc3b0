"""``[http.oidc]``: the provider that signs people in to the pages, and what it needs of the other keys.

Contract: as ``gateway.config.base`` and ``gateway.config.checks`` have it. The provider is not asked.
"""

from __future__ import annotations

import re
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from gateway.config.base import File, Section, line
from gateway.endpoint import Endpoint
from gateway.mistakes import shown


def _issuer(value: object) -> str:
    url = line(value)
    if not re.fullmatch(r"https?://[!-~]+", url) or any(sign in url for sign in "?#@") or not urlsplit(url).hostname:
        raise ValueError(
            f"{shown(value)}: write the issuer as the provider calls itself, as in https://login.example.com/realms/main"
        )
    return url


def _scopes(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError(f'must be a list like ["openid", "profile"], not {shown(value)}')
    if odd := [word for word in value if not re.fullmatch(r"[!#-\[\]-~]+", word)]:
        raise ValueError(f"{shown(odd[0])} is no scope")
    if "openid" not in value:
        raise ValueError('"openid" is missing, without which nobody says who it is')
    return tuple(value)


def _word(value: object) -> str:
    word = line(value)
    if not 1 <= len(word) <= 200:
        raise ValueError(f"must be text of 1 to 200 characters, not {shown(value)}")
    return word


Word = Annotated[str, BeforeValidator(_word)]


class OidcSection(Section):
    """``[http.oidc]``"""

    issuer: Annotated[str, BeforeValidator(_issuer)]
    client_id: Word
    client_secret: File
    roles: dict[str, Literal["viewer", "analyst", "releaser", "admin"]] = Field(min_length=1)
    role_claim: Word = "groups"
    name_claim: Word = "preferred_username"
    scopes: Annotated[tuple[str, ...], BeforeValidator(_scopes)] = ("openid", "profile", "email")
    tls_ca: File | None = None


def problems(section: OidcSection, public_url: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys and sentence of everything wrong with it."""
    key = "http.oidc"
    if not _safe(section.issuer):
        yield (key,), f"{section.issuer} is plain HTTP, where anybody on the way could sign in as anybody; use https"
    if not public_url:
        yield (
            (key, "http.public_url"),
            "the provider has to know where to send people back to; set http.public_url to what they type",
        )
    elif not _safe(public_url):
        yield (key, "http.public_url"), f"{public_url} is plain HTTP: sign-ins could be read on the way; use https"
    yield from _secret(section.client_secret)
    if section.tls_ca is not None:
        try:
            ssl.create_default_context(cafile=section.tls_ca)
        except (OSError, ssl.SSLError) as error:
            yield (key,), f"tls_ca: {section.tls_ca} holds no certificates in PEM: {error.strerror or error}"


def _secret(path: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    from gateway.web.oidc import read_secret  # brings the web server, which most commands do not need

    try:
        read_secret(path)
        readable = path.stat().st_mode & stat.S_IRWXO
    except OSError as error:
        why = f"{path} cannot be read: {error.strerror}" if error.strerror else str(error)
        yield ("http.oidc",), f"client_secret: {why}"
        return
    if readable:
        yield ("http.oidc",), f"client_secret: {path}: everybody on this machine may read it; chmod o-rwx {path}"


def _safe(url: str) -> bool:
    """Whether nobody else can read what is sent there."""
    parts = urlsplit(url)
    return parts.scheme == "https" or Endpoint(host=parts.hostname or "", port=1).private
