"""The name a document inside an archive has when it is of another type.

Contract: a name keeps every byte but its ending, in whatever encoding it is written. ``bytes_of`` raises
``CannotDisarm``; ``free`` never raises.
"""

from __future__ import annotations

from gateway.scan.disarm.parts import CannotDisarm


def bytes_of(raw_name: bytes, old: str, new: str) -> bytes:
    """``raw_name``, which is ``old`` in some encoding, changed as ``old`` was to ``new``. Raises ``CannotDisarm``."""
    kept = 0
    while kept < min(len(old), len(new)) and old[kept] == new[kept]:
        kept += 1
    gone, added = old[kept:], new[kept:]
    if not (gone.isascii() and added.isascii() and raw_name.endswith(gone.encode("ascii"))):
        raise CannotDisarm(f"{old} would have to be called {new}, which cannot be written in the encoding of its name")
    return raw_name[: len(raw_name) - len(gone)] + added.encode("ascii")


def free(old: str, new: str, taken: set[str]) -> str:
    """``new``, or ``new`` with a number where another member has that name. Windows takes capitals for the same."""
    if new == old:
        return new
    stem, dot, ending = new.rpartition(".")
    number = 2
    free = new
    while free.lower() in taken:
        free = f"{stem if dot else ending} ({number}){dot}{ending if dot else ''}"
        number += 1
    taken.add(free.lower())
    return free
