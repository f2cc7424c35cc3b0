"""A Debian of its own with systemd as its first process: debootstrap makes it, systemd-nspawn boots it.

Contract: everything lies below the folder that is given, and nothing runs any more once ``stop`` has returned. The
machine has a network of its own with nobody else in it; ``network`` puts the calling thread there. Resource limits of
the unit (MemoryMax=, TasksMax=) do not reach so far where the kernel has the first version of control groups.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.debian import run
from tests.e2e.tools import eventually

BASE = "systemd,systemd-sysv,dbus"
NEWNET = 0x40000000
LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
"""What systemd-nspawn 252 keeps from all it runs, the kernel's own jail for files among it, if it is not told."""
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def release() -> str:
    """The name of the Debian this runs on, which is the one the package is for."""
    lines = dict(line.partition("=")[::2] for line in Path("/etc/os-release").read_text().splitlines())
    return lines["VERSION_CODENAME"].strip('"')


class Machine:
    """``folder`` becomes its root; what ``needs`` names is installed, as apt writes dependencies."""

    def __init__(self, folder: Path, needs: str) -> None:
        self.root = folder
        self._nspawn: subprocess.Popen[bytes] | None = None
        run("debootstrap", "--variant=minbase", f"--include={BASE}", release(), folder, seconds=1800)
        gate = folder / "usr/sbin/policy-rc.d"  # nothing starts before it is booted
        gate.write_text("#!/bin/sh\nexit 101\n")
        gate.chmod(0o755)
        quietly = "env DEBIAN_FRONTEND=noninteractive apt-get -qq --no-install-recommends"
        run("chroot", folder, *quietly.split(), "satisfy", "--yes", needs, seconds=1800)
        gate.unlink()

    def boot(self) -> None:
        """Returns when everything that starts by itself has done so."""
        command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network"]
        command += [f"--directory={self.root}", "--machine=macrogate-proof", f"--system-call-filter={LANDLOCK}"]
        with (self.root.parent / "console").open("ab") as console:
            self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        eventually("systemd runs", self._children, seconds=300)
        eventually("it is up", lambda: self("systemctl is-system-running --wait", check=False), seconds=900)

    def stop(self) -> None:
        """Shut it down as by its power button, by force if it does not."""
        if self._nspawn is not None:
            self._nspawn.terminate()
            try:
                self._nspawn.wait(180)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait(60)
            self._nspawn = None

    def _children(self) -> list[str]:
        assert self._nspawn is not None
        number = self._nspawn.pid
        return Path(f"/proc/{number}/task/{number}/children").read_text().split()

    def __call__(self, script: str, check: bool = True, seconds: float = 900.0) -> str:
        """What ``script`` says in it, run by its shell as its root."""
        command = ["nsenter", "--target", self._children()[0], "--all", "sh", "-ec", script]
        done = subprocess.run(
            command,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{script}:\n{done.stdout}\n{self.journal()}"
        return done.stdout if check or done.returncode == 0 else ""

    def install(self, package: Path, *how: str) -> str:
        """What dpkg says; it fetches nothing, so whatever the package needs has to be named in it."""
        (self.root / "package.deb").write_bytes(package.read_bytes())
        return self(f"dpkg {' '.join(how)} --install /package.deb")

    def journal(self, unit: str = "macrogate") -> str:
        """What the unit has said since the machine was made."""
        return self(f"journalctl --unit {unit} --output cat --no-pager", check=False)

    @contextmanager
    def network(self) -> Iterator[None]:
        """The calling thread, and those it starts, are on the network of the machine."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as ours, open(f"/proc/{self._children()[0]}/ns/net") as theirs:
            _enter(libc, theirs.fileno())
            try:
                yield
            finally:
                _enter(libc, ours.fileno())


def _enter(libc: ctypes.CDLL, descriptor: int) -> None:
    if libc.setns(descriptor, NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
