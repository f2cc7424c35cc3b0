"""Tasks of a worker that misbehaves on order: the last line of the message says how."""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.jail.process import CannotDo, Data, Orders, Recall
from gateway.jail.report_frame import encode_report
from gateway.jail.wire import MAX_TAIL, Disarmed, Job
from gateway.message import Edits, Finding, Part, Report, Span, Splice

TASKS = "tests.stubs.worker_tasks:make"
CHANNEL = 3


def message(order: str, *, received: str = "one") -> bytes:
    """A message that makes the worker do ``order``; ``received`` stands for the relay's changing header."""
    return f"Received: {received}\r\nSubject: test\r\n\r\n{order}\r\n".encode()


def hang() -> NoReturn:
    while True:
        pass


def eat() -> str:
    kept = []
    while True:
        kept.append(bytes(16 << 20))


def spin() -> NoReturn:
    """Hang where no signal handler of Python and no check of ours is reached."""
    ctypes.CDLL(None).sleep(3600)
    hang()


def crash() -> str:
    ctypes.string_at(0)
    return "alive"


def half() -> NoReturn:
    os.write(CHANNEL, struct.pack("!II", 100, 0) + b'{"say":"examined","job":')
    os._exit(0)


def huge() -> NoReturn:
    os.write(CHANNEL, struct.pack("!II", 1 << 31, 0))
    hang()


def garbage() -> NoReturn:
    os.write(CHANNEL, struct.pack("!II", 9, 0) + b"not json!")
    hang()


def other() -> NoReturn:
    os.write(CHANNEL, encode_report(4711, Report(Verdict.CLEAN)))
    hang()


def pester() -> NoReturn:
    while True:
        os.write(CHANNEL, struct.pack("!II", 0, 0))


def quit_early() -> NoReturn:
    os._exit(0)


def leave() -> NoReturn:
    raise SystemExit(0)


def fail() -> NoReturn:
    raise ZeroDivisionError("a bug of ours")


def fork() -> str:
    if os.fork() == 0:
        os._exit(0)
    return "forked"


def thread() -> str:
    threading.Thread(target=time.sleep, args=(0,)).start()
    return "threaded"


def read_file() -> str:
    return Path("/etc/passwd").read_text()


def write_file() -> str:
    return str(Path("/tmp/written-by-a-worker").write_text("x"))


def connect() -> str:
    socket.socket()
    return "socket"


def execute() -> str:
    os.execv("/bin/true", ["true"])  # noqa: S606 - what an intruder would try
    return "executed"


def kill_parent() -> str:
    os.kill(os.getppid(), signal.SIGTERM)
    return "killed"


def facts() -> str:
    open_ones = [number for number in range(64) if _is_open(number)]
    return f"pid={os.getpid()} parent={os.getppid()} descriptors={open_ones}"


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


ORDERS: dict[str, Callable[[], str]] = {
    function.__name__: function
    for function in (
        *(hang, spin, eat, crash, half, huge, garbage, other, pester, quit_early, leave, fail),
        *(fork, thread, read_file, write_file, connect, execute, kill_parent, facts),
    )
}


class Tasks:
    edition = "stub/1"

    def warn(self, expose: Callable[[], None]) -> None:
        self.expose = expose

    def examine(self, data: Data, job: Job, recall: Recall | None) -> Report:
        content = bytes(data)
        order, _, rest = content.rpartition(b"\r\n\r\n")[2].decode().strip().partition(" ")
        if order == "bad":
            return _bad_document(content, rest, recall)
        if order == "exposed":
            self.expose()
            return Report(Verdict.CLEAN, (Finding.of(Kind.DECRYPTED, "1", facts()),))
        if order == "sleep":
            time.sleep(float(rest))
        said = ORDERS[order]() if order in ORDERS else ""
        finding = Finding.of(Kind.DECRYPTED, "1", said or f"{len(content)} bytes")
        return Report(Verdict.CLEAN, (finding,), sha256=hashlib.sha256(content).hexdigest())

    def rewrite(self, data: Data, job: Job) -> Edits:
        order = bytes(data).rpartition(b"\r\n\r\n")[2].decode().strip()
        if order == "cannot":
            raise CannotDo("the target is still there")
        if order == "backwards":
            return Edits((Splice(Span(5, 6), b""), Splice(Span(0, 1), b"")))
        large = b"x" * (40 << 20) if order == "large" else b"notice"
        return Edits((Splice(Span(0, 0), job.held_id.encode()), Splice(Span(3, 5), large)))

    def disarm(self, data: Data, job: Job) -> tuple[Disarmed, bytes]:
        order = bytes(data).decode()
        if order == "cannot":
            raise CannotDo("it still shows")
        if order == "large":
            return Disarmed(job.job, "", "", ()), bytes(MAX_TAIL + 1)
        return Disarmed(job.job, job.name, "a/b", ("its macros",)), b"without"


def _bad_document(content: bytes, name: str, recall: Recall | None) -> Report:
    """One auto-exec document, or what is remembered of it."""
    sha256, where = hashlib.sha256(name.encode()).hexdigest(), f"2/{name}"
    known = recall(sha256) if recall else None
    found = tuple(Finding.of(one.kind, where + one.where, one.detail) for one in known or ())
    findings = found or (Finding.of(Kind.VBA_AUTOEXEC, f"{where}/vba", "AutoOpen"),)
    part = Part(where, FileType.DOCM, len(content), sha256, Verdict.AUTOEXEC)
    return Report(Verdict.AUTOEXEC, findings, (part,), recalled=1 if known else 0)


def make(orders: Orders) -> Tasks:
    if orders.contact == "unfit":
        raise ValueError("no rule in the rule file")
    return Tasks()
