"""The gateway as an operator runs it: ``macrogate serve --config FILE`` in a process of its own.

Readiness is waited for by the notification systemd gets, so that is tested by every test here.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.e2e.tools import eventually, free_port

START_SECONDS = 60.0
POLICY = "[policy]\n"
COMMAND = Path(sys.executable).with_name("macrogate")


def joined(text: str, more: str) -> str:
    """A configuration and further sections of it; what they say of the policy goes to what is said there already."""
    before, header, after = more.partition(POLICY)
    keys, bracket, rest = after.partition("\n[")
    return text.replace(header, f"{header}{keys}\n", 1) + before + bracket + rest if header else text + more


class Process(Protocol):
    """What is asked of a running gateway: ``subprocess.Popen``, or something like it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, number: int, /) -> None: ...


class GatewayProcess:
    """One gateway with a folder, ports, a quarantine and an event log of its own.

    ``smtp`` is the text below ``[smtp]``, without ``listen``; ``more`` any further sections.
    """

    def __init__(self, smtp: str, more: str = "", folder: Path | None = None) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="macrogate-e2e-"))
        self.port = free_port()
        self.http = free_port()
        self.configuration = self.folder / "macrogate.toml"
        self.log = self.folder / "events.log"
        self.quarantine = self.folder / "quarantine"
        self.quarantine.mkdir(exist_ok=True)
        self.process: Process | None = None
        self.held_open: list[socket.socket] = []
        self.under: list[str] = []
        """A program that watches it, with its arguments: the beginning of the command."""
        self.configure(smtp, more)

    def configure(self, smtp: str, more: str = "") -> None:
        """Write the configuration file; a running gateway reads it at ``reload()``."""
        text = (
            f'[smtp]\nlisten = "127.0.0.1:{self.port}"\nhostname = "gateway.test"\n{smtp}\n'
            f'[http]\nlisten = "127.0.0.1:{self.http}"\nusers = "users.json"\ntokens = "tokens.json"\n'
            f'{POLICY}exceptions = "exceptions.json"\n'
            f'[quarantine]\nstore = "sqlite:///{self.quarantine}/quarantine.db"\n'
            f'messages = "file://{self.quarantine}/messages"\n'
        )
        text = joined(text, f"{more}\n")
        fresh = self.configuration.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(self.configuration)

    def append(self, more: str) -> None:
        """Further sections of the configuration file, before it is read."""
        self.configuration.write_text(joined(self.configuration.read_text(), more))

    def start(self, **environment: str) -> GatewayProcess:
        """Start, and return once READY=1 was said."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
            address = self.folder / "notify"
            address.unlink(missing_ok=True)
            notices.bind(str(address))
            notices.settimeout(0.2)
            self.spawn(NOTIFY_SOCKET=str(address), **environment)

            def ready() -> bool:
                with contextlib.suppress(TimeoutError):
                    return b"READY=1" in notices.recv(4096)
                if self.process is not None and self.process.poll() is not None:
                    pytest.fail(f"macrogate ended with {self.process.poll()}:\n{self.log.read_text()[-4000:]}")
                return False

            eventually("macrogate is ready", ready, START_SECONDS)
        return self

    def spawn(self, **environment: str) -> None:
        """Start, and wait for nothing."""
        command = [*self.under, str(COMMAND), "serve", "--config", str(self.configuration)]
        passed = [each.fileno() for each in self.held_open]
        if passed:
            environment["LISTEN_FDS"] = str(len(passed))
            moves = " ".join(f"{3 + number}<&{descriptor}" for number, descriptor in enumerate(passed))
            command = ["bash", "-c", f'LISTEN_PID=$$ exec "$@" {moves}', "bash", *command]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **environment},
                start_new_session=True,
                pass_fds=passed,
            )

    def hold_open(self, *addresses: str) -> None:
        """From now on, own the sockets it listens on and hand them over at each start, as systemd does for
        ``macrogate.socket``."""
        for address in addresses:
            family = socket.AF_UNIX if address.startswith("/") else socket.AF_INET
            host, _, port = address.rpartition(":")
            opened = socket.socket(family)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(address if family is socket.AF_UNIX else (host, int(port)))
            opened.listen(512)
            # beyond the numbers they are moved to, so that none is overwritten on its way
            self.held_open.append(socket.socket(fileno=fcntl.fcntl(opened.detach(), fcntl.F_DUPFD_CLOEXEC, 100)))

    def reload(self) -> None:
        """SIGHUP."""
        self._signal(signal.SIGHUP)

    def terminate(self) -> int:
        """SIGTERM, then wait; returns the exit status."""
        self._signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """SIGKILL, to the daemon alone: its workers have to notice by themselves."""
        self._signal(signal.SIGKILL)
        self.wait()

    def wait(self, seconds: float = 75.0) -> int:
        """The exit status."""
        assert self.process is not None
        return self.process.wait(seconds)

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def remove(self) -> None:
        """Stop it if it runs, and delete its folder."""
        if self.process is not None:
            if self.process.poll() is None:
                self.terminate()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        for each in self.held_open:
            each.close()
        shutil.rmtree(self.folder)

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """The events written so far, all or those of one name. A line being written, or cut by a kill, is no event."""
        found: list[dict[str, Any]] = []
        for line in self.log.read_text(errors="replace").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                found.append(json.loads(line))
        return [event for event in found if not name or event["event"] == name]

    def event(self, name: str, **facts: object) -> dict[str, Any]:
        """The first event of that name with those facts; waits for it."""

        def look() -> dict[str, Any] | None:
            for event in self.events(name):
                if all(event.get(key) == value for key, value in facts.items()):
                    return event
            return None

        return eventually(f"event {name} {facts}", look)

    def run(self, *arguments: str, expect: int | None = 0) -> str:
        """Another ``macrogate`` command on this configuration; returns what it printed."""
        command = [str(COMMAND), *arguments, "--config", str(self.configuration)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert expect is None or done.returncode == expect, (
            f"{command} -> {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout

    def held(self, *filters: str) -> list[dict[str, Any]]:
        """What ``quarantine list --json`` says."""
        text = self.run("quarantine", "list", "--json", *filters)
        return [json.loads(line) for line in text.splitlines()]

    def metrics(self) -> str:
        """The text of ``/metrics``."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def metric(self, series: str) -> float:
        """The value of one series, named as in the text; 0 where it has not appeared yet."""
        for line in self.metrics().splitlines():
            if line.startswith(series + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0
