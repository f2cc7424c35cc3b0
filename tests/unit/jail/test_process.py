"""The loop of a worker, without its walls, on the other end of a socket."""

from __future__ import annotations

import gc
import mmap
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.closed_sets import Kind, Verdict
from gateway.jail.process import CannotDo, Data, Orders, Recall, Worker, _mapped
from gateway.jail.wire import (
    Answer,
    Ask,
    Examined,
    Exposed,
    Failed,
    Frame,
    FrameReader,
    Job,
    Rewritten,
    decode_answer,
    encode_job,
    encode_recalled,
    unflatten,
)
from gateway.message import Edits, Finding, Report, Span, Splice

ORDERS = Orders("", 1 << 40, 1e6, {}, "", "")
SHA = "ab" * 32


class Tasks:
    edition = "1"

    def __init__(self) -> None:
        self.kept: Any = None

    def examine(self, data: Data, job: Job, recall: Recall | None) -> Report:
        content = bytes(data)
        if content == b"keep":
            self.kept = memoryview(data)
        if content == b"native":
            self.expose()
            self.expose()
        if content == b"fail":
            raise RecursionError("too deep")
        if content == b"exit":
            raise SystemExit(0)
        found = recall(SHA) if recall else None
        return Report(Verdict.CLEAN, found or (Finding.of(Kind.DECRYPTED, "1", content.decode()),))

    def rewrite(self, data: Data, job: Job) -> Edits:
        if not job.strip:
            raise CannotDo("nothing to replace")
        return Edits((Splice(Span(0, 1), b"x" * len(data)),))

    def warn(self, expose: Callable[[], None]) -> None:
        self.expose = expose


class Front:
    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.reader = FrameReader()

    def ask(self, job: Job, content: bytes) -> tuple[Answer, Frame]:
        descriptor = os.memfd_create("test")
        os.write(descriptor, content)
        socket.send_fds(self.channel, [encode_job(job)], [descriptor])
        os.close(descriptor)
        return self.answer(job.job, len(content))

    def answer(self, job: int, size: int) -> tuple[Answer, Frame]:
        while (frame := self.reader.next()) is None:
            data = self.channel.recv(1 << 16)
            assert data
            self.reader.feed(data)
        return decode_answer(frame, job, size), frame


def started(worker: Worker) -> threading.Thread:
    """A worker at its work, in a thread. It collects garbage, which must be its own: a YARA scanner that other tests
    have left behind may not end in another thread than it was made in."""
    gc.collect()
    thread = threading.Thread(target=worker.serve)
    thread.start()
    return thread


@pytest.fixture
def front() -> Iterator[Front]:
    ours, theirs = socket.socketpair()
    memory = os.open("/proc/self/statm", os.O_RDONLY)
    thread = started(Worker(theirs, Tasks(), ORDERS, memory))
    yield Front(ours)
    ours.close()
    thread.join()
    theirs.close()
    os.close(memory)


@pytest.mark.parametrize("content", [b"", b"x", b"y" * 400])
def test_it_examines_one_message_after_the_other(front: Front, content: bytes) -> None:
    for number in (1, 2, 3):
        answer, _ = front.ask(Job(number, "examine"), content)
        assert isinstance(answer, Examined)
        assert answer.findings[0].detail == content.decode()
        assert not answer.grown


def test_it_asks_the_front_what_is_remembered(front: Front) -> None:
    known = Finding.of(Kind.VBA_AUTOEXEC, "/vba", "AutoOpen")
    for remembered, detail in (((known,), "AutoOpen"), (None, "x")):
        answer, _ = front.ask(Job(5, "examine", recall=True), b"x")
        assert answer == Ask(5, SHA)
        front.channel.sendall(encode_recalled(remembered))
        answer, _ = front.answer(5, 1)
        assert isinstance(answer, Examined)
        assert answer.findings[0].detail == detail


def test_it_says_once_before_it_takes_a_risk(front: Front) -> None:
    for number in (1, 2):
        answer, _ = front.ask(Job(number, "examine"), b"native")
        assert answer == Exposed(number)
        assert isinstance(front.answer(number, 6)[0], Examined)


def test_it_rewrites(front: Front) -> None:
    answer, frame = front.ask(Job(1, "rewrite", strip=("2",)), b"abc")
    assert isinstance(answer, Rewritten)
    assert unflatten(answer, frame.tail) == Edits((Splice(Span(0, 1), b"xxx"),))


def test_what_cannot_be_done_is_told_and_no_reason_to_go(front: Front) -> None:
    answer, _ = front.ask(Job(1, "rewrite"), b"abc")
    assert answer == Failed(1, "nothing to replace", grown=False)


@pytest.mark.parametrize(("content", "why"), [(b"fail", "RecursionError: too deep"), (b"exit", "SystemExit: 0")])
def test_a_bug_is_told_and_the_worker_asks_to_be_replaced(front: Front, content: bytes, why: str) -> None:
    answer, _ = front.ask(Job(1, "examine"), content)
    assert answer == Failed(1, why, grown=True)


def test_a_view_that_is_kept_does_not_stop_it(front: Front) -> None:
    assert isinstance(front.ask(Job(1, "examine"), b"keep")[0], Examined)
    assert isinstance(front.ask(Job(2, "examine"), b"more")[0], Examined)


def test_memory_that_is_kept_is_told() -> None:
    memory = os.open("/proc/self/statm", os.O_RDONLY)
    ours, theirs = socket.socketpair()
    small = Orders("", mmap.PAGESIZE, 1e6, {}, "", "")
    thread = started(Worker(theirs, Tasks(), small, memory))
    answer, _ = Front(ours).ask(Job(1, "examine"), b"x")
    assert isinstance(answer, Examined)
    assert answer.grown
    ours.close()
    thread.join()
    theirs.close()
    os.close(memory)


def test_a_message_cannot_be_written_to() -> None:
    descriptor = os.memfd_create("test")
    os.write(descriptor, b"abc")
    with _mapped(descriptor) as data:
        assert isinstance(data, mmap.mmap)
        with pytest.raises(TypeError):
            data[0] = 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
