"""Tokens of programs: a file of names, owners, scopes and digests.

Contract: a token is 256 random bits behind ``mgt_`` and is shown once; the file has its SHA-256 only. A slow hash, as
passwords need, would protect nothing: nobody can guess so many bits, and every request would pay for it. A token
belongs to a user and can do less than its owner, never more; without the owner it is worth nothing. The file is read
again when it has changed. Every mistake in it is a ``TokensError``, and then no token is good.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.web.private import PrivateFile, PrivateFileError

PREFIX = "mgt_"
"""Secret scanners look for ``mgt_[A-Za-z0-9_-]{43}``."""
DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
SHAPE = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}", re.ASCII)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
MAX_TOKENS = 1000
USED_TO = timedelta(hours=1)
"""How exact the time of the last use is: a file is not written for every request."""


class TokensError(PrivateFileError):
    """The file of tokens cannot be used; the message is a sentence for the admin."""


class Scope(enum.StrEnum):
    """What a token may be used for."""

    READ = "read"
    DOWNLOAD = "download"
    RELEASE = "release"
    ASK = "ask"
    APPROVE = "approve"
    DELETE = "delete"
    EXCEPTIONS = "exceptions"
    IOCS = "iocs"


@dataclass(frozen=True, slots=True)
class Token:
    """One token as the file knows it. ``digest`` is the SHA-256 of the whole token in hex; times are UTC."""

    name: str
    user: str
    scopes: frozenset[Scope]
    digest: str
    made: datetime
    expires: datetime | None

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires is not None and now >= self.expires


class Tokens:
    """The file at ``path``, and beside it one of when each was last used; a file that is not there has no token. May be
    used by several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = PrivateFile(path, "a file of tokens; `macrogate token add` makes one", TokensError)
        self._used_file = PrivateFile(path.with_name(f"{path.name}.used"), "a file of times", TokensError)
        self._known: dict[str, Token] = {}
        self._used: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def all(self) -> tuple[Token, ...]:
        """By name. Raises ``TokensError``."""
        with self._lock:
            self._refresh()
            return tuple(self._known[name] for name in sorted(self._known))

    def find(self, secret: str) -> Token | None:
        """The token that was shown as ``secret``, expired or not. Looks at each, each in constant time. Raises
        ``TokensError``."""
        digest = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
        found = [token for token in self.all() if hmac.compare_digest(token.digest, digest)]
        return found[0] if found else None

    def add(self, name: str, user: str, scopes: Iterable[Scope], expires: datetime | None) -> str:
        """Make one and return it: this is the only time anybody sees it. Raises ``TokensError``."""
        if not NAME.fullmatch(name):
            raise TokensError(f"{name[:80]!a} is no name for a token: letters, digits and . _ - only, 64 at the most")
        secret = PREFIX + secrets.token_urlsafe(32)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        with self._lock:
            self._refresh()
            if name in self._known:
                raise TokensError(f"There is a token {name} already; macrogate token remove {name} ends it")
            if len(self._known) >= MAX_TOKENS:
                raise TokensError(f"{self.path} has {MAX_TOKENS} tokens, and no more fit; remove what nobody uses")
            token = Token(name, user, frozenset(scopes), digest, datetime.now(UTC), expires)
            self._write(self._known | {name: token})
        return secret

    def remove(self, name: str) -> None:
        """Raises ``TokensError``."""
        with self._lock:
            self._refresh()
            if name not in self._known:
                raise TokensError(f"There is no token {name[:80]!a} in {self.path}")
            self._write({known: token for known, token in self._known.items() if known != name})

    def used(self, token: Token) -> datetime | None:
        """When it was last used, to the hour; None for never. Raises ``TokensError``."""
        with self._lock:
            self._refresh_used()
            return self._used.get(token.digest)

    def note_use(self, token: Token, now: datetime) -> None:
        """Remember that it was used. Raises ``TokensError``."""
        with self._lock:
            last = self._used.get(token.digest)
            if last is not None and timedelta(0) <= now - last < USED_TO:
                return
            self._refresh_used()
            known = {one.digest for one in self._known.values()}
            self._used = {digest: at for digest, at in self._used.items() if digest in known} | {token.digest: now}
            self._used_file.write({digest: at.isoformat() for digest, at in self._used.items()})

    def _refresh(self) -> None:
        raw = self._file.fresh()
        if raw is None:
            return
        self._known = {}
        try:
            self._known = _tokens(raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._file.odd() from error

    def _refresh_used(self) -> None:
        raw = self._used_file.fresh()
        if raw is None:
            return
        try:
            self._used = {str(digest): _time(at) for digest, at in raw.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise self._used_file.odd() from error

    def _write(self, tokens: dict[str, Token]) -> None:
        self._file.write({name: _fields(token) for name, token in tokens.items()})


def _fields(token: Token) -> dict[str, Any]:
    return {
        "user": token.user,
        "scopes": sorted(token.scopes),
        "sha256": token.digest,
        "made": token.made.isoformat(),
        "expires": token.expires.isoformat() if token.expires else None,
    }


def _tokens(raw: Any) -> dict[str, Token]:
    return {name: _token(name, fields) for name, fields in raw.items()}


def _token(name: str, fields: Any) -> Token:
    expires, digest = fields["expires"], str(fields["sha256"])
    if not DIGEST.fullmatch(digest):
        raise ValueError("no SHA-256")
    return Token(
        name=name,
        user=str(fields["user"]),
        scopes=frozenset(Scope(word) for word in fields["scopes"]),
        digest=digest,
        made=_time(fields["made"]),
        expires=None if expires is None else _time(expires),
    )


def _time(text: Any) -> datetime:
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError("a time without its zone")
    return when
