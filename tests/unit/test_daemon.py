"""The daemon as systemd and an admin handle it: start, reload, refuse, stop; a next hop and a folder, nothing else."""

import asyncio
import email
import email.policy
import io
import json
import os
import shutil
import signal
import smtplib
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.config import Settings, load, rules_directory
from gateway.daemon import Daemon, StartError
from gateway.events import MailLog
from gateway.quarantine import Quarantine
from gateway.samples import mail as samples
from tests.stubs.mta import Mta
from tests.stubs.next_hop import StubHop

STRIPPING = """
[[rule]]
id = "macros"
title = "A document in it runs a macro by itself"
why = "For this test"
action = "strip"
when = { verdict = "autoexec" }
example = { findings = ["vba-autoexec"], type = "docm" }

[[rule]]
id = "unscannable"
title = "Nobody can look into it"
why = "For this test"
action = "quarantine"
when = { verdict = "unscannable" }
example = { findings = ["encrypted"], type = "zip" }
"""
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
        reasons = await daemon.health.ready()

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


@pytest.fixture
def harmless_hangup() -> Iterator[None]:
    """SIGHUP would end the tests if the daemon did not catch it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


def reloads(daemon: Daemon, result: str = "taken") -> float:
    return daemon.metrics.registry.get_sample_value("macrogate_reloads_total", {"result": result}) or 0.0


async def until_reloaded(daemon: Daemon, result: str = "taken") -> None:
    async with asyncio.timeout(20):
        while not reloads(daemon, result):  # noqa: ASYNC110 - a counter has no event
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("harmless_hangup")
async def test_hangups_during_the_start_are_one_reload_after_it(tmp_path: Path) -> None:
    path = configuration(tmp_path, "127.0.0.1:9")
    daemon = Daemon(load(path), MailLog(io.StringIO()), lambda: load(path))
    running = asyncio.create_task(daemon.run())
    await asyncio.sleep(0)
    for _ in range(100):
        os.kill(os.getpid(), signal.SIGHUP)
    await until_reloaded(daemon)
    os.kill(os.getpid(), signal.SIGTERM)
    await running
    assert reloads(daemon) == 1


OWN_RULE = """
rule own_word { meta: id = "own-word" title = "Says the word" why = "For this test" reference = "https://example.net/"
verdict = "suspicious" test_as = "text" test = "abracadabra" strings: $a = "abracadabra" condition: $a }
"""


@pytest.mark.usefixtures("harmless_hangup")
async def test_a_hangup_with_a_bad_rule_file_keeps_the_old_rules_and_says_so(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(rules_directory(), rules)
    (rules / "own.yar").write_text(OWN_RULE, encoding="utf-8")
    log = io.StringIO()
    async with StubHop() as hop:
        path = configuration(tmp_path, hop.address)
        path.write_text(f'{path.read_text()}[policy]\nrules = "{rules}"\n', encoding="utf-8")
        daemon = Daemon(load(path), MailLog(log), lambda: load(path))
        running = asyncio.create_task(daemon.run())
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGHUP)
        await until_reloaded(daemon)  # so it has started, with the good file
        (rules / "own.yar").write_text("rule own_word { condition: ", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGHUP)
        await until_reloaded(daemon, "refused")
        await asyncio.to_thread(send, daemon.smtp_address, b"Subject: x\r\n\r\nabracadabra\r\n")
        os.kill(os.getpid(), signal.SIGTERM)
        await running
    events = [json.loads(line) for line in log.getvalue().splitlines()]
    (refused,) = [event for event in events if event["event"] == "reload-refused"]
    assert "own.yar line 1" in refused["why"]
    (message,) = [event for event in events if event["event"] == "message"]
    assert "own-word" in json.dumps(message)
    assert reloads(daemon) == 1


async def test_a_reload_that_meets_a_bug_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    log = io.StringIO()

    def source() -> Settings:
        raise RuntimeError("a bug")

    daemon = Daemon(load(configuration(tmp_path, "127.0.0.1:9")), MailLog(log), source)
    await daemon.start()
    before = daemon.current()
    assert not await daemon.reload()
    assert daemon.current() is before
    await daemon.stop(drain_seconds=0)
    assert "RuntimeError" in log.getvalue()


async def test_workers_of_an_old_configuration_are_gone_when_the_daemon_has_stopped(tmp_path: Path) -> None:
    path = configuration(tmp_path, "127.0.0.1:9")
    async with running(path) as (daemon, _):
        old = daemon.current().workers.thing
        path.write_text(path.read_text().replace("workers = 1", "workers = 2"))
        assert await daemon.reload()
        assert old._links
    assert not old._links


async def test_retention_goes_on_after_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again = asyncio.Event()
    rounds: list[object] = []

    async def expire(_: Quarantine, *about: object) -> int:
        rounds.append(about)
        if len(rounds) > 1:
            again.set()
            return 0
        raise RuntimeError("a bug")

    monkeypatch.setattr(Quarantine, "expire", expire)
    monkeypatch.setattr("gateway.rounds.HOUSEKEEPING_SECONDS", 0.01)
    async with running(configuration(tmp_path, "127.0.0.1:9")) as (_, log):
        async with asyncio.timeout(10):
            await again.wait()
    assert "retention-failed" in log.getvalue()


async def test_what_was_put_in_order_at_the_start_is_told(tmp_path: Path) -> None:
    path = configuration(tmp_path, "127.0.0.1:9")
    async with running(path):
        pass
    (tmp_path / "held" / "00" / "0011223344556677.tmp").mkdir()
    async with running(path) as (_, log):
        (told,) = [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"].startswith("quar")]
    assert (told["event"], told["recovered"], told["swept"]) == ("quarantine-put-in-order", 0, 1)


def test_the_defaults_are_settings() -> None:
    assert Settings().smtp.listen == "127.0.0.1:10024"


async def test_strip_takes_out_one_part_and_touches_no_other_byte(tmp_path: Path) -> None:
    sent = samples.docm_autoopen_message("a@example.org", "b@example.net")
    async with StubHop() as hop:
        path = configuration(tmp_path, hop.address)
        (tmp_path / "policy.toml").write_text(STRIPPING)
        path.write_text(path.read_text() + 'contact = "the help desk"\n[policy]\nfile = "policy.toml"\n')
        async with running(path) as (daemon, log):
            code, _ = await asyncio.to_thread(send, daemon.smtp_address, sent)
    (event,) = [json.loads(line) for line in log.getvalue().splitlines() if json.loads(line)["event"] == "message"]
    (message,) = hop.messages
    header, _, below = message.data.partition(b"\r\n")
    kept = message_of(tmp_path / "held", event["held"])

    assert (code, event["action"]) == (250, "strip")
    assert header.startswith(b"X-Macrogate: verdict=autoexec; action=strip;")
    assert f"held={event['held']}".encode() in header
    assert kept == sent
    delimiter = sent[sent.index(b'boundary="') + 10 :].partition(b'"')[0]
    old, new = sent.split(b"--" + delimiter), below.split(b"--" + delimiter)
    assert len(old) == len(new)
    changed = [number for number, (before, after) in enumerate(zip(old, new, strict=True)) if before != after]
    assert changed == [2]
    notice = email.message_from_bytes(new[2].lstrip(b"\r\n"), policy=email.policy.default)
    body = notice.get_body(("plain",))
    assert body is not None
    told = body.get_content()
    for word in ("Invoice.docm", event["held"], "the help desk", "macro"):
        assert word in told


def message_of(folder: Path, held_id: str) -> bytes:
    (path,) = folder.rglob(f"*{held_id}*/message.eml")
    return path.read_bytes()


async def test_a_milter_alone(tmp_path: Path) -> None:
    path = configuration(tmp_path, "127.0.0.1:9")
    text = path.read_text().replace('listen = "127.0.0.1:0"', 'listen = ""', 1)
    path.write_text(f'{text}[milter]\nlisten = "unix:{tmp_path}/milter.sock"\n')
    async with running(path) as (daemon, log):
        mta = await Mta.at(daemon.milter_address)
        letter, _, copy = await mta.send(BODY)
        before = daemon.current()
        path.write_text(path.read_text().replace("workers = 1", "workers = 2"))
        assert await daemon.reload()
        assert daemon.current() is not before
        held, _, _ = await mta.send(samples.docm_autoopen_message("a@example.org", "b@example.net"))
        await mta.close()
        metrics = await asyncio.to_thread(get, daemon.http_address, "/metrics")
        path.write_text(path.read_text().replace("milter.sock", "other.sock"))
        assert not await daemon.reload()

    assert letter == b"a"
    assert copy.below_own.partition(b"\r\n")[2] == BODY
    assert held == b"d"
    assert 'macrogate_messages_total{action="quarantine",listener="milter"} 1.0' in metrics
    events = [json.loads(line) for line in log.getvalue().splitlines()]
    assert events[-1]["event"] == "stopped"
    assert "milter.listen cannot change" in log.getvalue()
    assert daemon.smtp_address == ""


async def test_a_milter_socket_that_cannot_be_made(tmp_path: Path) -> None:
    path = configuration(tmp_path, "127.0.0.1:9")
    path.write_text(f'{path.read_text()}[milter]\nlisten = "unix:{tmp_path}/no/such/folder"\n')
    with pytest.raises(StartError, match=r"milter\.listen unix:"):
        async with running(path):
            pass
