"""sd_notify(3) as systemd would receive it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import systemd


def test_states_arrive_in_one_datagram(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        receiver.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        systemd.notify("READY=1", "STATUS=relaying")
        assert receiver.recv(100) == b"READY=1\nSTATUS=relaying"
        systemd.reloading()
        assert receiver.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    systemd.notify("READY=1")


CHILD = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
from gateway import systemd
first, second = systemd.sockets(), systemd.sockets()
print([each.getsockname()[1] for each in first], [each.get_inheritable() for each in first], second)
"""


def test_sockets_that_are_open_already_are_taken_once_and_inherited_by_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        done = subprocess.run(
            ["bash", "-c", f'exec "$@" 3<&{opened.fileno()}', "bash", sys.executable, "-c", CHILD],
            env={**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x"},
            pass_fds=[opened.fileno()],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout == f"[{opened.getsockname()[1]}] [False] []\n", done.stderr


def test_sockets_meant_for_another_process_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert systemd.sockets() == []
