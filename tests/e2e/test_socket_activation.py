"""Ports that were open before the gateway and outlive it: a restart refuses nobody, who connects meanwhile waits."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import Pair, need_gateway
from tests.e2e.gateway import GatewayProcess
from tests.e2e.hop import hop_thread
from tests.e2e.mails import marker, plain
from tests.e2e.talk import attempt, send
from tests.e2e.test_restarts import delivered


@pytest.fixture
def handed() -> Iterator[Pair]:
    """A gateway that was handed its SMTP, HTTP and milter sockets."""
    need_gateway()
    with hop_thread() as hop:
        gateway = GatewayProcess(f'next_hop = "{hop.address}"')
        gateway.append(f'[milter]\nlisten = "unix:{gateway.folder}/milter.sock"\n')
        gateway.hold_open(f"127.0.0.1:{gateway.port}", f"127.0.0.1:{gateway.http}", str(gateway.folder / "milter.sock"))
        try:
            yield Pair(gateway.start(), hop)
        finally:
            gateway.remove()


def test_who_connects_during_a_restart_waits_and_is_served(handed: Pair) -> None:
    gateway, marks, stop = handed.gateway, list[str](), threading.Event()

    def sender() -> None:
        while not stop.is_set():
            mark = marker()
            marks.append(mark)
            while attempt(gateway.port, plain(mark), "alice@example.com") == "":
                pass  # 421 while it stops; refused it never is, which the other client shows

    with ThreadPoolExecutor(2) as pool:
        job = pool.submit(sender)
        try:
            assert gateway.terminate() == 0
            late = marker()
            waiting = pool.submit(send, gateway.port, plain(late), "alice@example.com")
            gateway.start()
            assert waiting.result(60) == "250 2.0.0 Taken"
        finally:
            stop.set()
        job.result(60)
    marks.append(late)
    assert all(delivered(handed.hop)[each] == 1 for each in marks)
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.http}/healthz", timeout=10) as answer:
        assert answer.status == 200
    assert (gateway.folder / "milter.sock").is_socket()
    started = gateway.events("started")[-1]
    assert started["milter"] == f"unix:{gateway.folder}/milter.sock"

    # a socket nobody would answer on is said at the start
    gateway.terminate()
    gateway.configure(f'next_hop = "{handed.hop.address}"')
    gateway.spawn()
    assert gateway.wait() == 3
    assert f"systemd has opened unix:{gateway.folder}/milter.sock, where no setting listens" in gateway.log.read_text()
