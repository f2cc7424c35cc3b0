"""The real work of a worker, every library loaded, and on order what an intruder would try from where it runs.

The answer to a probe is one finding: "done" where the wall has a hole, or the names of the errors it met.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import platform
import resource
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyseccomp

from gateway.closed_sets import Kind, Verdict
from gateway.jail import confinement, tasks
from gateway.jail.process import Data, Orders, Recall
from gateway.jail.wire import Job
from gateway.message import Finding, Report

TASKS = "tests.stubs.probe_tasks:make"

LAST_NUMBER = 1000
"""System calls are tried up to here; Linux 6.18 has some 470."""

OF_THE_KERNEL = {335, 336} if platform.machine() == "x86_64" else set[int]()
"""uretprobe and uprobe: instructions of a tracer that come as calls. The kernel lets no filter see them, and answers
whoever was not traced with SIGILL."""

X32 = 0x40000000
I386_SOCKETCALL = 102


def _number(name: str) -> int:
    return int(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name))


def _known() -> set[int]:
    """What is allowed, for some arguments at least, or deadly."""
    conditional = "tgkill prlimit64 fcntl mmap mprotect"
    names = f"{confinement.ALLOWED} {confinement.FATAL} {conditional}"
    return {_number(name) for name in names.split()} | OF_THE_KERNEL


def _by_the_numbers_of_32_bit() -> Callable[..., int] | None:
    """``int 0x80``, which takes system calls as a 32-bit program makes them. Made while memory may be code still."""
    if platform.machine() != "x86_64":
        return None
    code = bytes.fromhex("53 89 f8 89 f3 89 d1 31 d2 cd 80 5b c3".replace(" ", ""))
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int)(address)


@dataclass
class Prober:
    """The real tasks, and what else is tried. Everything a probe needs is ready before the doors close."""

    tasks: tasks.ScanTasks
    numbers: dict[str, int]
    known: set[int]
    int80: Callable[..., int] | None
    libc: ctypes.CDLL = field(default_factory=lambda: ctypes.CDLL(None, use_errno=True))

    @property
    def edition(self) -> str:
        return self.tasks.edition

    def warn(self, expose: Callable[[], None]) -> None:
        self.tasks.warn(expose)

    def examine(self, data: Data, job: Job, recall: Recall | None) -> Report:
        order, _, argument = bytes(data).rpartition(b"\r\n\r\n")[2].decode().strip().partition(" ")
        try:
            said = getattr(self, order)(argument) or "done"
        except (OSError, RuntimeError, MemoryError, RecursionError, ValueError) as error:
            said = _told(error)
        return Report(Verdict.CLEAN, (Finding.of(Kind.DECRYPTED, "1", said),))

    def nothing(self, _: str) -> None:
        """The probe of the probes."""

    def call(self, argument: str) -> None:
        """A system call by its name, past every library."""
        self._call(self.numbers[argument])

    def _call(self, number: int, *arguments: object) -> None:
        if self.libc.syscall(ctypes.c_long(number), *(arguments or (ctypes.c_long(0),) * 6)) < 0:
            raise OSError(ctypes.get_errno(), "refused")

    def every_other_call(self, _: str) -> str:
        """All numbers that are neither allowed nor deadly; those that are answered by anything but a refusal."""
        refused = {errno.ENOSYS, errno.EPERM, errno.EACCES}
        odd = []
        for number in range(LAST_NUMBER):
            if number in self.known:
                continue
            ctypes.set_errno(0)
            if self.libc.syscall(ctypes.c_long(number), *(ctypes.c_long(-1),) * 6) != -1 or (
                ctypes.get_errno() not in refused
            ):
                odd.append(number)
        return f"Open: {odd}" if odd else "None is open."

    def x32(self, _: str) -> None:
        """socket(2) by its number in the x32 ABI."""
        self._call(X32 | self.numbers["socket"], ctypes.c_long(1), ctypes.c_long(1), ctypes.c_long(0))

    def i386(self, _: str) -> None:
        """socketcall(2) of 32-bit programs, which has no name in the 64-bit table."""
        if self.int80 is None:
            os.abort()
        self.int80(I386_SOCKETCALL, 1, 0)

    def read(self, argument: str) -> str:
        return repr(Path(argument).read_bytes()[:20])

    def read_parent(self, _: str) -> str:
        return repr(Path(f"/proc/{os.getppid()}/environ").read_bytes()[:20])

    def write_memory(self, _: str) -> None:
        Path("/proc/self/mem").open("r+b").close()

    def write(self, argument: str) -> None:
        Path(argument).write_bytes(b"x")

    def enter(self, argument: str) -> str:
        return ",".join(os.listdir(argument))

    def connect(self, argument: str) -> None:
        socket.create_connection(("127.0.0.1", int(argument)), timeout=1)

    def datagram(self, _: str) -> None:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send_descriptor(self, _: str) -> None:
        """Over the one channel there is."""
        message = struct.pack("@i", 1)
        channel = socket.socket(fileno=3)
        try:
            channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, message)])
        finally:
            channel.detach()

    def fork_bomb(self, _: str) -> None:
        while True:
            os.fork()

    def execute(self, _: str) -> None:
        os.execv("/bin/true", ["true"])  # noqa: S606 - what an intruder would try

    def execute_from_memory(self, _: str) -> None:
        program = os.memfd_create("program")
        os.execve(program, ["program"], {})  # noqa: S606 - as above

    def end_parent(self, _: str) -> None:
        os.kill(os.getppid(), 9)

    def end_everybody(self, _: str) -> None:
        self._call(self.numbers["tgkill"], *(ctypes.c_long(n) for n in (os.getppid(), os.getppid(), 9)))

    def new_code(self, _: str) -> None:
        mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)

    def turn_into_code(self, _: str) -> None:
        memory = mmap.mmap(-1, 4096)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        if self.libc.mprotect(ctypes.c_void_p(address), 4096, mmap.PROT_READ | mmap.PROT_EXEC) < 0:
            raise OSError(ctypes.get_errno(), "refused")

    def more_memory(self, _: str) -> None:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def signal_by_descriptor(self, _: str) -> None:
        """F_SETOWN of fcntl(2) has the kernel send a signal to whoever one names."""
        if self.libc.fcntl(3, 8, os.getppid()) < 0:
            raise OSError(ctypes.get_errno(), "refused")

    def change_the_message(self, _: str) -> str:
        """By a descriptor of it, should one be open."""
        for number in range(4, confinement.MAX_DESCRIPTORS):
            try:
                os.pwrite(number, b"x", 0)
            except OSError:
                continue
            return f"wrote to {number}"
        raise OSError(errno.EBADF, "no descriptor")

    def overflow(self, _: str) -> None:
        """More depth than the stack has."""
        sys.setrecursionlimit(1 << 30)
        text = "[" * 10_000_000
        compile(text, "deep", "eval")

    def dive(self, _: str) -> None:
        """The stack of C itself."""
        kind = ctypes.CFUNCTYPE(ctypes.c_int)

        def deeper() -> int:
            return int(kind(deeper)())

        sys.setrecursionlimit(1 << 30)
        deeper()


def _told(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno:
        return errno.errorcode[error.errno]
    return type(error).__name__


def make(orders: Orders) -> Prober:
    real = tasks.make(orders)
    names = f"{confinement.ALLOWED} {confinement.FATAL} {confinement.REFUSED_ACTS} {confinement.REFUSED_FILES} tgkill"
    return Prober(real, {name: _number(name) for name in names.split()}, _known(), _by_the_numbers_of_32_bit())
