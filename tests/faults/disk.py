"""What can be on a disk after a power cut: a model that is fed with the system calls a program made.

POSIX promises little: what was written to a file is there for certain after an fsync of that file, and that a name is
in a folder after an fsync of that folder; anything else may be there, or not, or in part, whatever came first. ``Disk``
keeps both: what is certain, and what hangs in the air. Method: ALICE (Pillai et al., OSDI 2014), for the system calls
the quarantine and SQLite use; one the model does not know is an ``Unknown``, never overlooked.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
"""Octets that are written wholly or not at all."""

Keep = Callable[[], bool]
"""Whether one thing that hangs in the air has reached the disk."""


class Unknown(AssertionError):
    """The program did something the model knows nothing about."""


@dataclass(eq=False)
class File:
    """``certain`` is what an fsync has seen; ``pending`` what was done since: (position, bytes), or (length, None)."""

    content: bytearray = field(default_factory=bytearray)
    certain: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def write(self, position: int, data: bytes) -> None:
        _write(self.content, position, data)
        self.pending.append((position, data))

    def truncate(self, length: int) -> None:
        _truncate(self.content, length)
        self.pending.append((length, None))

    def flush(self) -> None:
        self.certain = bytes(self.content)
        self.pending.clear()

    def after_power_cut(self, keep: Keep) -> bytes:
        left = bytearray(self.certain)
        for position, data in self.pending:
            if data is None:
                if keep():
                    _truncate(left, position)
                continue
            for start in range(0, len(data), SECTOR):
                if keep():
                    _write(left, position + start, data[start : start + SECTOR])
        return bytes(left)


def _write(content: bytearray, position: int, data: bytes) -> None:
    content.extend(bytes(max(0, position - len(content))))
    content[position : position + len(data)] = data


def _truncate(content: bytearray, length: int) -> None:
    del content[length:]
    content.extend(bytes(length - len(content)))


@dataclass(eq=False)
class Folder:
    """The same for names. ``pending``: {name: what it means from now on, None for nothing}; a rename within a folder is
    one of them."""

    names: dict[str, Folder | File] = field(default_factory=dict)
    certain: dict[str, Folder | File] = field(default_factory=dict)
    pending: list[dict[str, Folder | File | None]] = field(default_factory=list)

    def change(self, changed: dict[str, Folder | File | None]) -> None:
        _change(self.names, changed)
        self.pending.append(changed)

    def flush(self) -> None:
        self.certain = dict(self.names)
        self.pending.clear()

    def after_power_cut(self, keep: Keep) -> dict[str, Folder | File]:
        left = dict(self.certain)
        for changed in self.pending:
            if keep():
                _change(left, changed)
        return left


def _change(names: dict[str, Folder | File], changed: dict[str, Folder | File | None]) -> None:
    for name, meaning in changed.items():
        if meaning is None:
            names.pop(name, None)
        else:
            names[name] = meaning


class Disk:
    """Everything below the folder ``root``, which is there and empty when it begins."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._top = Folder()

    def has(self, path: str) -> bool:
        """Whether it is below the folder."""
        return path == self._root or path.startswith(self._root + "/")

    def find(self, path: str) -> Folder | File | None:
        """What the program sees there."""
        found: Folder | File | None = self._top
        for name in path[len(self._root) :].strip("/").split("/") if path != self._root else ():
            found = found.names.get(name) if isinstance(found, Folder) else None
        return found

    def _above(self, path: str) -> tuple[Folder, str]:
        above = self.find(os.path.dirname(path))
        if not isinstance(above, Folder):
            raise Unknown(f"there is no folder for {path}")
        return above, os.path.basename(path)

    def file(self, path: str) -> File:
        """Raises ``Unknown``."""
        found = self.find(path)
        if not isinstance(found, File):
            raise Unknown(f"there is no file {path}")
        return found

    def create(self, path: str) -> None:
        """An empty file, if there is none."""
        if self.find(path) is None:
            above, name = self._above(path)
            above.change({name: File()})

    def make_folder(self, path: str) -> None:
        above, name = self._above(path)
        above.change({name: Folder()})

    def remove(self, path: str) -> None:
        above, name = self._above(path)
        above.change({name: None})

    def rename(self, old: str, new: str) -> None:
        (above, name), (target, called), moved = self._above(old), self._above(new), self.find(old)
        if above is not target or moved is None:
            raise Unknown(f"renamed from {old} to {new}: only within one folder is that one step")
        above.change({name: None, called: moved})

    def flush(self, path: str) -> None:
        """fsync or fdatasync."""
        found = self.find(path)
        if found is None:
            raise Unknown(f"there is no {path}")
        found.flush()

    def after_power_cut(self, folder: Path, keep: Keep) -> None:
        """Write into ``folder`` what may be there; ``keep`` decides of each thing that hangs in the air."""
        _lay_down(self._top, folder, keep)


def _lay_down(what: Folder, folder: Path, keep: Keep) -> None:
    for name, meaning in what.after_power_cut(keep).items():
        path = folder / name
        if isinstance(meaning, File):
            path.write_bytes(meaning.after_power_cut(keep))
        else:
            path.mkdir()
            _lay_down(meaning, path, keep)


def nothing() -> bool:
    """Only what is certain."""
    return False


def any_of_it(seed: int) -> Keep:
    """Half of it, at random."""
    rng = random.Random(seed)
    return lambda: rng.random() < 0.5
