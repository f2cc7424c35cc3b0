"""Each wall, tried from inside by a child of its own. How the pool takes such a worker: tests/faults."""

from __future__ import annotations

import ctypes
import errno
import faulthandler
import mmap
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.jail import confinement

MEMORY = 4 << 30
FINE, REFUSED = 0, 10


def in_jail(act: Callable[[], object], *, memory: int = MEMORY, kept: int = 0) -> int:
    """Do ``act`` in a confined child: ``FINE``, ``REFUSED`` for an ``OSError`` or what follows from one, or the
    signal that ended it, negative. The child has descriptors 0 to 2, of which 0 is ``kept``."""
    confinement.load()
    child = os.fork()
    if child == 0:
        code = 99
        faulthandler.disable()  # it would tell of every end that a test is about
        os.dup2(kept, 0)
        os.closerange(3, 1000)  # what the tests before have open is not what this is about
        try:
            confinement.detach()
            confinement.confine(memory)
            act()
            code = FINE
        except (OSError, RuntimeError, MemoryError, ImportError):
            code = REFUSED
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def syscall(number: int, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def start_thread() -> None:
    threading.Thread(target=int).start()


def map_code() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


@pytest.mark.parametrize(
    "act",
    [
        lambda: None,
        lambda: bytearray(50 << 20),
        lambda: mmap.mmap(-1, 1 << 20).close(),
        lambda: os.urandom(16),
        lambda: os.fstat(0),
        lambda: os.close(os.dup(0)),
        lambda: "日本".encode("iso2022_jp"),
        lambda: resource.getrusage(resource.RUSAGE_SELF),
        lambda: confinement.limit_processor(10),
        lambda: sorted(os.urandom(1) for _ in range(1000)),
    ],
)
def test_it_can_compute(act: Callable[[], object]) -> None:
    "x".encode("iso2022_jp")  # loaded before the doors close
    assert in_jail(act) == FINE


@pytest.mark.parametrize(
    "act",
    [
        lambda: Path("/etc/passwd").read_bytes(),
        lambda: Path("/tmp/jail-was-here").write_bytes(b"x"),
        lambda: os.listdir("/"),
        lambda: os.readlink("/proc/self/exe"),
        lambda: os.mkdir("/tmp/jail-was-here"),
        lambda: os.unlink("/etc/hostname"),
        lambda: os.symlink("/etc/passwd", "/tmp/jail-was-here"),
        lambda: os.chmod("/tmp", 0o700),
        lambda: os.chdir("/"),
        lambda: os.memfd_create("x"),
        os.pipe,
        os.fork,
        start_thread,
        map_code,
        lambda: os.sched_setaffinity(0, {0}),
        lambda: os.setpriority(os.PRIO_PROCESS, 0, 5),
        lambda: resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE),
        lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)),
    ],
)
def test_what_honest_code_might_try_is_refused(act: Callable[[], object]) -> None:
    code = in_jail(act)
    assert code in {REFUSED, 99}
    assert not Path("/tmp/jail-was-here").exists()


@pytest.mark.parametrize(
    "act",
    [
        socket.socket,
        lambda: socket.socket(socket.AF_UNIX),
        socket.socketpair,
        lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - what an intruder would try
        lambda: os.kill(os.getppid(), 0),
        lambda: os.pidfd_open(os.getppid()),
        lambda: ctypes.CDLL(None).ptrace(0, 0, 0, 0),
        lambda: ctypes.CDLL(None).unshare(0x10000000),
        lambda: ctypes.CDLL(None).mount(0, 0, 0, 0, 0),
    ],
)
def test_what_only_an_intruder_tries_is_the_end(act: Callable[[], object]) -> None:
    assert in_jail(act) == -signal.SIGSYS


def test_abort_still_ends_the_process() -> None:
    assert in_jail(os.abort) == -signal.SIGABRT


def test_memory_is_limited() -> None:
    assert in_jail(lambda: bytearray(2 << 30), memory=1 << 30) == REFUSED


def test_processor_time_is_limited() -> None:
    def spin() -> None:
        confinement.limit_processor(-1.0)
        while True:
            pass

    assert in_jail(spin) == -signal.SIGXCPU


def test_nothing_can_be_written_to_a_file_already_open(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        assert in_jail(lambda: os.write(0, b"x"), kept=file.fileno()) in {REFUSED, -signal.SIGXFSZ}
    assert (tmp_path / "file").read_bytes() == b""


def test_descriptors_are_few() -> None:
    def open_many() -> None:
        for _ in range(confinement.MAX_DESCRIPTORS + 1):
            os.dup(0)

    assert in_jail(open_many) == REFUSED


def test_it_dies_with_its_parent() -> None:
    """A grandchild that hangs is gone when its parent is killed."""
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        if os.fork() == 0:
            confinement.detach()
            os.write(writer, b"%d\n" % os.getpid())
            while True:
                signal.pause()
        signal.pause()
        os._exit(0)
    os.close(writer)
    os.read(reader, 20)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert os.read(reader, 1) == b""  # the last holder of the other end is gone
    os.close(reader)


@pytest.mark.parametrize("name", ["pyseccomp", "landlock"])
def test_what_is_not_installed_is_told_and_the_rest_holds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def confine_and_tell() -> None:
        missing = confinement.confine(MEMORY)
        if not (len(missing) == 1 and missing[0].startswith(name.removeprefix("py"))):
            raise AssertionError(missing)

    monkeypatch.setitem(sys.modules, name, None)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            confine_and_tell()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_limit_that_cannot_be_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "refused")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert "RLIMIT_AS" in confinement._limit(MEMORY)


def test_a_thread_that_was_there_before_is_confined_too() -> None:
    """The matcher of YARA rules has one; what takes over the process could use it."""
    child = os.fork()
    if child == 0:
        closed = threading.Event()

        def escape() -> None:
            closed.wait()
            socket.socket()

        thread = threading.Thread(target=escape)
        thread.start()
        if confinement.confine(MEMORY) == ():
            closed.set()
            thread.join()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGSYS
