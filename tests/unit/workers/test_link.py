from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.jail.checks import WireError
from gateway.jail.wire import head
from gateway.workers.link import CHUNK, WorkerGone, WorkerLink, explain


@pytest.fixture
async def pair() -> AsyncIterator[tuple[WorkerLink, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    link = WorkerLink(cast(Any, SimpleNamespace(pid=None, sentinel=-1)), ours)
    yield link, theirs
    link.close()
    theirs.close()


async def test_a_descriptor_goes_with_the_first_byte(pair: tuple[WorkerLink, socket.socket]) -> None:
    link, theirs = pair
    reader, writer = os.pipe()
    await link.send(head(b"{}"), [reader])
    data, descriptors, _, _ = socket.recv_fds(theirs, 100, 4)
    assert data == head(b"{}")
    os.write(writer, b"x")
    assert os.read(descriptors[0], 1) == b"x"
    for number in (reader, writer, *descriptors):
        os.close(number)


async def test_a_frame_larger_than_the_socket_takes_goes_out_as_there_is_room(
    pair: tuple[WorkerLink, socket.socket],
) -> None:
    link, theirs = pair
    large = head(bytes(3 << 20))
    sending = asyncio.create_task(link.send(large))
    theirs.setblocking(False)
    received = b""
    while len(received) < len(large):
        received += await asyncio.get_running_loop().sock_recv(theirs, 1 << 20)
    await sending
    assert received == large


async def test_a_worker_that_is_gone_is_told(pair: tuple[WorkerLink, socket.socket]) -> None:
    link, theirs = pair
    theirs.close()
    with pytest.raises(WorkerGone):
        await link.receive()
    with pytest.raises(WorkerGone):
        await link.send(b"x" * 10)


async def test_half_a_frame_and_the_end_is_no_frame(pair: tuple[WorkerLink, socket.socket]) -> None:
    link, theirs = pair
    theirs.sendall(head(b"{}")[:-1])
    theirs.close()
    with pytest.raises(WorkerGone):
        await link.receive()


async def test_frames_are_taken_one_by_one(pair: tuple[WorkerLink, socket.socket]) -> None:
    link, theirs = pair
    theirs.sendall(head(b"one") + head(b"two", 4) + b"tail" + b"\xff" * 8)
    assert (await link.receive()).text == b"one"
    assert (await link.receive()).tail == b"tail"
    with pytest.raises(WireError):
        await link.receive()


async def test_a_worker_that_speaks_while_nobody_waits_is_not_read_on(pair: tuple[WorkerLink, socket.socket]) -> None:
    link, theirs = pair
    theirs.sendall(head(b"one"))
    assert (await link.receive()).text == b"one"
    theirs.setblocking(False)
    taken = 0
    while taken < 64 * CHUNK:
        try:
            taken += theirs.send(bytes(CHUNK))
        except BlockingIOError:  # the kernel's buffer is full
            break
        await asyncio.sleep(0)
    assert taken < 8 * CHUNK


async def test_a_caller_that_leaves_takes_no_frame_along(pair: tuple[WorkerLink, socket.socket]) -> None:
    link, theirs = pair
    leaving = asyncio.create_task(link.receive())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    theirs.sendall(head(b"one") + head(b"two"))
    await asyncio.sleep(0.01)
    assert (await link.receive()).text == b"one"
    assert (await link.receive()).text == b"two"


async def test_a_descriptor_from_a_worker_is_not_taken(pair: tuple[WorkerLink, socket.socket]) -> None:
    link, theirs = pair
    before = sorted(os.listdir("/proc/self/fd"))
    socket.send_fds(theirs, [head(b"{}")], [0, 1, 2])
    await link.receive()
    assert sorted(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (None, "nobody saw its end"),
        (71, "out of memory"),
        (-signal.SIGSEGV, "killed by SIGSEGV"),
        (-signal.SIGSYS, "killed for a forbidden system call"),
        (-40, "killed by signal 40"),
    ],
)
def test_an_end_is_told_in_words(code: int | None, words: str) -> None:
    assert explain(code) == words
