"""The spool: memory first, then a file; read-only for whoever scans it."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Edits, Span, Splice
from gateway.spool import MEMORY_LIMIT, Spool

SIZES = [0, 1, MEMORY_LIMIT - 1, MEMORY_LIMIT, MEMORY_LIMIT + 1, 3 * MEMORY_LIMIT]


@pytest.mark.parametrize("size", SIZES)
def test_what_goes_in_comes_out(size: int) -> None:
    content = os.urandom(size)
    spool = Spool()
    for start in range(0, size, 100_003):
        spool.write(content[start : start + 100_003])

    assert spool.size == size
    assert spool.read() == content
    assert b"".join(spool.chunks()) == content
    assert spool.read(10, 20) == content[10:20]
    spool.close()


@pytest.mark.parametrize("size", [3, MEMORY_LIMIT + 1])
def test_a_worker_can_read_and_not_write(size: int) -> None:
    spool = Spool.of(b"a" * size)
    descriptor = spool.descriptor()

    assert os.pread(descriptor, size + 1, 0) == b"a" * size
    with pytest.raises(OSError, match=r"Bad file descriptor|Operation not permitted"):
        os.pwrite(descriptor, b"b", 0)
    os.close(descriptor)
    spool.close()


def test_a_worker_cannot_reopen_a_small_message_for_writing() -> None:
    spool = Spool.of(b"small")
    descriptor = spool.descriptor()
    again = os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR)

    with pytest.raises(PermissionError):
        os.pwrite(again, b"X", 0)
    os.close(again)
    os.close(descriptor)


@given(
    st.binary(max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.binary(max_size=5)), max_size=4),
)
def test_edits_change_their_spans_and_nothing_else(content: bytes, wanted: list[tuple[int, int, bytes]]) -> None:
    splices: list[Splice] = []
    expected, position = b"", 0
    for first, second, replacement in sorted(wanted):
        start, end = sorted((min(first, len(content)), min(second, len(content))))
        if start >= position:
            splices.append(Splice(Span(start, end), replacement))
            expected += content[position:start] + replacement
            position = end
    expected += content[position:]

    assert b"".join(Spool.of(content).chunks(Edits(tuple(splices)))) == expected


def test_closing_twice_is_fine() -> None:
    spool = Spool.of(b"x" * (MEMORY_LIMIT + 1))
    spool.close()
    spool.close()


@pytest.mark.parametrize("size", [10, MEMORY_LIMIT + 1])
def test_what_is_shared_outlives_the_spool_it_came_from(size: int) -> None:
    content = os.urandom(size)
    spool = Spool.of(content)
    shared = spool.share()
    spool.close()

    assert b"".join(shared.chunks()) == content
    shared.close()
    assert shared.read() == b""


def test_a_descriptor_holds_the_whole_message_even_if_it_is_written_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(1000)
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:7]))
    descriptor = Spool.of(content).descriptor()
    monkeypatch.undo()

    with open(descriptor, "rb") as file:
        assert file.read() == content


def test_a_descriptor_that_cannot_be_filled_is_not_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: object) -> int:
        raise OSError(12, "Cannot allocate memory")

    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="allocate"):
        Spool.of(b"x").descriptor()
    monkeypatch.undo()

    assert len(os.listdir("/proc/self/fd")) == before
