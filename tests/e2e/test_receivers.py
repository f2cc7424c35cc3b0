"""The log to a file, to a real rsyslog, and to receivers that take nothing, beside mail that flows."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.gateway import GatewayProcess
from tests.e2e.hop import hop_thread
from tests.e2e.mails import marker, plain
from tests.e2e.talk import send
from tests.e2e.tools import DEPLOY, eventually, find, free_port, listening, need
from tests.proof.zygote import WarmGateway


@contextmanager
def gateway(log: str, next_hop: str) -> Iterator[GatewayProcess]:
    running = WarmGateway(f'next_hop = "{next_hop}"', f"[scan]\nworkers = 1\n{log}")
    try:
        yield running.start()
    finally:
        running.remove()


@contextmanager
def rsyslog(folder: Path, port: int) -> Iterator[Path]:
    """A real one with the configuration that is shipped, but for its port and the places of its files."""
    text = (DEPLOY / "siem" / "rsyslog" / "macrogate.conf").read_text()
    for old, new in (('port="6514"', f'port="{port}" address="127.0.0.1"'), ("/var/log/", f"{folder}/")):
        assert old in text
        text = text.replace(old, new)
    path = folder / "rsyslog.conf"
    path.write_text(f'global(workDirectory="{folder}")\n{text}')
    command = [find("rsyslogd") or "", "-n", "-f", str(path), "-i", str(folder / "pid")]
    with (folder / "rsyslog.log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        eventually("rsyslogd listens", lambda: listening(port))
        yield folder / "macrogate.json"
    finally:
        process.terminate()
        process.wait(30)


def events(path: Path, name: str = "message") -> list[dict[str, object]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [event for event in map(json.loads, lines) if event["event"] == name]


def test_a_real_rsyslog_and_a_file_get_every_event(tmp_path: Path) -> None:
    need("rsyslogd")
    port, file, marks = free_port(), tmp_path / "events.json", [marker() for _ in range(5)]
    log = f'[log]\nfile = "{file}"\nsyslog = "tcp:127.0.0.1:{port}"\nsubject = "hash"'
    with rsyslog(tmp_path, port) as received, hop_thread() as hop, gateway(log, hop.address) as running:
        for mark in marks[:3]:
            assert send(running.port, plain(mark), "alice@example.com").startswith("250")
        eventually("the file has three", lambda: len(events(file)) == 3)
        file.rename(tmp_path / "events.json.1")
        for mark in marks[3:]:
            assert send(running.port, plain(mark), "alice@example.com").startswith("250")
        eventually("rsyslog has all", lambda: len(events(received)) == 5)
        assert running.terminate() == 0
        eventually("rsyslog heard of the end", lambda: events(received, "stopped"))

    wanted = [f"<{mark}@outside.test>" for mark in marks]
    assert [event["message_id"] for event in events(tmp_path / "events.json.1") + events(file)] == wanted
    assert [event["message_id"] for event in events(received)] == wanted
    assert all(str(event["subject"]).startswith("sha256:") for event in events(received))


def test_receivers_that_take_nothing_delay_no_mail_and_no_end(tmp_path: Path) -> None:
    """Two that accept connections and read nothing, and a file that cannot be."""
    with socket.create_server(("127.0.0.1", 0)) as deaf, hop_thread() as hop:
        place = f"127.0.0.1:{deaf.getsockname()[1]}"
        log = f'[log]\nfile = "/dev/full/x"\nsyslog = "tcp:{place}"\nhttp = "http://{place}/"'
        with gateway(log, hop.address) as running:
            for _ in range(20):
                assert send(running.port, plain(marker()), "alice@example.com").startswith("250")
            running.event("log-receiver-failed", receiver="file")
            assert running.metric('macrogate_log_receiver_lines{receiver="http",state="waiting"}') > 20
            assert running.metric('macrogate_log_receiver_lines{receiver="http",state="dropped"}') == 0
            assert running.terminate() == 0
            assert len(running.events("message")) == 20
            assert os.path.exists("/dev/full")
