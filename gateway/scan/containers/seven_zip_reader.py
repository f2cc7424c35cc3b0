"""The numbers, bits and properties that the headers of a 7z archive are made of (``7zFormat.txt`` of the LZMA SDK).

Contract: nothing is taken that is not there, and no count is larger than ``MAX_COUNT``; both are ``Corrupt``.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.scan.look import Corrupt

MAX_COUNT = 1 << 16
"""Of files, folders and packed streams each."""

END = 0


class Reader:
    """Takes one value after the other; ``Corrupt`` where they end."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> memoryview:
        if count > self.left:
            raise Corrupt("the header of the 7z archive ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """The ones at the top of the first byte say how many bytes follow; what is left of it comes last."""
        head = self.byte()
        following = next((count for count in range(8) if not head & 0x80 >> count), 8)
        low = int.from_bytes(self.take(following), "little")
        return low | (head & (0x7F >> following)) << 8 * following

    def count(self) -> int:
        """The number of things that follow."""
        count = self.number()
        if count > MAX_COUNT:
            raise Corrupt(f"the 7z archive has more than {MAX_COUNT} files or streams")
        return count

    def bits(self, count: int) -> list[bool]:
        """One bit each, the highest of a byte first."""
        content = self.take((count + 7) // 8)
        return [bool(content[at >> 3] & 0x80 >> (at & 7)) for at in range(count)]

    def checksums(self, count: int) -> list[int | None]:
        are_there = [True] * count if self.byte() else self.bits(count)
        return [int.from_bytes(self.take(4), "little") if there else None for there in are_there]

    def properties(self) -> Iterator[tuple[int, Reader]]:
        """Properties with their size before them, up to the end mark."""
        while (kind := self.byte()) != END:
            yield kind, Reader(self.take(self.number()))
