"""What ``macrogate scan`` is asked to look into: files, folders, Maildirs and mailboxes made into single items.

Contract: nothing is opened before it is its turn, nothing but regular files is read, links inside folders are not
followed. Whether a file is a message or a document is told by its content. What cannot be read is an item with a
``trouble`` instead of an exception, so that one bad file does not end the run.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.spool import CHUNK, Spool

MAX_FILE = 1 << 30
"""Bytes of one item. No mail comes near; a disk image given by mistake would fill the memory of the scan."""

_HEAD = 16 << 10
_FIELD = re.compile(rb"[!-9;-~]{1,76}[ \t]*:")  # RFC 5322 §2.2, and the blank obsolete syntax allows before the colon
_MAIL_FIELD = re.compile(
    rb"^(from|to|cc|subject|date|received|return-path|delivered-to|message-id|reply-to|sender|dkim-signature)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_FIRST_POSTMARK = re.compile(rb"From [^\r\n]*\d{4}[^\r\n]*\r?\n[!-9;-~]+:")
_POSTMARK = re.compile(rb"(?:\A|\r?\n\r?\n)From [^\r\n]*\d{4}[^\r\n]*\r?\n(?=[!-9;-~]+:)")
"""RFC 4155: a line ``From sender date`` behind an empty line; the header behind it tells it from a quoted sentence."""


@dataclass(frozen=True, slots=True)
class Item:
    """One message or document: the bytes ``start`` up to ``end`` of ``file``."""

    path: str
    """As shown: the file, and ``#3`` behind it for the third message of a mailbox."""
    file: Path
    start: int = 0
    end: int = 0
    mail: bool = False
    trouble: str = ""

    def spool(self) -> Spool:
        """Its bytes. Raises ``OSError``."""
        spool = Spool()
        try:
            with _open(self.file) as file:
                file.seek(self.start)
                left = self.end - self.start
                while left > 0 and (chunk := file.read(min(left, CHUNK))):
                    spool.write(chunk)
                    left -= len(chunk)
        except BaseException:
            spool.close()
            raise
        return spool


def files(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Every file below ``paths`` in the order of names, with the trouble of folders that cannot be listed."""
    for path in paths:
        if path.is_dir():
            yield from _below(path)
        else:
            yield path, ""


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    failed: list[OSError] = []
    for name, folders, names in os.walk(folder, onerror=failed.append):
        if {"cur", "new", "tmp"} <= set(folders):
            folders.remove("tmp")  # a Maildir's messages in the making
        folders.sort()
        for each in sorted(names):
            path = Path(name, each)
            if _is_regular(path):
                yield path, ""
        while failed:
            error = failed.pop()
            yield Path(error.filename), error.strerror or str(error)
    yield from ((Path(error.filename), error.strerror or str(error)) for error in failed)


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return True  # reading it will tell why


def items(path: Path, trouble: str = "") -> Iterator[Item]:
    """The messages of a mailbox, or the one message or document a file is."""
    if trouble:
        yield Item(str(path), path, trouble=trouble)
        return
    try:
        with _open(path) as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(_HEAD)
            if _FIRST_POSTMARK.match(head):
                yield from _mailbox(path, file.fileno())
                return
    except OSError as error:
        yield Item(str(path), path, trouble=error.strerror or str(error))
        return
    yield _item(str(path), path, 0, size, mail=is_mail(head))


def _mailbox(path: Path, descriptor: int) -> Iterator[Item]:
    with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as data:
        starts = [(match.start(), match.end()) for match in _POSTMARK.finditer(data)]
        size = len(data)
    ends = [start for start, _ in starts[1:]] + [size]
    for number, ((_, start), end) in enumerate(zip(starts, ends, strict=True), 1):
        yield _item(f"{path}#{number}", path, start, end, mail=True)


def _item(label: str, path: Path, start: int, end: int, *, mail: bool) -> Item:
    trouble = f"larger than {MAX_FILE >> 30} GiB" if end - start > MAX_FILE else ""
    return Item(label, path, start, end, mail, trouble)


def is_mail(head: bytes) -> bool:
    """Whether this is the beginning of a message: it begins with a header field, and has one that only mail has
    (a document in MHTML has MIME fields too)."""
    header = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    return _FIELD.match(header) is not None and _MAIL_FIELD.search(header) is not None


def _open(path: Path) -> BinaryIO:
    """A regular file for reading; a pipe or a device would keep the run waiting for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")
