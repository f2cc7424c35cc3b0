"""Listener, relay and next-hop client together, against a next hop that a script makes fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import pytest

from gateway.endpoint import Endpoint
from gateway.message import Edits, Reply, Transaction
from gateway.smtp import relay
from gateway.smtp.client import HopPool, HopSettings
from gateway.spool import Spool
from tests.stubs.next_hop import EXTENSIONS, Conversation, StubHop, drop
from tests.unit.smtp.fakes import Deliver, Stage, World, stage
from tests.unit.smtp.test_protocol import ENDS, SMUGGLED
from tests.unit.smtp.test_session import BODY


@asynccontextmanager
async def through(hop: StubHop, *, xclient: bool = False, **settings: Any) -> AsyncIterator[Stage]:
    """A listener in front of ``hop``, with the real pool between them."""
    world = World()
    address = Endpoint.parse(hop.address)
    pool = HopPool(HopSettings(address=address, hostname="mx.example", xclient=xclient), world.metrics)
    world.hops = pool  # type: ignore[assignment]
    try:
        async with stage(world, **settings) as at:
            yield at
    finally:
        await pool.close()


async def test_a_message_passes_and_the_connection_is_used_again() -> None:
    async with StubHop() as hop, through(hop) as at:
        client = await at.greeted()
        for _ in range(3):
            await client.envelope()
            assert (await client.data(BODY + b".\r\n")).startswith(b"250")
        assert [message.data for message in hop.messages] == [BODY] * 3
        assert hop.connections == 1


@pytest.mark.parametrize("name", [name for name in ENDS if "nul" not in name])
async def test_a_lenient_next_hop_counts_one_message(name: str) -> None:
    async with StubHop(lenient=True) as hop, through(hop) as at:
        client = await at.greeted()
        await client.envelope()
        reply = await client.data(b"Subject: x\r\n\r\nbody" + ENDS[name] + SMUGGLED + b".\r\n")
        assert reply.startswith(b"250")
        assert len(hop.ended) == 1


async def test_the_next_hop_is_told_who_the_client_is_by_xclient() -> None:
    offers = (*EXTENSIONS, "XCLIENT NAME ADDR PROTO HELO PORT")
    trusted = (ip_network("127.0.0.0/8"),)
    async with StubHop(extensions=offers) as hop, through(hop, xclient=True, trusted_peers=trusted) as at:
        client = await at.greeted()
        await client.ask(b"XFORWARD NAME=a.example ADDR=192.0.2.1 PROTO=ESMTP HELO=h.example")
        await client.envelope()
        await client.data(BODY + b".\r\n")
        assert hop.messages[0].xclient["ADDR"] == "192.0.2.1"


async def test_the_next_hop_is_told_who_the_client_is_by_xforward() -> None:
    async with StubHop(extensions=(*EXTENSIONS, "XFORWARD NAME ADDR PROTO HELO PORT IDENT")) as hop, through(hop) as at:
        client = await at.greeted()
        await client.envelope()
        await client.data(BODY + b".\r\n")
        assert hop.messages[0].xforward["ADDR"] == "127.0.0.1"
        assert hop.messages[0].xforward["HELO"] == "client.example"


@pytest.mark.parametrize(
    ("script", "replies"),
    [
        ({"MAIL": "450 4.2.0 Busy"}, [b"450 4.2.0 Busy\r\n"]),
        ({"RCPT": "550-5.1.1 No\n550 5.1.1 body"}, [b"250", b"550-5.1.1 No\r\n550 5.1.1 body\r\n"]),
        ({"DATA": "451 4.3.0 Later"}, [b"250", b"250", b"354", b"451 4.3.0 Later\r\n"]),
        ({".": "451 4.3.0 Later"}, [b"250", b"250", b"354", b"451 4.3.0 Later\r\n"]),
        ({".": "554 5.7.1 Never"}, [b"250", b"250", b"354", b"554 5.7.1 Never\r\n"]),
        ({".": drop}, [b"250", b"250", b"354", b"451 4.4.2"]),
        ({".": ("250 2.0.0 Ok", drop)}, [b"250", b"250", b"354", b"250"]),
        ({"DATA": drop}, [b"250", b"250", b"354", b"451 4.4.2"]),
        ({"RCPT": drop}, [b"250", b"451 4.4.2"]),
        ({"MAIL": [drop]}, [b"250", b"250", b"354", b"250"]),
        ({"MAIL": [drop, drop]}, [b"451 4.4.2"]),
        ({"CONNECT": "554 5.7.1 Not you"}, [b"554 5.7.1 Not you\r\n"]),
        ({"RCPT": b"250 x\0y\r\n"}, [b"250", b"451 4.4"]),
    ],
)
async def test_the_word_of_the_next_hop_reaches_the_client(script: Any, replies: list[bytes]) -> None:
    async with StubHop(script) as hop, through(hop) as at:
        client = await at.greeted()
        lines = [b"MAIL FROM:<a@x>", b"RCPT TO:<b@x>", b"DATA", BODY + b"."]
        for line, reply in zip(lines, replies, strict=False):
            assert (await client.ask(line)).startswith(reply), line
        delivered = len(replies) == 4 and replies[-1].startswith(b"250")
        assert len(hop.messages) == delivered


async def test_a_next_hop_that_comes_back_is_used_without_anybodys_help() -> None:
    async with StubHop() as hop, through(hop) as at:
        client = await at.greeted()
        await hop.stop()
        assert (await client.ask(b"MAIL FROM:<a@x>")).startswith(b"451 4.4.1")
        await hop.start()
        await client.envelope()
        assert (await client.data(BODY + b".\r\n")).startswith(b"250")


async def test_extensions_lost_in_mid_session_are_a_451() -> None:
    async with StubHop() as hop, through(hop) as at:
        client = await at.greeted()
        await hop.stop()
        hop.extensions = ["PIPELINING"]
        await hop.start()
        assert (await client.ask("MAIL FROM:<ä@x> SMTPUTF8".encode())).startswith(b"451")
        assert hop.messages == []


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_at_the_next_hop() -> None:
    async with StubHop() as hop, through(hop) as at:
        client = await at.greeted()
        await client.envelope()
        await client.ask(b"DATA")
        await client.say(BODY)
        client.reset()
        await at.sessions_end()
        await hop.until(lambda hop: hop.commands[-1] == "RSET")
        assert hop.ended == []


async def test_a_next_hop_that_tires_of_a_slow_client_is_told_the_envelope_again() -> None:
    async with StubHop() as hop, through(hop) as at:
        client = await at.greeted()
        await client.envelope()
        assert (await client.ask(b"DATA")).startswith(b"354")
        await hop.stop()
        await hop.start()
        await client.say(BODY + b".\r\n")

        assert (await client.hear()).startswith(b"250")
        assert [message.data for message in hop.messages] == [BODY]
        assert hop.connections == 2


async def test_an_envelope_that_is_refused_the_second_time_is_a_451_and_no_copy() -> None:
    async with StubHop({"RCPT": ["250 2.1.5 Ok", "550 5.1.1 gone"]}) as hop, through(hop) as at:
        client = await at.greeted()
        await client.envelope()
        assert (await client.ask(b"DATA")).startswith(b"354")
        await hop.stop()
        await hop.start()
        await client.say(BODY + b".\r\n")

        assert (await client.hear()).startswith(b"451 4.4.2")
        assert hop.messages == []


# ---- what the client sends in one go


GROUP = b"MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nRCPT TO:<c@x.example>\r\nDATA\r\n"


async def sees_rcpt(conversation: Conversation) -> None:
    assert conversation.buffer == b"RCPT TO:<b@x.example>\r\n"


async def test_the_first_recipient_a_client_has_sent_ahead_is_asked_about_at_once() -> None:
    async with StubHop({"MAIL": (sees_rcpt, "250 2.1.0 Ok")}) as hop, through(hop) as at:
        client = await at.greeted()
        await client.say(GROUP)
        assert [(await client.hear())[:3] for _ in range(4)] == [b"250", b"250", b"250", b"354"]
        await client.say(BODY + b".\r\n")
        assert (await client.hear()).startswith(b"250")
        assert hop.messages[0].recipients == ["b@x.example", "c@x.example"]


@pytest.mark.parametrize(
    ("script", "replies"),
    [
        ({"MAIL": "550 5.7.1 No", "RCPT": "503 5.5.1 MAIL first"}, [b"550", b"503", b"503", b"503"]),
        ({"RCPT TO:<b@": "550 5.1.1 Nobody"}, [b"250", b"550", b"250", b"354"]),
        ({"RCPT": "450 4.2.0 Later"}, [b"250", b"450", b"450", b"554"]),
        ({"MAIL": [drop]}, [b"250", b"250", b"250", b"354"]),
        ({"RCPT": [drop]}, [b"250", b"250", b"250", b"354"]),
    ],
)
async def test_what_was_sent_ahead_is_answered_as_if_it_was_not(script: Any, replies: list[bytes]) -> None:
    async with StubHop(script) as hop, through(hop) as at:
        client = await at.greeted()
        await client.say(GROUP)
        assert [(await client.hear())[:3] for _ in range(4)] == replies
        assert hop.ended == []


@pytest.mark.parametrize("line", [b"RCPT TO:<>", b"RCPT TO:b@x.example", b"RCPT TO:<b@x.example> NOTHING=1", b"NOOP"])
async def test_what_is_no_recipient_is_not_sent_ahead(line: bytes) -> None:
    async with StubHop() as hop, through(hop) as at:
        client = await at.greeted()
        await client.say(b"MAIL FROM:<a@x.example>\r\n" + line + b"\r\n")
        assert (await client.hear()).startswith(b"250")
        await client.hear()
        assert hop.commands[-1] == "MAIL FROM:<a@x.example>"


# ---- a client that lingers


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "LINGER", 0.01)


@pytest.mark.usefixtures("hasty")
async def test_while_a_client_lingers_others_have_its_connection() -> None:
    async with StubHop() as hop, through(hop) as at:
        slow = await at.greeted()
        await slow.envelope([b"a@x.example", b"b@x.example"])
        assert (await slow.ask(b"DATA")).startswith(b"354")
        await slow.say(BODY)
        await hop.until(lambda hop: hop.commands[-1] == "RSET")
        other = await at.greeted()
        await other.envelope()
        assert (await other.data(BODY + b".\r\n")).startswith(b"250")
        assert hop.connections == 1

        await slow.say(b".\r\n")
        assert (await slow.hear()).startswith(b"250")
        assert [message.recipients for message in hop.messages][1:] == [["a@x.example", "b@x.example"]]
        assert hop.messages[1].data == BODY


@pytest.mark.usefixtures("hasty")
async def test_a_client_that_lingers_between_recipients_keeps_them_all() -> None:
    async with StubHop() as hop, through(hop) as at:
        client = await at.greeted()
        await client.envelope([b"a@x.example"])
        await hop.until(lambda hop: hop.commands[-1] == "RSET")
        assert (await client.ask(b"RCPT TO:<b@x.example>")).startswith(b"250")
        assert (await client.data(BODY + b".\r\n")).startswith(b"250")
        assert [message.recipients for message in hop.messages] == [["a@x.example", "b@x.example"]]


@pytest.mark.usefixtures("hasty")
async def test_a_recipient_who_is_refused_the_second_time_does_not_leave_the_mail_to_the_others() -> None:
    async with StubHop({"RCPT TO:<a@": ["250 2.1.5 Ok", "550 5.1.1 gone"]}) as hop, through(hop) as at:
        client = await at.greeted()
        await client.envelope([b"a@x.example"])
        await hop.until(lambda hop: hop.commands[-1] == "RSET")
        assert (await client.ask(b"RCPT TO:<b@x.example>")).startswith(b"451 4.4.2")
        assert (await client.ask(b"RCPT TO:<c@x.example>")).startswith(b"451")
        assert (await client.ask(b"DATA")).startswith(b"451 4.4.2")
        assert hop.ended == []


@pytest.mark.usefixtures("hasty")
async def test_a_next_hop_that_hangs_up_on_who_lingers_is_told_the_envelope_again() -> None:
    async with StubHop({"RSET": [drop]}) as hop, through(hop) as at:
        client = await at.greeted()
        await client.envelope()
        await hop.until(lambda hop: "RSET" in hop.commands)
        assert (await client.data(BODY + b".\r\n")).startswith(b"250")
        assert [message.data for message in hop.messages] == [BODY]


@pytest.mark.usefixtures("hasty")
async def test_past_the_final_dot_a_message_keeps_its_connection() -> None:
    async with StubHop() as hop, through(hop) as at:
        said: list[str] = []

        async def judge(_: Transaction, __: Spool, deliver: Deliver) -> Reply:
            before = len(hop.commands)
            await asyncio.sleep(0.1)
            said.extend(hop.commands[before:])
            return await deliver(Edits())

        world = at.listener._house.current()
        assert isinstance(world, World)
        world.verdict = judge
        client = await at.greeted()
        await client.envelope()
        assert (await client.data(BODY + b".\r\n")).startswith(b"250")
        assert said == []
