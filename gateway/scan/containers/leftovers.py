"""What lies behind the end of an archive or of a compressed stream, and what was left out of a content.

Contract: bytes nobody expects there are handed on like a member, because some program may begin to read at them;
padding is not worth that. Raises ``OverLimit``.
"""

from __future__ import annotations

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.scan.budget import OverLimit
from gateway.scan.look import Blob, Corrupt, Look

_LEAST = 16
"""Fewer bytes hold no document."""
_WORTH_TELLING = 16 << 20


def hand_on(blob: Blob, start: int, look: Look, name: str = "behind the end") -> FileType:
    """Look into what ``blob`` holds from ``start`` on, if it is more than padding of one value. What it is."""
    rest = bytes(blob.data[start:]).lstrip(b"\x00")
    if len(rest) < _LEAST or not rest.strip(rest[:1]) or not rest.strip(b"\x00\t\r\n "):
        return FileType.EMPTY
    look.budget.spend_bytes(len(rest))
    return look.descend(blob, rest, name)


def tell_trouble(trouble: Corrupt | OverLimit, where: str, look: Look) -> None:
    """Say what is wrong with one member; its neighbours are looked into all the same. Raises what concerns them too."""
    if isinstance(trouble, OverLimit):
        if not trouble.local:
            raise trouble
        look.find(Kind.LIMIT, where, str(trouble))
    else:
        look.find(Kind.CORRUPT, where, str(trouble))


def tell_padding(where: str, count: int, look: Look) -> None:
    """Say that ``count`` bytes of padding were left out of a content (nothing can hide in them)."""
    if count >= _WORTH_TELLING:
        sentence = f"ends in {count} bytes of one value, which were looked at and left out"
        look.find(Kind.LIMIT, where, sentence, verdict=Verdict.CLEAN)
