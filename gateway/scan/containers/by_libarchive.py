"""What libarchive decodes for us, from memory: the members of an archive, and single streams.

Contract: opens no file and starts no program, because format and filter are always named (never "all", which includes
filters that are programs). Every piece is paid for. A member that breaks is given with its trouble and what came
before it; the members behind it follow as far as libarchive goes on. Raises ``Corrupt`` and ``OverLimit``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.scan import native
from gateway.scan.budget import Budget, OverLimit
from gateway.scan.containers import bounded
from gateway.scan.look import Corrupt

_BLOCK = 1 << 12
"""What is asked for at a time; where the data break, one block at most is lost."""
_GATHERED = 1 << 16
_ENCRYPTED_WORDS = ("encrypt", "passphrase", "password", "crypto codec")


@dataclass(frozen=True, slots=True)
class File:
    """One member that is a file. ``trouble`` is what ended its content early, if anything did."""

    name: str
    content: bytes
    encrypted: bool = False
    trouble: Corrupt | OverLimit | None = None
    left_out: int = 0
    """Bytes of padding at the end that are not in ``content``."""


class Locked(Corrupt):
    """Not even the names can be read without the password."""


def files(
    data: bytes, format_name: str, filter_name: str, budget: Budget, switched_off: tuple[str, ...] = ()
) -> Iterator[File]:
    """The members of an archive, in order. Raises ``Locked``, ``Corrupt`` where the archive itself breaks off."""
    from libarchive import ffi
    from libarchive.exception import ArchiveError
    from libarchive.read import ArchiveRead, new_archive_read

    native.announce()
    try:
        with new_archive_read(format_name, filter_name) as pointer:
            for option in switched_off:
                _switch_off(pointer, format_name, option)
            ffi.read_open_memory(pointer, ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data))
            for entry in ArchiveRead(pointer):
                budget.check_time()
                if format_name == "raw" or (not entry.isdir and (entry.isreg or entry.size)):
                    yield _file(entry, budget)
    except ArchiveError as error:
        if _is_about_encryption(error):
            raise Locked("is encrypted, the names of its members included") from error
        raise Corrupt(f"cannot be unpacked completely ({error.msg})") from error


def unzstd(data: bytes | memoryview, budget: Budget) -> tuple[bytes, int]:
    """Zstandard frames (RFC 8878), one behind the other."""
    for file in files(bytes(data), "raw", "zstd", budget):
        if file.trouble is not None:
            raise file.trouble
        return file.content, 0
    return b"", 0


def _file(entry: Any, budget: Budget) -> File:
    from libarchive.exception import ArchiveError

    name = _name(entry)
    if _is_encrypted(entry):
        return File(name, b"", encrypted=True)
    kept = bounded.Kept(budget)
    left_out = budget.left_out
    gathered = bytearray()
    try:
        for block in entry.get_blocks(_BLOCK):
            gathered += block
            if len(gathered) >= _GATHERED:
                kept.add(bytes(gathered))
                gathered.clear()
        if gathered:
            kept.add(bytes(gathered))
    except ArchiveError as error:
        if _is_about_encryption(error):
            return File(name, b"", encrypted=True)
        if gathered:
            kept.add(bytes(gathered))
        return File(name, kept.value(), trouble=Corrupt(f"cannot be unpacked completely ({error.msg})"))
    except OverLimit as limit:
        if not limit.local:
            raise
        return File(name, limit.before, trouble=limit)
    return File(name, kept.value(), left_out=budget.left_out - left_out)


def _name(entry: Any) -> str:
    name = entry.pathname
    if isinstance(name, bytes):
        return name.decode("cp437")
    return str(name or "member")


def _is_about_encryption(error: Exception) -> bool:
    said = str(error).lower()
    return any(word in said for word in _ENCRYPTED_WORDS)


def _is_encrypted(entry: Any) -> bool:
    """libarchive's ``archive_entry_is_encrypted``, which the binding does not name."""
    from libarchive import ffi

    ask = ffi.libarchive.archive_entry_is_encrypted
    ask.argtypes, ask.restype = [ctypes.c_void_p], ctypes.c_int
    return bool(ask(entry._entry_p))


def _switch_off(pointer: Any, format_name: str, option: str) -> None:
    """An extension that libarchive would follow, such as Joliet; the binding does not name this call either."""
    from libarchive import ffi

    setter = ffi.libarchive.archive_read_set_format_option
    setter.argtypes, setter.restype = [ctypes.c_void_p, *[ctypes.c_char_p] * 3], ctypes.c_int
    setter(pointer, format_name.encode(), option.encode(), None)
