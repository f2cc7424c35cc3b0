"""What strace has written down, as steps of a ``Disk``.

``ARGUMENTS`` are those strace needs: every call that changes files or folders, and what is written anywhere else, for
that is how a program tells somebody. A call counts from its end on, except for what is told: that may be known from its
beginning on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.disk import Disk, Unknown

FILES = (
    *("openat", "open", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir"),
    *("ftruncate", "truncate", "fsync", "fdatasync"),
)
WRITES = ("write", "pwrite64", "writev", "sendto", "sendmsg")
STRANGE = (
    *("link", "linkat", "symlink", "symlinkat", "fallocate", "pwritev", "pwritev2", "copy_file_range", "sendfile"),
    *("splice", "sync_file_range", "lseek"),
)
ARGUMENTS = (
    *("-D", "-f", "--seccomp-bpf", "-y", "-xx", "-s", str(1 << 24)),
    *("-e", f"trace={','.join((*FILES, *WRITES, *STRANGE))}", "-e", "signal=none"),
)
WAKE = b"\0"
"""What an event loop writes to itself."""

CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?.*$", re.DOTALL)
BEGUN = re.compile(r"^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$", re.DOTALL)
ENDED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$", re.DOTALL)
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
PLACE = re.compile(r"(?:(\d+)|AT_FDCWD)<([^>]*)>")


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _text(escaped: str) -> str:
    """A path; what a socket is called is not escaped."""
    return _bytes(escaped).decode("utf-8", "surrogateescape") if escaped.startswith("\\x") else escaped


class Record:
    """``for told in Record(path, disk).play()``: brings ``disk`` to where something is told, gives it, and goes on."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._path, self._disk = path, disk
        self._half: dict[str, tuple[str, str]] = {}

    def play(self) -> Iterator[bytes]:
        """What the program wrote to sockets and pipes, as it did. Raises ``Unknown``."""
        with self._path.open(encoding="ascii", errors="surrogateescape") as lines:
            for line in lines:
                yield from self._line(line.rstrip("\n"))

    def _line(self, line: str) -> Iterator[bytes]:
        if begun := BEGUN.match(line):
            thread, name, arguments = begun.groups()
            self._half[thread] = (name, arguments)
            if told := self._told(name, arguments):
                yield told
        elif ended := ENDED.match(line):
            thread, name, rest = ended.groups()
            begun_as, arguments = self._half.pop(thread, (name, ""))
            whole = CALL.match(f"{thread} {begun_as}({arguments}{rest}")
            if whole and not self._told(begun_as, arguments):
                self._call(whole)
        elif whole := CALL.match(line):
            if told := self._told(whole[2], whole[3]):
                yield told
            else:
                self._call(whole)

    def _told(self, name: str, arguments: str) -> bytes:
        """What is written to somebody else; b"" for any other call."""
        place = PLACE.match(arguments)
        if name not in WRITES or place is None or self._disk.has(_text(place[2])):
            return b""
        return b"".join(_bytes(found[1]) for found in STRING.finditer(arguments)).strip(WAKE)

    def _call(self, whole: re.Match[str]) -> None:
        _, name, arguments, result, opened = whole.groups()
        if result.startswith("-"):
            return
        paths = _paths(name, arguments)
        if opened is not None:
            paths = [_text(opened)]
        if not any(self._disk.has(path) for path in paths):
            return
        step = STEPS.get(name)
        if step is None:
            raise Unknown(f"{name}({arguments[:200]})")
        step(self._disk, paths, arguments, int(result))


def _paths(name: str, arguments: str) -> list[str]:
    """The paths of a call. One that is relative stands behind the folder it is relative to."""
    if name in ON_DESCRIPTOR:
        place = PLACE.match(arguments)
        return [_text(place[2])] if place else []
    found, above = [], ""
    for token in re.finditer(f"{PLACE.pattern}|{STRING.pattern}", arguments):
        if token[3] is None:
            above = _text(token[2])
        else:
            path = _text(token[3])
            found.append(path if path.startswith("/") else f"{above}/{path}")
    return found


def _open(disk: Disk, paths: list[str], arguments: str, _: int) -> None:
    if "O_CREAT" in arguments:
        disk.create(paths[0])
    if "O_TRUNC" in arguments:
        disk.file(paths[0]).truncate(0)


def _append(disk: Disk, paths: list[str], arguments: str, result: int) -> None:
    """Nobody moves the position in a file that is written this way, or ``lseek`` would be unknown."""
    data = STRING.search(arguments)
    assert data is not None
    file = disk.file(paths[0])
    file.write(len(file.content), _bytes(data[1])[:result])


def _write_at(disk: Disk, paths: list[str], arguments: str, result: int) -> None:
    data = STRING.search(arguments)
    assert data is not None
    if not paths[0].endswith("-shm"):  # SQLite's index of its log is memory, and made anew
        disk.file(paths[0]).write(int(arguments.rpartition(",")[2]), _bytes(data[1])[:result])


def _truncate(disk: Disk, paths: list[str], arguments: str, _: int) -> None:
    if not paths[0].endswith("-shm"):
        disk.file(paths[0]).truncate(int(arguments.rpartition(",")[2]))


def _seek(_disk: Disk, paths: list[str], arguments: str, result: int) -> None:
    if result and not paths[0].endswith((".db", "-wal", "-shm")):
        raise Unknown(f"lseek in {paths[0]}: {arguments}")


STEPS: dict[str, Callable[[Disk, list[str], str, int], None]] = {
    **dict.fromkeys(("openat", "open", "creat"), _open),
    **dict.fromkeys(("mkdir", "mkdirat"), lambda disk, paths, _a, _r: disk.make_folder(paths[0])),
    **dict.fromkeys(("rename", "renameat", "renameat2"), lambda disk, paths, _a, _r: disk.rename(*paths)),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), lambda disk, paths, _a, _r: disk.remove(paths[0])),
    **dict.fromkeys(("fsync", "fdatasync"), lambda disk, paths, _a, _r: disk.flush(paths[0])),
    **dict.fromkeys(("ftruncate", "truncate"), _truncate),
    "write": _append,
    "pwrite64": _write_at,
    "lseek": _seek,
}
ON_DESCRIPTOR = {"ftruncate", "fsync", "fdatasync", "lseek", "fallocate", "copy_file_range", "sendfile", *WRITES}
