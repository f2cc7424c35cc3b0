"""Encrypted 7z archives, opened with the passwords that may fit, the names of their members hidden or not.

Contract: archives without encryption are libarchive's, which cannot read the others. A password has proved right when
the checksum of what it opens has. What is not opened comes as an encrypted member, with the reason as its trouble if it
is not for want of a password. Raises ``OverLimit``, and ``Corrupt`` where the archive itself cannot be read.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import chain, islice

from gateway.closed_sets import Kind
from gateway.scan.budget import Budget, OverLimit
from gateway.scan.containers import bounded, seven_zip_coders, seven_zip_records
from gateway.scan.containers.by_libarchive import File, Locked
from gateway.scan.containers.seven_zip_coders import Keys, Unread
from gateway.scan.containers.seven_zip_records import Folder, Header, Stream
from gateway.scan.look import Blob, Corrupt, Look

MAX_STEPS = 1 << 25
"""Hash rounds spent on one folder: 64 passwords at the usual cost of 40 ms each."""
MAX_HEADER = 8 << 20
MAX_LAYERS = 4
"""Headers packed in headers; usual is one."""


def is_locked(blob: Blob, look: Look) -> bool:
    """Whether anything in the archive is encrypted. False too for what cannot be read here. Raises ``OverLimit``."""
    try:
        header = _Archive(blob, look).header(unlock=False)
    except Corrupt:
        return False
    return any(folder.encrypted for folder in header.folders)


def files(blob: Blob, look: Look) -> Iterator[File]:
    """The members, those that are not encrypted first: a note among them may say the password of the others. Raises
    ``Locked`` as well."""
    archive = _Archive(blob, look)
    header = archive.header()
    names = iter(header.names)
    folders = [(folder, tuple(islice(names, len(folder.streams)))) for folder in header.folders]
    for folder, named in sorted(folders, key=lambda found: found[0].encrypted):
        yield from archive.members(folder, named)
    yield from (File(name, b"") for name in header.empty)


class _Archive:
    def __init__(self, blob: Blob, look: Look) -> None:
        self._data = memoryview(blob.data)
        self._where = blob.where
        self._look = look
        self._budget: Budget = look.budget
        self._keys: dict[str, Keys] = {}
        self._told: set[str] = set()

    def header(self, *, unlock: bool = True) -> Header:
        """The header with the names, behind as many packed ones as it takes; or the one that needs a password, if it is
        not to be unlocked."""
        header = seven_zip_records.parse(seven_zip_records.first(self._data), self._data)
        for _ in range(MAX_LAYERS):
            if not header.encoded or (not unlock and any(folder.encrypted for folder in header.folders)):
                return header
            header = seven_zip_records.parse(self._unpacked(header), self._data)
        raise Corrupt(f"its header is packed more than {MAX_LAYERS} times")

    def _unpacked(self, header: Header) -> bytes:
        if [len(folder.streams) for folder in header.folders] != [1]:
            raise Corrupt("its header is not packed in one piece")
        [folder] = header.folders
        if folder.streams[0].size > MAX_HEADER:
            raise OverLimit(f"has a header of more than {MAX_HEADER} bytes", local=True)
        try:
            contents = self._opened(folder, ("",))
        except Unread as error:
            if not folder.encrypted:
                raise
            raise Locked(f"is encrypted, the names of its members included, and not opened ({error})") from error
        if contents is None:
            raise Locked("is encrypted, the names of its members included, and no password is known")
        file = next(contents)
        if file.trouble is not None:
            raise file.trouble
        return file.content

    def members(self, folder: Folder, names: tuple[str, ...]) -> Iterator[File]:
        """The files of one folder."""
        reason = None
        try:
            contents = self._opened(folder, names)
        except Unread as error:
            contents, reason = None, error
        yield from contents or (File(name, b"", encrypted=folder.encrypted, trouble=reason) for name in names)

    def _opened(self, folder: Folder, names: tuple[str, ...]) -> Iterator[File] | None:
        """What is in ``folder``, or None when no password is known. Raises ``Unread``."""
        seven_zip_coders.check(folder)
        if not folder.encrypted:
            return _contents(folder, names, self._budget, Keys(b"", self._budget))
        proof = next((at for at, stream in enumerate(folder.streams) if stream.size and stream.crc is not None), None)
        if proof is None:
            raise Unread("there is no checksum that would prove a password right")

        def attempt(password: str) -> Iterator[File] | None:
            paid = self._budget.unpacked
            contents = _contents(folder, names, self._budget, self._keys_of(password))
            found = list(islice(contents, proof + 1))
            if not isinstance(found[proof].trouble, Corrupt):
                return chain(found, contents)
            self._budget.give_back(self._budget.unpacked - paid)
            return None

        most = MAX_STEPS >> seven_zip_coders.rounds(folder)
        opened = self._look.passwords.try_on(self._where, self._budget, attempt, most=most)
        if opened is None:
            return None
        contents, source = opened
        if source not in self._told:
            self._told.add(source)
            self._look.find(Kind.DECRYPTED, self._where, f"is encrypted; {source} opens it, and it was looked into")
        return contents

    def _keys_of(self, password: str) -> Keys:
        keys = self._keys.get(password)
        if keys is None:
            keys = self._keys[password] = Keys(password.encode("utf-16-le", "surrogatepass"), self._budget)
        return keys


def _contents(folder: Folder, names: tuple[str, ...], budget: Budget, keys: Keys) -> Iterator[File]:
    """The streams of ``folder``, one after another; one that breaks off is given with what came before."""
    source = _Source(seven_zip_coders.decoded(folder, budget, keys))
    for name, stream in zip(names, folder.streams, strict=True):
        yield _content(source, name, stream, budget)


def _content(source: _Source, name: str, stream: Stream, budget: Budget) -> File:
    kept, left_out, crc = bounded.Kept(budget), budget.left_out, 0
    too_much: OverLimit | None = None
    try:
        for piece in source.take(stream.size):
            crc = zlib.crc32(piece, crc)
            if too_much is None:
                too_much = _add(kept, piece)
    except Corrupt as error:
        return File(name, kept.value(), trouble=error)
    if stream.crc is not None and stream.crc != crc:
        return File(name, kept.value(), trouble=Corrupt("its checksum does not fit: it is damaged"))
    if too_much is not None:
        return File(name, too_much.before, trouble=too_much)
    return File(name, kept.value(), left_out=budget.left_out - left_out)


def _add(kept: bounded.Kept, piece: memoryview) -> OverLimit | None:
    """The limit that ``kept`` goes over, if it concerns only this content."""
    try:
        kept.add(piece)
    except OverLimit as limit:
        if not limit.local:
            raise
        return limit
    return None


class _Source:
    """Decoded pieces, cut where one file ends and the next begins."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")

    def take(self, count: int) -> Iterator[memoryview]:
        """The next ``count`` bytes. Raises ``Corrupt`` where there are fewer, and ``OverLimit``."""
        while count:
            if not self._piece:
                self._piece = memoryview(next(self._pieces, b""))
            if not self._piece:
                raise Corrupt("what is packed before it is damaged")
            part, self._piece = self._piece[:count], self._piece[count:]
            count -= len(part)
            yield part
