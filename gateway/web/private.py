"""A small JSON file for its owner only, read again when it has changed.

Contract: ``fresh`` gives the content when it differs from what was read last, and refuses a file that others may read.
``write`` writes the whole file beside the old one and moves it into its place, so that a reader sees the one or the
other. Whatever goes wrong is a ``PrivateFileError`` of the kind it was made with, with the sentence that helps.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any


class PrivateFileError(Exception):
    """The file cannot be used; the message is a sentence for the admin."""


class PrivateFile:
    """The file at ``path``; one that is not there is as good as an empty one. ``what`` names it in sentences, ``error``
    is the kind of error for it."""

    def __init__(self, path: Path, what: str, error: type[PrivateFileError]) -> None:
        self.path = path
        self._what = what
        self._error = error
        self._seen: tuple[int, int, int] | None = None

    def fresh(self) -> Any:
        """What stands in it, ``{}`` when there is no file, or None when nothing changed since the last call. Raises
        ``PrivateFileError``, and the next call reads it again."""
        seen, self._seen = self._seen, None
        try:
            with self.path.open("rb") as file:
                facts = os.fstat(file.fileno())
                stamp = facts.st_mtime_ns, facts.st_ino, facts.st_ctime_ns
                if facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    raise self._error(f"{self.path} can be read by others than its owner; chmod 600 {self.path}")
                content = None if stamp == seen else json.load(file)
                self._seen = stamp
                return content
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._error(f"{self.path} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise self.odd() from error

    def odd(self) -> PrivateFileError:
        """What to raise when the content makes no sense; it is read again the next time."""
        self._seen = None
        return self._error(f"{self.path} is not {self._what}")

    def write(self, content: Any) -> None:
        """Raises ``PrivateFileError``; then the old file is as it was."""
        beside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(6)}")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(descriptor, "w") as file:
                    json.dump(content, file, indent=1)
                    file.flush()
                    os.fsync(file.fileno())
                self._keep_owner(beside)
                beside.replace(self.path)
            except OSError:
                beside.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._error(f"{self.path} cannot be written: {error.strerror}") from error
        self._seen = None

    def _keep_owner(self, beside: Path) -> None:
        """Root writes it, the daemon reads it: it belongs to whom the old one, or the folder, belongs to."""
        model = self.path if self.path.exists() else self.path.parent
        with contextlib.suppress(PermissionError):
            facts = model.stat()
            os.chown(beside, facts.st_uid, facts.st_gid)
