"""Who may sign in to the pages: a file of names, roles and password hashes.

Contract: a password is never stored, only its argon2id hash (RFC 9106). The file is read again when it has changed, so
``macrogate user`` needs no reload; it is written whole and moved into its place, for its owner only. Every mistake in
it is a ``UsersError`` with the sentence that helps, and then nobody signs in.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.web.people import Role
from gateway.web.private import PrivateFile, PrivateFileError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
SHORTEST = 12
"""Characters of a password (NIST SP 800-63B asks for eight at the least)."""
LONGEST = 1024


def _nobody(hasher: PasswordHasher) -> str:
    """A digest of no password, made up and not computed: that would hold up every start by a quarter of a second."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
        for length in (hasher.salt_len, hasher.hash_len)
    )
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${digest}"


_HASHER = PasswordHasher()
_NOBODY = _nobody(_HASHER)
"""Compared with for names that do not exist, so that the answer takes as long."""


class UsersError(PrivateFileError):
    """The file of users cannot be used; the message is a sentence for the admin."""


@dataclass(frozen=True, slots=True)
class User:
    """One person. ``digest`` is the encoded argon2 hash."""

    name: str
    role: Role
    digest: str

    @property
    def proof(self) -> str:
        """Changes with role and password: who signed in with another one has to do so again."""
        return hashlib.sha256(f"{self.role} {self.digest}".encode()).hexdigest()


class Users:
    """The file at ``path``; one that is not there holds nobody."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = PrivateFile(path, "a file of users; `macrogate user add` makes one", UsersError)
        self._known: dict[str, User] = {}

    def all(self) -> tuple[User, ...]:
        """By name. Raises ``UsersError``."""
        self._refresh()
        return tuple(self._known[name] for name in sorted(self._known))

    def get(self, name: str) -> User | None:
        """Raises ``UsersError``."""
        self._refresh()
        return self._known.get(name)

    def check(self, name: str, password: str) -> User | None:
        """The user if this is the password; takes about a tenth of a second. Raises ``UsersError``."""
        user = self.get(name)
        try:
            _HASHER.verify(user.digest if user else _NOBODY, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return None
        return user

    def put(self, name: str, role: Role, password: str) -> None:
        """Add or replace a user. Raises ``UsersError``."""
        if not NAME.fullmatch(name):
            raise UsersError(f"{name[:80]!a} is no user name: letters, digits and . _ @ - only, 64 at the most")
        if not SHORTEST <= len(password) <= LONGEST:
            raise UsersError(f"A password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}")
        self._refresh()
        self._write(self._known | {name: User(name, role, _HASHER.hash(password))})

    def set_role(self, name: str, role: Role) -> None:
        """Raises ``UsersError``."""
        user = self._one(name)
        self._write(self._known | {name: User(name, role, user.digest)})

    def remove(self, name: str) -> None:
        """Raises ``UsersError``."""
        self._one(name)
        self._write({known: user for known, user in self._known.items() if known != name})

    def _one(self, name: str) -> User:
        user = self.get(name)
        if user is None:
            raise UsersError(f"There is no user {name[:80]!a} in {self.path}")
        return user

    def _refresh(self) -> None:
        raw = self._file.fresh()
        if raw is None:
            return
        try:
            self._known = _users(raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._file.odd() from error

    def _write(self, users: dict[str, User]) -> None:
        self._file.write({name: {"role": user.role, "hash": user.digest} for name, user in users.items()})


def _users(raw: Any) -> dict[str, User]:
    return {name: User(name, Role(fields["role"]), str(fields["hash"])) for name, fields in raw.items()}
