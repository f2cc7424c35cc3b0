"""Where the quarantine is, and who has it.

    sqlite:///var/lib/macrogate/quarantine.db    file:///var/lib/macrogate/messages

The path behind ``//`` is always absolute; a fourth slash, as other programs write it, changes nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Self

from gateway.quarantine.errors import StoreBusy, StoreRefused


def path_of(url: str, scheme: str, setting: str) -> Path:
    """The file or directory behind ``url``. Raises ``StoreRefused``."""
    prefix = f"{scheme}:///"
    if not url.startswith(prefix) or url.strip("/") == f"{scheme}:" or "\0" in url:
        raise StoreRefused(f"{setting} is {url!r}; it has to look like {prefix}var/lib/macrogate/...")
    return Path("/" + url.removeprefix(prefix).lstrip("/"))


def give_to_owner(descriptor: int, folder: Path | int) -> None:
    """Root gives what it has made to the owner of the folder: a command run with sudo must not lock the daemon out."""
    if os.geteuid() == 0:
        facts = os.stat(folder)
        os.fchown(descriptor, facts.st_uid, facts.st_gid)


class Locks:
    """Advisory locks (flock) on lock files, held until ``release`` or the end of the process."""

    def __init__(self, descriptors: list[int]) -> None:
        self._descriptors = descriptors

    @classmethod
    def take(cls, *paths: Path) -> Self:
        """All of them, or ``StoreBusy``; ``StoreRefused`` when a lock file cannot be made."""
        descriptors: list[int] = []
        try:
            for path in paths:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                flags = os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                descriptors.append(os.open(path, flags, 0o600))
                give_to_owner(descriptors[-1], path.parent)
                fcntl.flock(descriptors[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            cls(descriptors).release()
            raise StoreBusy(f"Another macrogate has {path} locked: two daemons cannot share one quarantine") from error
        except OSError as error:
            cls(descriptors).release()
            raise StoreRefused(f"The quarantine cannot be locked by {path}: {error.strerror}") from error
        return cls(descriptors)

    def release(self) -> None:
        """Safe to call twice."""
        while self._descriptors:
            with contextlib.suppress(OSError):
                os.close(self._descriptors.pop())


def locks_for(store: Path, messages: Path) -> Locks:
    """Both halves are locked, so that no two configurations can share one of them either."""
    return Locks.take(messages / "lock", store.with_name(store.name + ".lock"))
