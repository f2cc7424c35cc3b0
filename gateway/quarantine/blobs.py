"""Held messages as files: the part of the quarantine that is the truth.

    <root>/<first two digits>/<held id>/message.eml    the bytes as received
                                        record.json    envelope, client, report, decision, hashes (``sidecar``)
                                        audit.jsonl    what was done since (``journal``); appears with the first deed

Contract: ``put`` returns once all of it survives a power cut, or raises ``OSError`` and leaves nothing: the files are
written and synced in a directory of a temporary name, which is then renamed and its parent synced, so a record is there
wholly or not at all. Names are made of our own ids only, relative to open directories, and no link is followed.
Everything here blocks and belongs into a thread.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway import failpoints
from gateway.quarantine.errors import HeldNotFound, MessageDamaged, StoreRefused
from gateway.quarantine.location import give_to_owner

MESSAGE, RECORD, JOURNAL = "message.eml", "record.json", "audit.jsonl"
UNFINISHED = ".tmp"
HELD_ID = re.compile(r"[0-9a-f]{16,64}", re.ASCII)
SHELVES = tuple(f"{number:02x}" for number in range(256))
MAX_SIDE_FILE = 64 << 20
"""Octets of a record or journal that are read; larger ones are not ours."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = _READ | os.O_DIRECTORY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Written:
    """What went into a message file. ``sha256`` in hex."""

    size: int
    sha256: str


class FileBlobs:
    """The directory tree below ``root``."""

    def __init__(self, root: Path, *, create: bool, reserve: int = 0) -> None:
        """``reserve``: octets that stay free, so that a full disk still has room to delete and release. Raises
        ``StoreRefused`` when the directory cannot be used."""
        self.root = root
        self._reserve = reserve
        try:
            if create:
                root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise StoreRefused(f"There is no quarantine at {root}: the daemon makes it when it first starts") from error
        except OSError as error:
            raise StoreRefused(f"The quarantine at {root} cannot be opened: {error.strerror}") from error
        if create:
            self._make_shelves()

    def _make_shelves(self) -> None:
        """All at once and synced, and the way to them, so that no message depends on a directory whose own entry is not
        durable yet."""
        try:
            for name in set(SHELVES) - set(os.listdir(self._root)):
                os.mkdir(name, 0o700, dir_fd=self._root)
                with _folder(name, self._root) as shelf:
                    give_to_owner(shelf, self._root)
            os.fsync(self._root)
            _sync_above(self.root)
        except OSError as error:
            self.close()
            raise StoreRefused(f"The quarantine at {self.root} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        os.close(self._root)

    # one message

    def put(self, held_id: str, chunks: Iterable[bytes], describe: Callable[[Written], bytes]) -> None:
        """Make a message and its record durable. ``describe`` gives the record once size and digest are known.

        Raises ``OSError``; ``FileExistsError`` when the id is taken.
        """
        with self._shelf(held_id) as shelf:
            unfinished = held_id + UNFINISHED
            os.mkdir(unfinished, 0o700, dir_fd=shelf)
            try:
                self._fill(shelf, unfinished, chunks, describe)
                os.rename(unfinished, held_id, src_dir_fd=shelf, dst_dir_fd=shelf)
            except BaseException:
                _remove_folder(shelf, unfinished)
                raise
            failpoints.reach("message-renamed")
            try:
                os.fsync(shelf)
            except OSError:
                self._discard(shelf, held_id)
                raise
            failpoints.reach("message-durable")

    def _fill(self, shelf: int, name: str, chunks: Iterable[bytes], describe: Callable[[Written], bytes]) -> None:
        with _folder(name, shelf) as folder, _created(MESSAGE, folder) as message, _created(RECORD, folder) as record:
            written = self._write_message(message, chunks)
            _write(record, describe(written))
            failpoints.reach("message-written")
            for descriptor in (message, record, folder):
                os.fsync(descriptor)
            failpoints.reach("message-synced")

    def _write_message(self, descriptor: int, chunks: Iterable[bytes]) -> Written:
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            if self._reserve and self.free() < self._reserve:
                raise OSError(errno.ENOSPC, f"less than {self._reserve >> 20} MiB are free")
            _write(descriptor, chunk)
            digest.update(chunk)
            size += len(chunk)
        return Written(size, digest.hexdigest())

    def discard(self, held_id: str) -> None:
        """Take back a record nobody was told about. Raises ``OSError``."""
        with self._shelf(held_id) as shelf:
            self._discard(shelf, held_id)

    def _discard(self, shelf: int, held_id: str) -> None:
        """By its temporary name first: a crash on the way leaves what ``sweep`` removes, never half a record."""
        os.rename(held_id, held_id + UNFINISHED, src_dir_fd=shelf, dst_dir_fd=shelf)
        _remove_folder(shelf, held_id + UNFINISHED)

    def open_message(self, held_id: str) -> BinaryIO:
        """The bytes as received, not verified. Raises ``MessageDamaged`` when they are missing."""
        try:
            with self._box(held_id) as box:
                return os.fdopen(_regular(MESSAGE, box), "rb")
        except OSError as error:
            raise self._damaged(held_id, MESSAGE, error) from error

    def message_facts(self, held_id: str) -> tuple[int, float]:
        """Size and time of last change of the message file, (0, 0) when it is gone."""
        try:
            with self._box(held_id) as box:
                facts = os.stat(MESSAGE, dir_fd=box, follow_symlinks=False)
        except FileNotFoundError:
            return 0, 0.0
        return facts.st_size, facts.st_mtime

    def read_record(self, held_id: str) -> bytes:
        """Raises ``MessageDamaged``."""
        try:
            with self._box(held_id) as box:
                return _read_small(RECORD, box)
        except OSError as error:
            raise self._damaged(held_id, RECORD, error) from error

    def read_journal(self, held_id: str) -> bytes:
        """Empty when nothing was done yet. Raises ``MessageDamaged``."""
        try:
            with self._box(held_id) as box:
                return _read_small(JOURNAL, box)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise self._damaged(held_id, JOURNAL, error) from error

    def append_journal(self, held_id: str, line: bytes) -> None:
        """Add one line durably, or raise ``OSError`` and leave the journal as it was."""
        with self._box(held_id) as box, _closing(os.open(JOURNAL, _APPEND, 0o600, dir_fd=box)) as journal:
            before = os.fstat(journal).st_size
            try:
                # the line break in front closes a line torn by an earlier crash; empty lines mean nothing
                _write(journal, b"\n" + line if before else line)
                failpoints.reach("journal-written")
                os.fsync(journal)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(journal, before)
                raise
            if not before:
                give_to_owner(journal, box)
                os.fsync(box)

    def remove_message(self, held_id: str) -> None:
        """Delete the bytes; record and journal stay for the history. Raises ``OSError``."""
        with self._box(held_id) as box:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(MESSAGE, dir_fd=box)
            os.fsync(box)

    # all messages

    def ids(self) -> Iterator[str]:
        """The ids of all records, in no order."""
        for name, _ in self._entries():
            if HELD_ID.fullmatch(name):
                yield name

    def sweep(self) -> int:
        """Remove what a crash left unfinished (nobody was told that it is kept); returns how much it was."""
        found = [(name, shelf) for name, shelf in self._entries() if name.endswith(UNFINISHED)]
        for name, shelf in found:
            with _folder(shelf, self._root) as folder:
                _remove_folder(folder, name)
        return len(found)

    def _entries(self) -> Iterator[tuple[str, str]]:
        for shelf in SHELVES:
            with _folder(shelf, self._root) as folder:
                names = os.listdir(folder)
            yield from ((name, shelf) for name in names)

    def free(self) -> int:
        """Octets that can still be written."""
        facts = os.statvfs(self._root)
        return facts.f_bavail * facts.f_frsize

    @contextmanager
    def _shelf(self, held_id: str) -> Iterator[int]:
        if not HELD_ID.fullmatch(held_id):
            raise HeldNotFound("An id is 16 or more of the digits 0-9 and a-f")
        with _folder(held_id[:2], self._root) as shelf:
            yield shelf

    @contextmanager
    def _box(self, held_id: str) -> Iterator[int]:
        with self._shelf(held_id) as shelf, _folder(held_id, shelf) as box:
            yield box

    def _damaged(self, held_id: str, name: str, error: OSError) -> MessageDamaged:
        return MessageDamaged(f"{self.root / held_id[:2] / held_id / name} cannot be read: {error.strerror}")


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _folder(name: str, above: int) -> contextlib.AbstractContextManager[int]:
    return _closing(os.open(name, _FOLDER, dir_fd=above))


def _created(name: str, folder: int) -> contextlib.AbstractContextManager[int]:
    return _closing(os.open(name, _NEW, 0o600, dir_fd=folder))


def _sync_above(root: Path) -> None:
    """The way to it, of which we may have made any part: without it there is nothing after a power cut."""
    for above in root.absolute().parents:
        try:
            descriptor = os.open(above, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except PermissionError:
            continue  # we cannot have made anything in there
        with _closing(descriptor):
            try:
                os.fsync(descriptor)
            except OSError as error:
                if error.errno not in (errno.EROFS, errno.EINVAL):  # as above; or it is kept by somebody else
                    raise


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _regular(name: str, folder: int) -> int:
    """A descriptor of a plain file; a pipe or device under its name would block or never end."""
    descriptor = os.open(name, _READ | os.O_NONBLOCK, dir_fd=folder)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is not a plain file")


def _read_small(name: str, folder: int) -> bytes:
    with os.fdopen(_regular(name, folder), "rb") as file:
        data = file.read(MAX_SIDE_FILE + 1)
    if len(data) > MAX_SIDE_FILE:
        raise OSError(errno.EFBIG, "it is too large to be ours")
    return data


def _remove_folder(above: int, name: str) -> None:
    """Remove a folder with the files we put there. What cannot be removed now, the next start tries again."""
    with contextlib.suppress(OSError), _folder(name, above) as folder:
        for file in (MESSAGE, RECORD, JOURNAL):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(file, dir_fd=folder)
        os.rmdir(name, dir_fd=above)
