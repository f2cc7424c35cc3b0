"""The walls around a worker: what a process that reads hostile content can still do if that content takes it over.

Contract: ``confine`` is called once by a worker that has loaded everything it will need, and cannot be undone. After it
the process can compute, allocate up to its limit, talk through the descriptors it has and exit; it cannot open
a file, make a socket, start a process or a thread, or touch another process. What this kernel or installation
cannot do is returned as words for the log; ``confine`` itself never raises.

System calls fall into four classes. Those on ``ALLOWED`` work. Those on ``REFUSED_...`` honest library code may
try (a late import, a thread): it gets EACCES or EPERM, and the scan reports that as trouble. Those on ``FATAL`` only
an intruder tries: the process is killed (SIGSYS), as it is for any call by the numbers of another architecture (the
32-bit ones and x32). All others do not exist (ENOSYS), so that a newer C library falls back to a call that is known
here.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib
import mmap
import os
import resource
import signal
import time
from typing import Any, Final

MAX_DESCRIPTORS: Final = 16
"""0 to 3, the message, the map of it and some room."""

ALLOWED: Final = """
    brk clock_getres clock_gettime clock_nanosleep close dup exit exit_group fstat futex getcpu getcwd getegid
    geteuid getgid getpgrp getpid getppid getrandom getrusage getsid gettid gettimeofday getuid lseek madvise
    membarrier mincore mremap munmap nanosleep newfstatat pause poll ppoll pread64 read readv recvfrom recvmsg
    restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigtimedwait
    sched_getaffinity sched_yield sendto set_robust_list set_tid_address sigaltstack sysinfo time times uname
    write writev
"""

REFUSED_FILES: Final = """
    open openat openat2 creat access faccessat faccessat2 stat lstat statx readlink readlinkat
"""

REFUSED_ACTS: Final = """
    fork vfork clone clone3 mkdir mkdirat unlink unlinkat rename renameat renameat2 memfd_create
"""

FATAL: Final = """
    accept accept4 add_key bind bpf chroot connect delete_module execve execveat finit_module fsmount fsopen
    init_module io_uring_setup kexec_file_load kexec_load keyctl kill listen mount move_mount name_to_handle_at
    open_by_handle_at open_tree perf_event_open pidfd_getfd pidfd_open pidfd_send_signal pivot_root
    process_vm_readv process_vm_writev ptrace reboot request_key rt_sigqueueinfo rt_tgsigqueueinfo setns socket
    socketpair swapoff swapon tkill umount2 unshare userfaultfd
"""

_SAFE_FCNTL: Final = (0, 1, 2, 3, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC. Not F_SETOWN: it would send signals to others."""

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38


def load() -> None:
    """Have the libraries in memory before a worker is forked: finding them takes files, a process and time.

    Never raises; what is not there is told by ``confine``.
    """
    for name in ("pyseccomp", "landlock"):
        with contextlib.suppress(ImportError, RuntimeError, OSError):  # RuntimeError: no libseccomp.so
            importlib.import_module(name)


def detach() -> None:
    """Make this process the head of a group of its own, which is what the deadline kills, and let it die with its
    parent, the fork server, so that no worker outlives the gateway however that ends."""
    os.setsid()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)  # the front decides; an order to it may reach its whole group
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def confine(max_memory: int) -> tuple[str, ...]:
    """Close the doors; ``max_memory`` in bytes of address space. Returns what could not be applied."""
    missing = [*_limit(max_memory)]
    if not (_prctl(_PR_SET_NO_NEW_PRIVS, 1) and _prctl(_PR_SET_DUMPABLE, 0)):
        missing.append("prctl")
    missing += _landlock()
    missing += _seccomp()  # last: it forbids what the others need
    return tuple(missing)


def limit_processor(seconds: float) -> None:
    """Let the kernel end this process (SIGXCPU) after so much more processor time. The second line behind the front's
    wall-clock deadline, should the front itself be stuck."""
    soft = int(time.process_time() + seconds) + 2
    with contextlib.suppress(ValueError, OSError):  # an inherited hard limit is lower, and so is in force
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _limit(max_memory: int) -> list[str]:
    wanted = {
        "RLIMIT_AS": max_memory,
        "RLIMIT_CORE": 0,  # a core file would hold the mail
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NOFILE": MAX_DESCRIPTORS,
        "RLIMIT_NPROC": 0,  # does not bind root (setrlimit(2)); there only seccomp stands against a fork bomb
    }
    missing = []
    for name, value in wanted.items():
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (allowed, allowed))
        except (ValueError, OSError):
            missing.append(name)
    return missing


def _landlock() -> list[str]:
    """No path at all (Linux 5.13); descriptors already open stay usable."""
    try:
        import landlock

        landlock.Ruleset().apply()
    except Exception as error:  # noqa: BLE001 - a pre-release that may raise anything; it is told, and seccomp stands
        return [f"landlock: {error}"]
    return []


def _seccomp() -> list[str]:
    try:
        import pyseccomp

        _filter(pyseccomp).load()
    except (ImportError, RuntimeError, OSError) as error:  # RuntimeError: no libseccomp.so
        return [f"seccomp: {error}"]
    return []


def _filter(seccomp: Any) -> Any:
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)  # by itself it would kill the thread only
    rules.set_attr(seccomp.Attr.CTL_TSYNC, 1)  # every thread: the matcher of the YARA rules has one that counts seconds

    def add(action: int, name: str, *conditions: Any) -> None:
        number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
        if number != -1:  # __NR_SCMP_ERROR: libseccomp is older than the call, so the default answers it
            rules.add_rule(action, number, *conditions)

    for names, action in (
        (ALLOWED, seccomp.ALLOW),
        (REFUSED_FILES, seccomp.ERRNO(errno.EACCES)),
        (REFUSED_ACTS, seccomp.ERRNO(errno.EPERM)),
        (FATAL, seccomp.KILL_PROCESS),
    ):
        for name in names.split():
            add(action, name)
    own = os.getpid()
    add(seccomp.ALLOW, "tgkill", seccomp.Arg(0, seccomp.EQ, own))  # abort(3)
    for pid in (0, own):
        add(seccomp.ALLOW, "prlimit64", seccomp.Arg(0, seccomp.EQ, pid))
    for command in _SAFE_FCNTL:
        add(seccomp.ALLOW, "fcntl", seccomp.Arg(1, seccomp.EQ, command))
    for name in ("mmap", "mprotect"):  # no new code: MemoryDenyWriteExecute of systemd.exec(5), and no file's either
        add(seccomp.ALLOW, name, seccomp.Arg(2, seccomp.MASKED_EQ, mmap.PROT_EXEC, 0))
    return rules


def _prctl(option: int, value: int) -> bool:
    return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
