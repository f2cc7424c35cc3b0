"""The daemon as systemd and an admin handle it: start, reload, refuse, stop; a next hop and a folder, nothing else."""

import asyncio
import io
import json
import smtplib
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.config import Settings, load
from gateway.daemon import Daemon, StartError
from gateway.events import MailLog
from tests.stubs.next_hop import StubHop

BODY = b"Subject: hello\r\n\r\nnothing to see\r\n"


def configuration(folder: Path, next_hop: str, extra: str = "") -> Path:
    path = folder / "macrogate.toml"
    path.write_text(
        f'[smtp]\nlisten = "127.0.0.1:0"\nnext_hop = "{next_hop}"\n{extra}\n'
        '[http]\nlisten = "127.0.0.1:0"\n[scan]\nworkers = 1\n'
        f'[quarantine]\nstore = "sqlite:///{folder}/q.db"\nmessages = "file:///{folder}/held"\n',
        encoding="utf-8",
    )
    path.chmod(0o600)
    return path


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[tuple[Daemon, io.StringIO]]:
    log = io.StringIO()
    daemon = Daemon(load(path), MailLog(log), lambda: load(path))
    await daemon.start()
    try:
        yield daemon, log
    finally:
        await daemon.stop(drain_seconds=5)


def send(address: str, body: bytes = BODY) -> tuple[int, bytes]:
    host, _, port = address.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=30) as client:
        client.ehlo("client.example")
        client.mail("a@example.org")
        client.rcpt("b@example.net")
        return client.data(body)


def get(address: str, path: str) -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
        return str(answer.read().decode())


async def test_a_message_goes_through_and_is_counted(tmp_path: Path) -> None:
    async with StubHop() as hop, running(configuration(tmp_path, hop.address)) as (daemon, log):
        code, _ = await asyncio.to_thread(send, daemon.smtp_address)
        metrics = await asyncio.to_thread(get, daemon.http_address, "/metrics")
        ready = await asyncio.to_thread(get, daemon.http_address, "/readyz")

    assert code == 250
    (message,) = hop.messages
    assert message.data.partition(b"\r\n")[2] == BODY
    assert 'macrogate_messages_total{action="deliver",listener="smtp"} 1.0' in metrics
    assert "macrogate_workers 1.0" in metrics
    assert json.loads(ready) == {"status": "ready"}
    names = [json.loads(line)["event"] for line in log.getvalue().splitlines()]
    assert names[-1] == "stopped"
    assert "message" in names


async def test_not_ready_says_why(tmp_path: Path) -> None:
    async with StubHop() as hop:
        path = configuration(tmp_path, hop.address)
    async with running(path) as (daemon, _):
        reasons = await daemon.ready()

    assert reasons["next-hop"].startswith("451 4.4.1")


async def test_a_reload_takes_what_changed_and_keeps_what_did_not(tmp_path: Path) -> None:
    async with StubHop() as first, StubHop() as second:
        path = configuration(tmp_path, first.address)
        async with running(path) as (daemon, _):
            before = daemon.current()
            configuration(tmp_path, second.address)
            assert await daemon.reload()
            await asyncio.to_thread(send, daemon.smtp_address)

            assert daemon.current().workers is before.workers
            assert daemon.current().pool is not before.pool
    assert (len(first.messages), len(second.messages)) == (0, 1)


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ("nonsense = 1", "nonsense"),
        ("hostname = 5", "hostname"),
        ('tls_certificate = "/nowhere.pem"\ntls_key = "/nowhere.key"', "tls_certificate"),
    ],
)
async def test_a_bad_file_is_refused_and_the_old_one_stays(tmp_path: Path, extra: str, sentence: str) -> None:
    async with StubHop() as hop:
        path = configuration(tmp_path, hop.address)
        async with running(path) as (daemon, log):
            before = daemon.current()
            configuration(tmp_path, hop.address, extra)

            assert not await daemon.reload()
            assert daemon.current() is before
            assert (await asyncio.to_thread(send, daemon.smtp_address))[0] == 250
            sample = daemon.metrics.registry.get_sample_value
            assert sample("macrogate_reloads_total", {"result": "refused"}) == 1
    refused = [json.loads(line) for line in log.getvalue().splitlines() if "reload-refused" in line]
    assert sentence in refused[0]["why"]


async def test_a_port_cannot_move_while_mail_flows(tmp_path: Path) -> None:
    async with StubHop() as hop:
        path = configuration(tmp_path, hop.address)
        async with running(path) as (daemon, log):
            path.write_text(path.read_text().replace('listen = "127.0.0.1:0"', 'listen = "127.0.0.2:0"', 1))

            assert not await daemon.reload()
    assert "smtp.listen cannot change" in log.getvalue()


async def test_changed_rules_mean_new_workers_and_the_old_ones_end(tmp_path: Path) -> None:
    async with StubHop() as hop:
        path = configuration(tmp_path, hop.address)
        async with running(path) as (daemon, _):
            before = daemon.current().workers.thing
            path.write_text(path.read_text().replace("workers = 1", "workers = 2"))
            assert await daemon.reload()

            assert daemon.current().workers.thing is not before
            assert (await asyncio.to_thread(send, daemon.smtp_address))[0] == 250


async def test_two_daemons_on_one_store(tmp_path: Path) -> None:
    path = configuration(tmp_path, "127.0.0.1:9")
    async with running(path):
        with pytest.raises(StartError, match="Another macrogate"):
            await Daemon(load(path), MailLog(io.StringIO())).start()


async def test_a_taken_port_is_said_with_its_key(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    async with running(configuration(first, "127.0.0.1:9")) as (daemon, _):
        path = configuration(second, "127.0.0.1:9")
        path.write_text(path.read_text().replace("127.0.0.1:0", daemon.smtp_address, 1))
        with pytest.raises(StartError, match=r"smtp\.listen .* in use"):
            await Daemon(load(path), MailLog(io.StringIO())).start()


async def test_a_store_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "held").write_text("a file, not a folder")
    path = configuration(tmp_path, "127.0.0.1:9")
    with pytest.raises(StartError, match="held"):
        await Daemon(load(path), MailLog(io.StringIO())).start()


def test_the_defaults_are_settings() -> None:
    assert Settings().smtp.listen == "127.0.0.1:10024"
