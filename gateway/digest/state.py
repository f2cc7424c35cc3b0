"""What was sent to whom, so that a restart sends neither twice nor never.

Contract: a letter is noted as begun before it is sent and as sent afterwards, both on disk. One that was begun and
never ended may have arrived: it is not sent again on the same day, and the next digest has its messages once more.
Whatever is wrong with the file is a ``StateError`` with a sentence, and nothing is sent.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from gateway.web.private import PrivateFile, PrivateFileError

KEPT = timedelta(days=60)
"""How long a recipient is remembered who gets no digest any more."""


class StateError(PrivateFileError):
    """The memory of what was sent cannot be used."""


class Busy(StateError):
    """Another process sends digests at the moment."""


@dataclass(frozen=True, slots=True)
class Told:
    """One recipient. ``day`` of the last letter begun; ``upto`` is the end of what the last letter that was sent told,
    in seconds since the epoch."""

    day: date
    upto: float


class State:
    """The file at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = PrivateFile(path, "a memory of digests", StateError)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else sends meanwhile. Raises ``StateError``."""
        lock = self.path.with_name(f"{self.path.name}.lock")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(lock, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"{lock} cannot be made: {error.strerror}") from error
        try:
            if os.geteuid() == 0:  # a command of root must not lock the daemon out
                facts = self.path.parent.stat()
                os.fchown(descriptor, facts.st_uid, facts.st_gid)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise Busy("Digests are being sent at the moment") from error
        finally:
            os.close(descriptor)

    def read(self) -> tuple[date | None, dict[str, Told]]:
        """The last day that was brought to its end, and what each recipient was told. Raises ``StateError``."""
        content = PrivateFile(self.path, "a memory of digests", StateError).fresh()
        try:
            done = date.fromisoformat(content["done"]) if content.get("done") else None
            told = content.get("told", {})
            return done, {name: Told(date.fromisoformat(one["day"]), float(one["upto"])) for name, one in told.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError(f"{self.path} is not a memory of digests") from error

    def write(self, done: date | None, told: Mapping[str, Told], today: date) -> None:
        """Raises ``StateError``."""
        kept = {name: one for name, one in told.items() if one.day > today - KEPT}
        self._file.write(
            {
                "done": done.isoformat() if done else "",
                "told": {name: {"day": one.day.isoformat(), "upto": one.upto} for name, one in kept.items()},
            }
        )


def begun(told: dict[str, Told], recipients: Iterable[str], today: date) -> None:
    """Note in ``told`` that their letters are under way."""
    for name in recipients:
        told[name] = Told(today, told[name].upto if name in told else 0.0)


def forget(told: dict[str, Told], recipient: str, before: Told | None) -> None:
    """Note that a letter was not taken."""
    del told[recipient]
    if before is not None:
        told[recipient] = before


def sent(told: dict[str, Told], recipient: str, upto: datetime) -> None:
    """Note that a letter has arrived."""
    told[recipient] = Told(told[recipient].day, upto.timestamp())
