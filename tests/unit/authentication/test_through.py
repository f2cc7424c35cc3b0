"""Signatures through the whole gateway: real workers in their jail, real DNS packets, a next hop that notes all."""

import asyncio
import io
import json
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import dkim
import dns.rcode
import pytest

from gateway.authentication.secret import generate
from gateway.config import load
from gateway.daemon import Daemon
from gateway.events import MailLog
from gateway.samples import mail as samples
from tests.makers.signed import MESSAGE, signed, zone
from tests.stubs.dns_server import Alias, StubDns, silence
from tests.stubs.next_hop import StubHop

FORGED = b"Authentication-Results: mx.example.com;\r\n dkim=pass header.d=bank.test\r\n"
OTHERS = b"Authentication-Results: other.test; dkim=pass header.d=bank.test\r\n"


@asynccontextmanager
async def running(folder: Path, next_hop: str, dns: str, more: str = "") -> AsyncIterator[tuple[Daemon, io.StringIO]]:
    path = folder / "macrogate.toml"
    path.write_text(
        f'[smtp]\nlisten = "127.0.0.1:0"\nnext_hop = "{next_hop}"\nhostname = "mx.example.com"\n'
        f'[http]\nlisten = ""\n[scan]\nworkers = 1\n'
        f'[quarantine]\nstore = "sqlite:///{folder}/q.db"\nmessages = "file:///{folder}/held"\n'
        f'[authentication]\nverify = true\ndns = ["{dns}"]\n{more}',
        encoding="utf-8",
    )
    path.chmod(0o600)
    log = io.StringIO()
    daemon = Daemon(load(path), MailLog(log), lambda: load(path))
    await daemon.start()
    try:
        yield daemon, log
    finally:
        await daemon.stop(drain_seconds=5)


def send(address: str, body: bytes) -> tuple[int, bytes]:
    host, _, port = address.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=30) as client:
        client.ehlo("client.example")
        client.mail("anna@outside.test")
        client.rcpt("bob@example.com")
        return client.data(body)


def event(log: io.StringIO) -> dict[str, Any]:
    (found,) = [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == "message"]
    return dict(found)


async def test_a_signature_is_verified_and_told(tmp_path: Path) -> None:
    message = signed()
    async with StubHop() as hop, StubDns(zone()) as dns, running(tmp_path, hop.address, dns.address) as (daemon, log):
        code, _ = await asyncio.to_thread(send, daemon.smtp_address, FORGED + OTHERS + message)
        value = daemon.metrics.registry.get_sample_value
        assert value("macrogate_authentication_total", {"method": "dkim", "result": "pass"}) == 1

    assert code == 250
    ours, line, below = hop.messages[0].data.split(b"\r\n", 2)
    assert ours.startswith(b"X-Macrogate: ")
    assert line == b"Authentication-Results: mx.example.com;"
    results, _, rest = below.partition(b"Authentication-Results: other.test")
    assert b"dkim=pass header.d=outside.test header.s=s1 header.a=rsa-sha256 header.b=" in results
    assert b"dmarc=pass header.from=outside.test" in results
    assert (b"Authentication-Results: other.test" + rest) == OTHERS + message
    told = event(log)
    assert (told["dkim"], told["dmarc"], told["arc"], told["from_domain"]) == ("pass", "pass", "none", "outside.test")


@pytest.mark.parametrize(
    ("said", "result"),
    [
        (silence, "temperror"),
        (dns.rcode.SERVFAIL, "temperror"),
        (dns.rcode.REFUSED, "temperror"),
        ("x" * 60_000, "permerror"),
        (Alias("a.test"), "temperror"),
    ],
)
async def test_dns_in_trouble_costs_no_mail(tmp_path: Path, said: object, result: str) -> None:
    known = {"s1._domainkey.outside.test": said, "a.test": Alias("b.test"), "b.test": Alias("a.test")}
    known["_dmarc.outside.test"] = said
    more = "timeout = 1.0\n"
    async with StubHop() as hop, StubDns(known) as dns, running(tmp_path, hop.address, dns.address, more) as (it, log):
        code, _ = await asyncio.to_thread(send, it.smtp_address, signed())

    assert code == 250
    assert f"dkim={result}".encode() in hop.messages[0].data
    assert hop.messages[0].data.endswith(signed().partition(b"\r\n\r\n")[2])
    told = event(log)
    assert (told["dkim"], told["dmarc"], told["verdict"]) == (result, result, "clean")
    assert told["seconds"]["authenticate"] < 5


async def test_nothing_is_said_where_nobody_asked(tmp_path: Path) -> None:
    async with StubHop() as hop, StubDns({}) as dns:
        more = ""
        async with running(tmp_path, hop.address, dns.address, more) as (daemon, log):
            path = tmp_path / "macrogate.toml"
            path.write_text(path.read_text("utf-8").replace("verify = true", "verify = false"), encoding="utf-8")
            assert await daemon.reload()
            await asyncio.to_thread(send, daemon.smtp_address, FORGED + MESSAGE)

    assert hop.messages[0].data.partition(b"\r\n")[2] == FORGED + MESSAGE
    assert "dkim" not in event(log)
    assert not dns.asked


STRIP = """
[[rule]]
id = "macros"
title = "A document in it runs a macro by itself"
action = "strip"
when = { verdict = "autoexec" }

[[rule]]
id = "unscannable"
title = "Nobody can look into it"
action = "quarantine"
when = { verdict = "unscannable" }
"""


async def test_a_changed_message_is_told_as_it_was_and_sealed_as_it_is(tmp_path: Path) -> None:
    armed = samples.docm_autoopen_message("anna@outside.test", "bob@example.com")
    message = signed(armed, include_headers=[b"from", b"subject"])
    keys = {name: generate(tmp_path / f"{name}.pem", "example.com", name, "rsa") for name in ("arc1", "dkim1")}
    known = zone() | {key.name: key.record for key in keys.values()}
    (tmp_path / "policy.toml").write_text(STRIP, encoding="utf-8")
    more = (
        'seal = { domain = "example.com", selector = "arc1", key = "arc1.pem" }\n'
        'sign = { domain = "example.com", selector = "dkim1", key = "dkim1.pem" }\n'
        '[policy]\nfile = "policy.toml"\n'
    )
    async with StubHop() as hop, StubDns(known) as dns, running(tmp_path, hop.address, dns.address, more) as (it, log):
        code, _ = await asyncio.to_thread(send, it.smtp_address, message)

    assert code == 250
    told = event(log)
    assert (told["action"], told["dkim"]) == ("strip", "pass")
    delivered = hop.messages[0].data
    assert b"dkim=pass header.d=outside.test" in delivered.partition(b"\r\n\r\n")[0]

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        return known.get(name.decode().rstrip("."), "").encode()

    assert dkim.arc_verify(delivered, dnsfunc=look_up)[0] == b"pass"
    verifier = dkim.DKIM(delivered)
    assert verifier.verify(0, dnsfunc=look_up)
    assert verifier.domain == b"example.com"
    with pytest.raises(dkim.ValidationError, match="body hash mismatch"):
        verifier.verify(1, dnsfunc=look_up)


async def test_rules_that_ask_who_signed_need_somebody_who_looks(tmp_path: Path) -> None:
    asking = '[[rule]]\nid = "forged"\ntitle = "From is forged"\naction = "reject"\nwhen = { dmarc = "fail" }\n' + STRIP
    (tmp_path / "policy.toml").write_text(asking, encoding="utf-8")
    more = '[policy]\nfile = "policy.toml"\n'
    async with StubHop() as hop, StubDns(zone()) as dns, running(tmp_path, hop.address, dns.address, more) as (it, log):
        with pytest.raises(smtplib.SMTPDataError, match="550"):
            await asyncio.to_thread(_send_or_raise, it.smtp_address, MESSAGE)
        assert (await asyncio.to_thread(send, it.smtp_address, signed()))[0] == 250
        path = tmp_path / "macrogate.toml"
        path.write_text(path.read_text("utf-8").replace("verify = true", "verify = false"), encoding="utf-8")
        assert not await it.reload()

    assert "rules that ask for dkim or dmarc could never match: forged; set verify = true" in log.getvalue()
    assert len(hop.messages) == 1


def _send_or_raise(address: str, body: bytes) -> None:
    code, reply = send(address, body)
    if code != 250:
        raise smtplib.SMTPDataError(code, reply)
