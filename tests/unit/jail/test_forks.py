from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.jail import forks, process, server

PROGRAM = """
import signal, sys, threading
from gateway.jail import forks
forks.prepare()
assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
assert threading.active_count() == 1
print(*sorted(sys.modules))
"""

GATEWAY = """
import asyncio, io, os, tempfile
from gateway.events import MailLog
from gateway.metrics import Metrics
from gateway.workers import Workers
from gateway.workers.settings import Jail

async def once():
    jail = Jail(1, 10.0, 1 << 30, 1, 1.0, {}, "", "", tasks="tests.stubs.worker_tasks:make")
    workers = Workers(jail, Metrics(), MailLog(io.StringIO()))
    await workers.start()
    print(os.listdir(tempfile.gettempdir()))
    await workers.stop()
    print("done")

if __name__ == "__main__":
    asyncio.run(once())
"""


def test_everything_the_scan_imports_late_is_there_before() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded >= {
        *("gateway.scan.rewrite", "gateway.scan.documents.ole", "gateway.scan.containers.zip"),
        *("oletools.olevba", "msoffcrypto.format.xls97", "cryptography.hazmat.backends.openssl", "libarchive"),
        *("encodings.iso2022_jp", "encodings.cp1252", "encodings.utf_7", "encodings.idna", "xml.dom.expatbuilder"),
    }


def test_the_gateway_depends_on_no_module_and_no_file_that_lies_around(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "temporary").mkdir()
    (tmp_path / "main.py").write_text(GATEWAY, encoding="utf-8")
    for name in ("zipfile", "socket", "oletools"):
        (tmp_path / "here" / f"{name}.py").write_text("open('was-here', 'w')", encoding="utf-8")
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py")],
        cwd=tmp_path / "here",
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path / "temporary")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[]\ndone\n", "")
    assert not (tmp_path / "here" / "was-here").exists()


@pytest.fixture
def asked() -> Iterator[tuple[socket.socket, list[int]]]:
    """The front's end of the news, and the descriptors of an order."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reading, writing = os.pipe()
    with ours:
        ours.settimeout(5)
        yield ours, [reading, theirs.detach(), writing]


def test_a_process_that_cannot_be_started_is_told(
    asked: tuple[socket.socket, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fork() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(forks.os, "fork", fork)
    news, descriptors = asked
    forks._obey(descriptors, {})
    assert news.recv(100) == b"no process can be started: Resource temporarily unavailable"
    assert news.recv(100) == b""
    assert not any(Path(f"/proc/self/fd/{each}").exists() for each in descriptors)


def test_an_order_without_its_descriptors_is_not_obeyed(asked: tuple[socket.socket, list[int]]) -> None:
    news, descriptors = asked
    os.close(descriptors.pop())
    forks._obey(descriptors, {})
    assert news.recv(100) == b""
    assert not any(Path(f"/proc/self/fd/{each}").exists() for each in descriptors)


def test_a_server_that_says_no_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    class Refusing:
        def fork(self, _channel: socket.socket, orders: bytes) -> server.Child:
            asked.append(orders)
            raise OSError("no process can be started")

    monkeypatch.setattr(server, "_servers", [Refusing()])
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(OSError, match="no process"):
        server.fork(theirs, b"{}")
    assert asked == [b"{}"]


def test_orders_arrive_as_they_were_given() -> None:
    given = process.Orders(
        "a:b", 1 << 30, 2.5, {"files": 3, "ratio": 0.5}, "[x]", "it", ("pass",), (("a.yar", "rule x {}"),), "de",
        (("strip", "text"),), "mx.test", ("10.0.0.1",)
    )  # fmt: skip
    assert process.Orders.from_json(json.loads(given.as_json)) == given
