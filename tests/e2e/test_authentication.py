"""A message that arrives signed and leaves changed: who signed it is told, and what it is now is sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dkim
import pytest

from gateway.authentication.secret import generate
from tests.e2e.conftest import STRICT, Chain, edge_chain, milter_chain, running
from tests.e2e.hop import on_a_thread
from tests.e2e.mails import marker
from tests.e2e.talk import send
from tests.e2e.test_disarm import PARTS, mail, wire
from tests.makers.signed import signed, zone
from tests.stubs.dns_server import StubDns

SIGNED_FIELDS = [b"from", b"to", b"subject", b"message-id", b"mime-version", b"content-type"]


@pytest.fixture(params=[edge_chain, milter_chain], ids=["edge", "milter"])
def sealing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Chain, dict[str, str]]]:
    """A chain that disarms, verifies and seals, and the DNS it asks."""
    make: Callable[[str], Chain] = request.param
    key = generate(tmp_path / "arc.pem", "example.com", "arc1", "rsa")
    known = zone() | {key.name: key.record}
    with on_a_thread(StubDns(known), "dns") as dns:
        section = (
            f'[authentication]\nverify = true\nauthserv_id = "mx.example.com"\ndns = ["{dns.address}"]\n'
            f'seal = {{ domain = "example.com", selector = "arc1", key = "{tmp_path}/arc.pem" }}\n'
        )
        for chain in running(lambda: make(STRICT + section)):
            yield chain, known


def test_a_signed_message_is_verified_disarmed_and_sealed(sealing: tuple[Chain, dict[str, str]]) -> None:
    chain, known = sealing
    mark = marker()
    sent = signed(mail(mark), include_headers=SIGNED_FIELDS)
    assert send(chain.port, sent, "alice@example.com").startswith("250")
    received = wire(chain.postfix.delivered("alice", mark.encode()))

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        return known.get(name.decode().rstrip("."), "").encode()

    head = received.partition(b"\r\n\r\n")[0]
    assert b"Authentication-Results: mx.example.com" in head
    assert b"dkim=pass header.d=outside.test" in head
    assert dkim.arc_verify(received, dnsfunc=look_up)[0] == b"pass"
    assert not dkim.verify(received, dnsfunc=look_up)
    for neighbour in (PARTS[1], PARTS[3]):
        assert neighbour in received
    event = chain.gateway.event("message", message_id=f"<{mark}@outside.test>")
    assert (event["action"], event["dkim"]) == ("disarm", "pass")
    assert "dkim" in chain.gateway.run("quarantine", "show", event["held"]).lower()
