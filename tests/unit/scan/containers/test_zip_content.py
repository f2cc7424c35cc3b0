"""One member's bytes, when its header tells the truth and when it does not."""

import zlib

import pytest

from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.containers import zip_content
from gateway.scan.containers.zip_records import Entry
from gateway.scan.look import Corrupt
from tests.makers.zips import Item

CONTENT = b"some content " * 20
PACKED = Item("", CONTENT).data()


def entry(method: int, *, flags: int = 0, crc: int = zlib.crc32(CONTENT), size: int = len(CONTENT)) -> Entry:
    return Entry(b"a", flags, method, crc, 0, size, 0, 0)


@pytest.mark.parametrize(
    ("packed", "header", "doubts"),
    [
        (CONTENT, entry(0), 0),
        (PACKED, entry(8), 0),
        (PACKED, entry(0), 1),
        (CONTENT, entry(8), 1),
        (PACKED, entry(8, size=3), 1),
        (PACKED, entry(8, crc=3), 1),
        (PACKED, entry(8, crc=0, size=0, flags=8), 0),
        (PACKED, entry(9), 0),
    ],
)
def test_the_content_is_found_and_lies_are_told(packed: bytes, header: Entry, doubts: int) -> None:
    told: list[str] = []
    assert zip_content.content(packed, header, Budget(Limits()), told.append) == (CONTENT, 0)
    assert len(told) == doubts


@pytest.mark.parametrize("method", [1, 8, 9, 12, 14, 99])
def test_what_cannot_be_decoded_is_corrupt(method: int) -> None:
    with pytest.raises(Corrupt):
        zip_content.content(b"\xff\xff\xff\xff\xff", entry(method), Budget(Limits()), lambda _: None)


@pytest.mark.parametrize("method", [0, 8, 9])
def test_it_is_paid_for(method: int) -> None:
    packed = CONTENT if method == 0 else PACKED
    with pytest.raises(OverLimit):
        zip_content.content(packed, entry(method), Budget(Limits(max_unpacked_size=10)), lambda _: None)


def test_a_mark_of_encryption_that_is_wrong() -> None:
    told: list[str] = []
    assert zip_content.is_plain(PACKED, entry(8, flags=1), told.append)
    assert zip_content.is_plain(CONTENT, entry(0, flags=1), told.append)
    assert len(told) == 2
    assert not zip_content.is_plain(b"\x91" * 30, entry(8, flags=1), told.append)
    assert not zip_content.is_plain(b"\x91" * 30, entry(0, flags=1), told.append)
