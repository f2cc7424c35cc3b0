"""How much work one message may cause.

Contract: one ``Budget`` is made for each message and shared by everything that looks into it. Every decompressor,
walker and reader pays before it produces, and a payment that goes over a limit raises ``OverLimit``. Only
``gateway.scan.unpack`` catches it and turns it into a finding, so going over a limit is never a pass. The clock is
monotonic and looked at cooperatively; what does not come back at all is killed from outside.
"""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one message. Sizes in bytes, ``seconds`` of wall-clock time."""

    max_depth: int = 8
    """Containers inside containers: a zip in a forwarded message in a zip is three."""
    max_files: int = 2000
    """Members, parts and embedded objects of the whole message together."""
    max_unpacked_size: int = 256 << 20
    """All bytes produced by decoding and decompressing, together; the ratio of any single file does not matter."""
    max_header_size: int = 256 << 10
    """One header block, of the message or of a part."""
    max_mime_depth: int = 100
    """Multiparts inside multiparts."""
    seconds: float = 20.0


class OverLimit(Exception):
    """A limit was reached. The message is a sentence for a person that names the limit.

    ``timed_out`` says that it was the clock, ``local`` that only this part is concerned and its neighbours can still be
    looked at. ``before`` is the beginning of a content that is too large, where somebody kept it.
    """

    def __init__(self, sentence: str, *, timed_out: bool = False, local: bool = False, before: bytes = b"") -> None:
        super().__init__(sentence)
        self.timed_out = timed_out
        self.local = local
        self.before = before


MAX_PADDING = 1 << 30
"""Bytes of long runs of one value that a message may hold without their being kept."""


class Budget:
    """What is left of the ``Limits``. Not thread safe; lives as long as one message is looked at."""

    __slots__ = ("_deadline", "files", "left_out", "limits", "padding", "unpacked")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.files = 0
        self.unpacked = 0
        self.padding = 0
        self.left_out = 0
        """Bytes at the end of contents that were all of one value, looked at and not kept."""
        self._deadline = time.monotonic() + limits.seconds

    @property
    def room(self) -> int:
        """Bytes that may still be produced; 0 or more."""
        return max(0, self.limits.max_unpacked_size - self.unpacked)

    @property
    def room_for_one(self) -> int:
        """Bytes a single content may have, so that memory is left for those who read it."""
        return self.limits.max_unpacked_size * 5 // 8

    @property
    def seconds_left(self) -> float:
        """Wall-clock seconds until the deadline; 0 or more."""
        return max(0.0, self._deadline - time.monotonic())

    def is_too_much_padding(self, count: int) -> bool:
        """Count ``count`` bytes more of a run of one value; they cost time and no memory."""
        self.padding += count
        return self.padding > MAX_PADDING

    def spend_bytes(self, count: int) -> None:
        """Pay for ``count`` decoded or decompressed bytes. Raises ``OverLimit``."""
        self.unpacked += count
        if self.unpacked > self.limits.max_unpacked_size:
            raise OverLimit(f"unpacks to more than {self.limits.max_unpacked_size} bytes")

    def give_back(self, count: int) -> None:
        """``count`` bytes that were paid for were found to be known already, and thrown away."""
        self.unpacked -= count

    def spend_file(self) -> None:
        """Pay for one more part, member or embedded object; looks at the clock. Raises ``OverLimit``."""
        self.files += 1
        if self.files > self.limits.max_files:
            raise OverLimit(f"holds more than {self.limits.max_files} files")
        self.check_time()

    def check_depth(self, depth: int) -> None:
        """``depth`` containers surround what comes next. Raises ``OverLimit``."""
        if depth > self.limits.max_depth:
            raise OverLimit(f"is nested deeper than {self.limits.max_depth} levels", local=True)

    def check_time(self) -> None:
        """To be called now and then in every loop the sender decides the length of. Raises ``OverLimit``."""
        if time.monotonic() > self._deadline:
            raise OverLimit(f"took longer than {self.limits.seconds:g} seconds to look into", timed_out=True)
